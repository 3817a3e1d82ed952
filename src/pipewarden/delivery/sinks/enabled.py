"""The sinks that the settings enable, each validated by its kind, and where their spools lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipewarden.delivery.kinds import Kinds
from pipewarden.delivery.sinks.options import SinkOptions
from pipewarden.delivery.sinks.sink import EnabledSink, Sink
from pipewarden.errors import InvalidSettings, UnknownName
from pipewarden.settings import Settings

KINDS: Kinds[SinkOptions, Sink] = Kinds(
    called="sink",
    section="sinks",
    package="pipewarden.delivery.sinks.kinds",
    known={
        "jsonl": ("JsonlOptions", "JsonlSink"),
        "postgresql": ("PostgresqlOptions", "PostgresqlSink"),
        "elasticsearch": ("ElasticsearchOptions", "ElasticsearchSink"),
    },
)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def enabled(settings: Settings, names: tuple[str, ...] = ()) -> list[EnabledSink]:
    """Return the sinks of the settings in order of their names, or those named; none is asked yet.

    Raises
    ------
    InvalidSettings
        A sink is of no known kind, or one of its options does not hold.
    MissingExtra
        Its client is not installed.
    UnknownName
        No sink has such a name.
    """
    for name in names:
        if name not in settings.sinks:
            known = ", ".join(sorted(settings.sinks)) or "none"
            raise UnknownName(f"there is no sink {name!r}", next_step=f"enabled: {known}")
    own = {"jsonl": (settings.home,)}
    sinks = []
    for name in sorted(names or settings.sinks):
        options = options_of(name, settings.sinks[name])
        sinks.append(
            EnabledSink(
                name=name,
                kind=options.kind,
                sink=KINDS.opened(name, options, *own.get(options.kind, ())),
                pipelines=options.pipelines,
                timeout=options.timeout,
                spool_file_bytes=options.spool_file_bytes,
            )
        )
    return sinks


def options_of(name: str, held: Mapping[str, Any]) -> SinkOptions:
    """Return the options of one sink.

    Raises
    ------
    InvalidSettings
        Its name cannot name a folder, it is of no known kind, or an option does not hold; no value
        is repeated.
    """
    if not _NAME.fullmatch(name):
        raise InvalidSettings(
            f"{name!r} cannot name a sink",
            next_step="use lower-case letters, digits, '_' and '-'",
        )
    return KINDS.options_of(name, held)


def spools_of(settings: Settings) -> Path:
    """Return the folder that every sink's spool has its folder in."""
    return settings.in_home(Path(".pipewarden")) / "spool"
