"""The manifest as a JSON document: its shape, its versions, and the upgrade of older files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from pipewarden.errors import StateDamaged, StateTooNew
from pipewarden.store.manifest.record import Entry, collector_paused

#: Version 3 has relative keys, ``run_configs`` and ``reason``; what came before is upgraded.
VERSION = 3


@dataclass(slots=True)
class Document:
    """A manifest in memory: entries by key, metadata, and run snapshots by run id."""

    files: dict[str, Entry] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=lambda: {"version": VERSION})
    run_configs: dict[str, Any] = field(default_factory=dict)
    #: Whether the file was of an older format.
    upgraded: bool = False

    @property
    def journal_n(self) -> int:
        """The number of the last journal line that the document contains."""
        return int(self.metadata.get("journal_n", 0))

    @property
    def generation(self) -> str:
        """The mark of the save that wrote the document; empty when it was never saved."""
        return str(self.metadata.get("generation", ""))

    def encode(self) -> bytes:
        """Return the document as the bytes of a JSON file, stable for version control."""
        plain = {"metadata": self.metadata, "run_configs": self.run_configs, "files": self.files}
        return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n"


def decode(data: bytes, path: Path) -> Document:
    """Return the document that ``data`` holds, upgraded to the present version.

    Raises
    ------
    StateDamaged
        It is not a manifest.
    StateTooNew
        It was written by a newer pipewarden.
    """
    try:
        with collector_paused():
            plain = orjson.loads(data)
        files, metadata = plain["files"], plain.get("metadata") or {}
        if not isinstance(files, dict) or not isinstance(metadata, dict):
            raise TypeError("'files' and 'metadata' must be mappings")
        if not all(isinstance(entry, dict) for entry in files.values()):
            raise TypeError("every entry must be a mapping")
        version = float(metadata.get("version", 1))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateDamaged(f"{path} is not a readable manifest: {error}") from error
    if version > VERSION:
        raise StateTooNew(
            f"{path} has version {metadata['version']}; this pipewarden reads up to {VERSION}",
            left_behind="the manifest is untouched",
            next_step="upgrade pipewarden, or use another folder",
        )
    if version == VERSION:
        return Document(files, metadata, plain.get("run_configs") or {})
    return _upgrade(files, metadata, plain, path.parent)


def _upgrade(
    files: dict[str, Any], metadata: dict[str, Any], plain: Mapping[str, Any], folder: Path
) -> Document:
    run_configs = dict(plain.get("run_configs") or {})
    if isinstance(old := plain.get("run_config"), dict) and old:
        run_configs.setdefault(str(old.get("run_id") or "before_upgrade"), old)
    upgraded = {_own_key(key, folder): _upgrade_entry(e, folder) for key, e in files.items()}
    return Document(upgraded, {**metadata, "version": VERSION}, run_configs, upgraded=True)


def _own_key(key: str, folder: Path) -> str:
    """Return the key of an old absolute path, which may be of another machine's folder."""
    found = relative_key(key, folder)
    if not found.startswith("../"):
        return found
    parts = key.replace("\\", "/").split("/")
    tails = ("/".join(parts[first:]) for first in range(1, len(parts)))
    return next((tail for tail in tails if tail and os.path.lexists(folder / tail)), found)


def _upgrade_entry(entry: dict[str, Any], folder: Path) -> Entry:
    changed: dict[str, Any] = dict(entry)
    if "failure_reason" in changed:
        changed.setdefault("reason", changed.pop("failure_reason"))
    for name in ("output_path", "quarantine_path"):
        if changed.get(name):
            changed[name] = relative_key(changed[name], folder)
    if changed.get("hash") and ":" not in changed["hash"]:
        changed["hash"] = f"sha256:{changed['hash']}"
    if changed.get("status") == "failed":
        changed.setdefault("kind", "errored")
        changed.setdefault("attempt_count", 1)
    return changed  # type: ignore[return-value]


def relative_key(path: str | os.PathLike[str], folder: Path) -> str:
    """Return the POSIX key of ``path`` relative to the manifest's folder.

    A path that is not absolute counts from the working directory when that leads into the folder or
    to something that exists, else from the manifest's folder. Bytes of a file name that are not
    UTF-8 are written as ``\\xNN``, because a key must be text that every machine can read.
    """
    given = os.fspath(path)
    base = os.path.abspath(folder)  # noqa: PTH100 - resolve() would follow symbolic links
    absolute = os.path.abspath(given)  # noqa: PTH100
    inside = _inside(absolute, base) or _inside(os.path.realpath(absolute), os.path.realpath(base))
    if inside is None:
        if not os.path.isabs(given) and not os.path.lexists(absolute):  # noqa: PTH117
            absolute = os.path.join(base, given)  # noqa: PTH118
        try:
            inside = os.path.relpath(absolute, base)
        except ValueError:  # another drive on Windows
            inside = absolute
    return text_key(inside.replace(os.sep, "/"))


def _inside(path: str, base: str) -> str | None:
    prefix = base if base.endswith(os.sep) else base + os.sep
    return path[len(prefix) :] if path.startswith(prefix) else None


def text_key(path: str) -> str:
    """Return ``path`` with undecodable bytes written as ``\\xNN``."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    return path
