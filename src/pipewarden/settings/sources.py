"""Where settings come from: defaults < file < environment < flag."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipewarden.errors import InvalidSettings
from pipewarden.settings.model import Settings

#: The settings file looked for in the home folder.
SETTINGS_FILE = "pipewarden.yaml"
#: How every setting's environment variable begins.
ENV_PREFIX = "PIPEWARDEN_"


def load_settings(**flags: Any) -> Settings:
    """Return the settings from defaults, file, environment and ``flags`` (None is not given).

    Each wins over the one before it; mappings (``pipelines``) are merged, not replaced.

    Raises
    ------
    InvalidSettings
        A value does not hold, or a name is unknown.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    environment = _from_environment(os.environ)
    home = Path(given.get("home") or environment.get("home") or ".")
    try:
        return Settings(**merged(merged(_from_file(home), environment), given))
    except ValidationError as error:
        raise InvalidSettings(
            f"the settings do not hold: {problems_of(error)}",
            next_step=f"correct {home / SETTINGS_FILE} or the variable {ENV_PREFIX}<NAME>",
        ) from None


def _from_file(home: Path) -> dict[str, Any]:
    named = os.environ.get(f"{ENV_PREFIX}CONFIG")
    file = Path(named) if named else home / SETTINGS_FILE
    if not file.is_file():
        if named:
            raise InvalidSettings(
                f"the settings file {named} does not exist",
                next_step=f"correct or unset {ENV_PREFIX}CONFIG",
            )
        return {}
    import yaml

    try:
        held = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidSettings(f"the settings file {file} does not read: {error}") from error
    if held is not None and not isinstance(held, dict):
        raise InvalidSettings(f"the settings file {file} is not a mapping of settings")
    return held or {}


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that environment variables give, nested at each ``__``."""
    found: dict[str, Any] = {}
    for variable, text in sorted(environment.items()):
        first, *path = variable.removeprefix(ENV_PREFIX).lower().split("__")
        if not variable.startswith(ENV_PREFIX) or first not in Settings.model_fields or not text:
            continue
        value = _plain(variable, text) if first in _STRUCTURED or path else text
        for name in reversed(path):
            value = {name: value}
        found = merged(found, {first: value})
    return found


def _plain(variable: str, text: str) -> Any:
    """Return what a variable of a structured setting holds: JSON where it looks like it."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidSettings(f"the variable {variable} is not JSON: {error}") from error


_STRUCTURED = frozenset(
    {
        "celery",
        "connections",
        "database_sources",
        "events",
        "models",
        "monitoring",
        "pipelines",
        "service",
        "sinks",
    }
)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return both mappings as one, ``above`` winning at the leaves."""
    joined = dict(below)
    for name, value in above.items():
        held = joined.get(name)
        both = isinstance(held, Mapping) and isinstance(value, Mapping)
        joined[name] = merged(held, value) if both and held is not None else value
    return joined


def problems_of(error: ValidationError) -> str:
    """Return what does not hold, each with the path of its setting; no value is repeated."""
    return "; ".join(
        _problem(".".join(map(str, row["loc"])) or "settings", row["type"], row["msg"])
        for row in error.errors(include_input=False, include_url=False)
    )


def _problem(path: str, kind: str, words: str) -> str:
    # "secret: Field required" would be redacted as if the field were the secret.
    return f"{path} is missing" if kind == "missing" else f"{path}: {words}"
