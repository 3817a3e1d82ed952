"""What a pipeline's outputs depend on beside the input: its code, its settings, its gate."""

from __future__ import annotations

import functools
import hashlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipewarden.core.canonical import digest_of
from pipewarden.core.planning import Fingerprints
from pipewarden.engine.pipeline import Pipeline
from pipewarden.errors import InvalidSettings

_HEX = 16


def fingerprints(pipeline: Pipeline) -> Fingerprints:
    """Return the fingerprints of a pipeline: ``<version>/<code>/<settings>``, and its gate's.

    Raises
    ------
    InvalidSettings
        The settings are not plain values.
    """
    try:
        settings = digest_of(dict(pipeline.settings)).removeprefix("sha256:")[:_HEX]
    except (TypeError, ValueError) as error:
        raise InvalidSettings(
            f"the settings of pipeline {pipeline.name!r} are not plain JSON values: {error}"
        ) from error
    code = code_hash(pipeline.process)[:_HEX]
    return Fingerprints(
        pipeline=f"{pipeline.version}/{code}/{settings}",
        measures=pipeline.gate.measures_fingerprint().removeprefix("sha256:")[:_HEX],
        thresholds=pipeline.gate.thresholds_fingerprint().removeprefix("sha256:")[:_HEX],
    )


def code_hash(function: Callable[..., Any]) -> str:
    """Return a hash over the source of the package that a function lives in.

    For a function in a package it is every ``.py`` file below the package's folder; for one in a
    single module, that file. Line ends count as ``\\n``, so that a checkout on another operating
    system is the same code. A function without source (typed at a prompt) hashes by its byte code.
    """
    inner = _unwrap(function)
    module = sys.modules.get(getattr(inner, "__module__", "") or "")
    file = getattr(module, "__file__", None)
    if module is None or file is None or not Path(file).is_file():
        code = getattr(inner, "__code__", None)
        return hashlib.sha256(code.co_code if code else repr(inner).encode()).hexdigest()
    if module.__package__ and module.__name__ != "__main__":
        root = Path(file).parent
        if "." not in module.__package__ or Path(file).name == "__init__.py":
            return _hash_tree(root)
        return _hash_tree(_package_root(root, module.__package__))
    return _hash_files((Path(file),), Path(file).parent)


def _package_root(folder: Path, package: str) -> Path:
    """Return the folder of the pipeline's own package, not of the whole distribution.

    A built-in pipeline lives in ``pipewarden.pipelines.<name>``; another's is the top-level package
    of its own distribution.
    """
    parts = package.split(".")
    keep = 3 if parts[:2] == ["pipewarden", "pipelines"] else 1
    for _ in parts[keep:]:
        folder = folder.parent
    return folder


def _unwrap(function: Callable[..., Any]) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    inner = inspect.unwrap(function)
    if not hasattr(inner, "__name__"):  # an object with __call__
        return type(inner)
    return getattr(inner, "__func__", inner)


@functools.cache
def _hash_tree(root: Path) -> str:
    return _hash_files(tuple(sorted(root.rglob("*.py"))), root)


def _hash_files(files: tuple[Path, ...], root: Path) -> str:
    state = hashlib.sha256()
    for file in files:
        text = file.read_bytes().replace(b"\r\n", b"\n")
        state.update(file.relative_to(root).as_posix().encode() + b"\0")
        state.update(hashlib.sha256(text).digest())
    return state.hexdigest()
