"""Settings of the core, typed and documented: defaults < file < environment < flag."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipewarden.errors import InvalidSettings

if TYPE_CHECKING:
    from pipewarden.core.gate import Gate

#: The settings file looked for in the home folder.
SETTINGS_FILE = "pipewarden.yaml"


#: How every setting's environment variable begins.
ENV_PREFIX = "PIPEWARDEN_"


class Settings(BaseModel):
    """Every setting of the core. Each is also ``PIPEWARDEN_<NAME>`` in the environment.

    A pipeline's own settings stand under ``pipelines.<name>`` and are validated by the pipeline; in
    the environment they are ``PIPEWARDEN_PIPELINES__<PIPELINE>__<NAME>``. Lists and mappings are
    written as JSON there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(default=Path(), description="The folder that relative paths start from.")
    database_url: str = Field(
        default="",
        description="SQLAlchemy URL of the state database; empty means SQLite at "
        "`.pipewarden/state.db` in the home folder.",
    )
    data_dir: Path = Field(
        default=Path("data"),
        description="Where outputs (`processed/<pipeline>`), runs (`runs/<run id>`) and quarantine "
        "(`quarantine/<run id>`) are kept.",
    )
    reports_dir: Path = Field(default=Path("reports"), description="Where run reports are written.")
    gates_dir: Path = Field(
        default=Path("config/gates"),
        description="Where an operator's own gate files are looked for, `<pipeline>.yaml`.",
    )
    researcher: str = Field(
        default="",
        description="Who runs this, for snapshots and the ledger; empty means git's user, else "
        "the login name.",
    )
    executor: Literal["processes", "inline"] = Field(
        default="processes", description="What processes items: worker processes, or this process."
    )
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="Number of worker processes."
    )
    lock_timeout: float = Field(
        default=10.0, ge=0, description="Seconds to wait for a source that another run holds."
    )
    lease_seconds: float = Field(
        default=30.0,
        gt=0,
        description="Seconds without a heartbeat after which a runner counts as dead.",
    )
    database_sources: tuple[Path, ...] = Field(
        default=(),
        description="Source folders whose manifest is kept in the state database instead of in "
        "`.manifest.json`.",
    )
    pipelines: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Each pipeline's own settings, by its name."
    )

    def in_home(self, path: Path) -> Path:
        """Return ``path`` as seen from the home folder."""
        return self.home / path

    @property
    def state_url(self) -> str:
        """The URL of the state database, the default filled in."""
        if self.database_url:
            return self.database_url
        database = (self.home / ".pipewarden" / "state.db").absolute()
        return f"sqlite:///{database.as_posix()}"

    def redacted(self) -> dict[str, Any]:
        """Return all settings as plain values, secrets replaced."""
        redacted = redact(self.model_dump(mode="json"))
        assert isinstance(redacted, dict)
        return redacted


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
        return Settings(**_merged(_merged(_from_file(home), environment), given))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(p) for p in row['loc']) or 'settings'}: {row['msg']}"
            for row in error.errors(include_input=False, include_url=False)
        )
        raise InvalidSettings(
            f"the settings do not hold: {problems}",
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
        found = _merged(found, {first: value})
    return found


def _plain(variable: str, text: str) -> Any:
    """Return what a variable of a structured setting holds: JSON where it looks like it."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidSettings(f"the variable {variable} is not JSON: {error}") from error


_STRUCTURED = frozenset({"pipelines", "database_sources"})


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return both mappings as one, ``above`` winning at the leaves."""
    merged = dict(below)
    for name, value in above.items():
        held = merged.get(name)
        both = isinstance(held, Mapping) and isinstance(value, Mapping)
        merged[name] = _merged(held, value) if both and held is not None else value
    return merged


_SECRET_NAME = re.compile(
    r"secret|passw(or)?d|passphrase|\bpwd\b|token|credential|api_?key|access_?key|private_?key|dsn"
    r"|^auth(orization)?$|bearer|cookie",
    re.IGNORECASE,
)
#: Where a secret stands in a text: a URL's password, a query or assignment, an HTTP header.
_SECRET_IN_TEXT = (
    re.compile(
        r"(?P<before>[a-z][a-z0-9+.-]*://[^/?#@\s:]*):(?P<secret>[^\s'\"]*)(?P<after>@)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<before>(?:passw(?:or)?d|pwd|secret|token|api_?key|access_?key|sig(?:nature)?)"
        r"['\"]?\s*[=:]\s*['\"]?)(?P<secret>[^\s&'\",;)}]+)(?P<after>)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<before>\b(?:bearer|basic) )(?P<secret>[A-Za-z0-9._~+/=-]{8,})(?P<after>)",
        re.IGNORECASE,
    ),
)
REDACTED = "[redacted]"


def redact(value: Any, name: str = "") -> Any:
    """Return plain values with every secret replaced: by its name, or by its form in a text."""
    if isinstance(value, Mapping):
        secret = name if _SECRET_NAME.search(name) else ""
        return {key: redact(held, secret or str(key)) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(held, name) for held in value]
    if not isinstance(value, str):
        return value  # max_tokens is no secret
    return REDACTED if value and _SECRET_NAME.search(name) else redact_text(value)


def redact_text(text: str) -> str:
    """Return a text without the secrets that stand in it, such as the URL in a driver's error."""
    for pattern in _SECRET_IN_TEXT:
        text = pattern.sub(_hidden, text)
    return text


def _hidden(match: re.Match[str]) -> str:
    if match["secret"] == REDACTED or not match["secret"]:
        return match[0]
    before, after = match["before"], match["after"]
    return f"{before}:{REDACTED}{after}" if after else f"{before}{REDACTED}"


def holds_redacted(value: Any) -> bool:
    """Whether a secret was taken out of plain values, so that they cannot be used again."""
    if isinstance(value, Mapping):
        return any(map(holds_redacted, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(holds_redacted, value))
    return isinstance(value, str) and REDACTED in value


def load_gate(gate: Gate, path: Path) -> Gate:
    """Return ``gate`` with the thresholds of a gate file.

    The file is YAML: ``{version: 1, checks: {<check>: {category, target, operator, …}}}``.

    Raises
    ------
    InvalidSettings
        The file does not read, is of another version, or names what does not exist.
    """
    import yaml

    try:
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidSettings(f"the gate file {path} does not read: {error}") from error
    if not isinstance(rules, dict) or rules.get("version") != 1:
        raise InvalidSettings(f"the gate file {path} is not of version 1")
    if not isinstance(rules.get("checks"), dict):
        raise InvalidSettings(f"the gate file {path} has no mapping 'checks'")
    try:
        return gate.with_thresholds(rules["checks"])
    except InvalidSettings as error:
        raise InvalidSettings(
            f"the gate file {path}: {error.message}", next_step=error.next_step
        ) from error
