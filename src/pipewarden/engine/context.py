"""The run: its id, its folder, and a snapshot of everything needed to do it again."""

from __future__ import annotations

import getpass
import os
import platform
import re
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import orjson

from pipewarden._version import __version__
from pipewarden.errors import InvalidSettings
from pipewarden.settings import load_settings, redact
from pipewarden.store.files import durable

#: Whose versions a snapshot names, where they are installed.
_DEPENDENCIES = ("pydantic", "sqlalchemy", "orjson", "psycopg")
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class GitState:
    """The state of the git checkout that a run was started in; empty outside of one."""

    commit: str = ""
    branch: str = ""
    dirty: bool | None = None

    @classmethod
    def of(cls, folder: Path) -> GitState:
        """Return the git state of ``folder``; a tree with uncommitted changes is dirty."""
        text = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
        if text is None:
            return cls()
        head = dict(
            line[2:].split(" ", 1) for line in text.splitlines() if line.startswith("# branch.")
        )
        commit = head.get("branch.oid", "")
        dirty = any(not line.startswith("#") for line in text.splitlines())
        return cls("" if commit == "(initial)" else commit, head.get("branch.head", ""), dirty)


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git answers, or None when there is no git, no checkout, or nothing to answer."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
        if done.returncode == 0:
            return done.stdout
    return None


def researcher(named: str = "") -> str:
    """Return who is running this: the setting, else git's user, else the login name."""
    if named:
        return named
    if user := (_git(Path.cwd(), "config", "user.name") or "").strip():
        return user
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return "unknown"


def file_safe(name: str) -> str:
    """Return a name that can be a file's on every system."""
    return _NAME.sub("-", name).strip("-") or "run"


def run_name(at: datetime, name: str, git_sha: str) -> str:
    """Return the id of a run: ``20251228_133000_<name>_<sha7>``, without the last part if none."""
    parts = [at.astimezone(UTC).strftime("%Y%m%d_%H%M%S"), file_safe(name)]
    if git_sha:
        parts.append(git_sha[:7])
    return "_".join(parts)


class RunContext:
    """One run: an id that is taken once, an output folder, and a configuration snapshot.

    Parameters
    ----------
    name
        What the run is called, usually the pipeline.
    base_dir
        Where run folders lie; ``data/runs`` by default.
    git_sha
        The commit to name, if the caller knows it.
    auto_git_sha
        Take the commit from the checkout in the working directory.
    capture_config
        Put all settings, secrets redacted, into the snapshot.
    clock
        Gives the present time, UTC and aware.
    """

    def __init__(
        self,
        name: str,
        base_dir: Path | str | None = None,
        git_sha: str | None = None,
        auto_git_sha: bool = False,
        capture_config: bool = True,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not name:
            raise InvalidSettings("a run needs a name")
        self.name = name
        self.base_dir = Path(base_dir) if base_dir is not None else Path("data/runs")
        self.git = GitState.of(Path.cwd()) if auto_git_sha or capture_config else GitState()
        self.git_sha = git_sha or (self.git.commit if auto_git_sha else "") or None
        self.started_at = clock()
        self.run_id = run_name(self.started_at, name, self.git_sha or "")
        self._capture_config = capture_config

    @property
    def output_dir(self) -> Path:
        """The folder of what belongs to the run: configuration, metrics, report."""
        return self.base_dir / self.run_id

    def create(self) -> RunContext:
        """Make the output folder; when the id is taken, by another run, take ``_2``, ``_3``, ….

        Raises
        ------
        StorageUnavailable
            The folder cannot be made.
        """
        durable.make_folder(self.base_dir)
        wanted, number = self.run_id, 1
        while True:
            try:
                with durable.storage_errors(self.output_dir):
                    self.output_dir.mkdir()
            except FileExistsError:
                number += 1
                self.run_id = f"{wanted}_{number}"
                continue
            durable.sync_folder(self.base_dir)
            return self

    @cached_property
    def config_snapshot(self) -> dict[str, Any]:
        """What the run depended on: commit, person, time, interpreter, versions, settings."""
        settings = load_settings() if self._capture_config else None
        return {
            "run_id": self.run_id,
            "name": self.name,
            "timestamp": self.started_at.isoformat(),
            "git_sha": self.git_sha or self.git.commit or None,
            "git_branch": self.git.branch or None,
            "git_dirty": self.git.dirty,
            "researcher": researcher(settings.researcher if settings else ""),
            "python_version": platform.python_version(),
            "platform": platform.platform(),
            "dependencies": dependencies(),
            "settings": settings.redacted() if settings else {},
        }

    def save_config(self, config: Mapping[str, Any]) -> Path:
        """Write ``run_config.yaml``: the snapshot and ``config``, secrets redacted, durably."""
        return self.save_snapshot(
            {**self.config_snapshot, "run_id": self.run_id, "config": dict(config)}
        )

    def save_snapshot(self, snapshot: Mapping[str, Any]) -> Path:
        """Write ``run_config.yaml`` from a snapshot made by the caller, secrets redacted."""
        import yaml

        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        plain = orjson.loads(orjson.dumps(redact(snapshot)))
        text = yaml.dump(plain, Dumper=dumper, sort_keys=False, allow_unicode=True)
        path = self.output_dir / "run_config.yaml"
        durable.write_file(path, text.encode())
        return path

    def save_metrics(self, metrics: Mapping[str, Any]) -> Path:
        """Write ``metrics.json`` durably."""
        path = self.output_dir / "metrics.json"
        option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        durable.write_file(path, orjson.dumps(dict(metrics), option=option))
        return path


def dependencies() -> dict[str, str]:
    """Return the versions of pipewarden and of what its results depend on most."""
    versions = {"pipewarden": __version__}
    for name in _DEPENDENCIES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions
