"""From the words of a command line to what a run is asked to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipewarden.errors import SourceNotFound, UsageError

if TYPE_CHECKING:
    from pipewarden.jobs.options import RunOptions
    from pipewarden.jobs.workspace import Workspace


def asked_for(pipeline: str, source: str, asked: Mapping[str, Any]) -> tuple[Workspace, RunOptions]:
    """Return the workspace, and the options with the settings where nothing was given (None).

    Raises
    ------
    SourceNotFound
        There is nothing at ``source``.
    """
    from pipewarden.jobs.options import RunOptions
    from pipewarden.jobs.workspace import Workspace

    path = existing(source)
    workspace = Workspace()
    settings = workspace.settings
    given = {name: value for name, value in asked.items() if value is not None}
    defaults = {
        "executor": settings.executor,
        "workers": settings.workers,
        "lock_timeout": settings.lock_timeout,
    }
    return workspace, RunOptions(pipeline=pipeline, source=path, **{**defaults, **given})


def existing(source: str) -> str:
    """Return the absolute path of a source that exists.

    Raises
    ------
    SourceNotFound
        There is nothing.
    """
    path = Path(source)
    if not path.exists():
        parent = next((str(p) for p in path.absolute().parents if p.exists()), "/")
        raise SourceNotFound(
            f"the source {source} does not exist",
            next_step=f"give the path of a folder of inputs, or of one file; {parent} exists",
        )
    return str(path.absolute())


def pipeline_settings(pairs: Sequence[str], metadata: Path | None) -> dict[str, Any] | None:
    """Return the pipeline's settings that ``--set`` and ``--metadata`` give; None for none.

    Raises
    ------
    UsageError
        A pair is not ``key=value``, its value is not YAML, or the file does not exist.
    """
    settings = dict(_pair(pair) for pair in pairs)
    if metadata is not None:
        if not metadata.is_file():
            raise UsageError(
                f"the metadata file {metadata} does not exist",
                next_step="correct --metadata, or leave it out",
            )
        settings["metadata"] = str(metadata.absolute())
    return settings or None


def _pair(pair: str) -> tuple[str, Any]:
    import yaml

    key, equals, text = pair.partition("=")
    if not equals or not key.strip():
        raise UsageError(
            f"--set {pair!r} is not KEY=VALUE", next_step="for instance --set max_words=380"
        )
    try:
        return key.strip(), yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(
            f"the value of --set {pair!r} is not YAML: {' '.join(str(error).split())}",
            next_step="put text with special characters into quotes: --set 'key=\"a: b\"'",
        ) from error


def age(text: str) -> timedelta:
    """Return an age such as ``90d``.

    Raises
    ------
    UsageError
        It is none.
    """
    units = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
    number, unit = text[:-1], units.get(text[-1:], "")
    if not unit or not number.isdecimal() or len(number) > 5:
        raise UsageError(f"{text!r} is no age", next_step="for instance 90d, 12h or 30m")
    return timedelta(**{unit: int(number)})


def since(text: str) -> datetime:
    """Return a time that is given as itself (UTC where it says nothing else), or as an age.

    Raises
    ------
    UsageError
        It is neither.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            return datetime.now(UTC) - age(text)
        except UsageError as error:
            raise UsageError(
                f"{text!r} is neither a time nor an age",
                next_step="for instance 2026-03-01T12:00Z, or 7d",
            ) from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
