"""The sinks that the settings enable, each validated by its kind, and where their spools lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipewarden.delivery.sinks.options import SinkOptions
from pipewarden.delivery.sinks.sink import EnabledSink, Sink
from pipewarden.errors import InvalidSettings, UnknownName
from pipewarden.settings import Settings

#: Every kind: its module, and what its options and its sink are called there.
KINDS = {
    "jsonl": ("jsonl", "JsonlOptions", "JsonlSink"),
    "postgresql": ("postgresql", "PostgresqlOptions", "PostgresqlSink"),
    "elasticsearch": ("elasticsearch", "ElasticsearchOptions", "ElasticsearchSink"),
}

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
    sinks = []
    for name in sorted(names or settings.sinks):
        options = options_of(name, settings.sinks[name])
        sinks.append(
            EnabledSink(
                name=name,
                kind=options.kind,
                sink=_made(name, options, settings),
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
    kind = held.get("kind")
    if not _NAME.fullmatch(name):
        raise InvalidSettings(
            f"{name!r} cannot name a sink",
            next_step="use lower-case letters, digits, '_' and '-'",
        )
    if kind not in KINDS:
        raise InvalidSettings(
            f"the sink {name!r} has the kind {kind!r}; known: {', '.join(KINDS)}",
            next_step=f"correct sinks.{name}.kind in the settings",
        )
    module, model, _ = KINDS[kind]
    options: type[SinkOptions] = getattr(_module(module), model)
    try:
        return options(**held)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in row['loc'])}: {row['msg']}"
            for row in error.errors(include_input=False, include_url=False)
        )
        raise InvalidSettings(
            f"the sink {name!r} does not hold: {problems}",
            next_step=f"correct sinks.{name} in the settings",
        ) from None


def _made(name: str, options: SinkOptions, settings: Settings) -> Sink:
    module, _, sink = KINDS[options.kind]
    own = (settings.home,) if options.kind == "jsonl" else ()
    try:
        made: Sink = getattr(_module(module), sink)(options, *own)
    except InvalidSettings as error:
        raise InvalidSettings(
            f"the sink {name!r}: {error.message}",
            next_step=f"correct sinks.{name} in the settings",
        ) from error
    return made


def spools_of(settings: Settings) -> Path:
    """Return the folder that every sink's spool has its folder in."""
    return settings.in_home(Path(".pipewarden")) / "spool"


def _module(name: str) -> Any:
    return import_module(f"pipewarden.delivery.sinks.kinds.{name}")
