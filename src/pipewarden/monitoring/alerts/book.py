"""The file of alert rules, read and checked as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipewarden.core.monitoring.alerts.conditions import Condition, Sort, condition, span
from pipewarden.core.monitoring.alerts.rules import ALL, Book, Level, Plan, Rule, Severity
from pipewarden.core.monitoring.observations import SubjectKind
from pipewarden.errors import InvalidSettings
from pipewarden.settings import problems_of

#: The rules that hold where an operator has none.
DEFAULT = Path(__file__).with_name("alerts.yaml")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Level(_Part):
    channels: tuple[str, ...] = Field(min_length=1)
    unacknowledged: str | None = None


class _Plan(_Part):
    levels: tuple[_Level, ...] = Field(min_length=1)
    remind: str | None = None
    digest: str | None = Field(default=None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")


class _Rule(_Part):
    name: str = Field(min_length=1, max_length=100)
    metric: str = ""
    condition: str
    severity: Severity
    kind: SubjectKind | None = None
    subject: str = "*"
    environment: str = "*"
    feature: str = "*"
    holds_for: str = Field(default="0m", alias="for")
    resolve_after: int | None = Field(default=None, ge=1, le=1_000)
    against: str = "version"
    owner: str = ""
    runbook: str = ""


class _File(_Part):
    version: Literal[1]
    tries: int = Field(default=3, ge=1, le=100)
    resolve_after: int = Field(default=3, ge=1, le=1_000)
    severities: dict[Severity, _Plan]
    rules: tuple[_Rule, ...]


def read_book(path: Path, channels: Sequence[str]) -> Book:
    """Return the alert rules of a file.

    Parameters
    ----------
    path
        Where there is no file, the rules of the package hold.
    channels
        The names that its plans may use, beside ``all``.

    Raises
    ------
    InvalidSettings
        It does not read, or something in it does not hold; the message says what.
    """
    import yaml

    file = path if path.is_file() else DEFAULT
    try:
        held = yaml.safe_load(file.read_text(encoding="utf-8"))
        return _book(_File.model_validate(held), channels)
    except ValidationError as error:
        raise _wrong(file, problems_of(error)) from None
    except InvalidSettings as error:
        raise _wrong(file, error.message, error.next_step) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _wrong(file, f"it does not read: {error}") from error


def _wrong(file: Path, words: str, next_step: str = "") -> InvalidSettings:
    return InvalidSettings(
        f"the alert rules {file}: {words}", next_step=next_step or f"correct {file}"
    )


def _book(held: _File, channels: Sequence[str]) -> Book:
    lacking = [one for one in Severity if one not in held.severities]
    if lacking:
        raise InvalidSettings(f"severities has no {lacking[0]}")
    names = [rule.name for rule in held.rules]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise InvalidSettings(f"two rules are called {min(doubled)!r}")
    plans = {
        severity: _plan(severity, plan, channels) for severity, plan in held.severities.items()
    }
    rules = tuple(_rule(rule, held.resolve_after) for rule in held.rules)
    return Book(rules=rules, plans=plans, tries=held.tries)


def _plan(severity: Severity, held: _Plan, channels: Sequence[str]) -> Plan:
    for name in {name for level in held.levels for name in level.channels}:
        if name != ALL and name not in channels:
            raise InvalidSettings(
                f"severities.{severity} names the channel {name!r}, which the settings do not have",
                next_step=f"known: {', '.join([ALL, *channels])}; more are set in alerts.channels",
            )
    levels = tuple(
        Level(channels=level.channels, unacknowledged=_maybe(level.unacknowledged))
        for level in held.levels
    )
    digest = None if held.digest is None else time.fromisoformat(held.digest)
    return Plan(levels=levels, remind=_maybe(held.remind), digest=digest)


def _maybe(text: str | None) -> Any:
    return None if text is None else span(text)


def _rule(held: _Rule, resolve_after: int) -> Rule:
    try:
        about = condition(held.condition)
        return Rule(
            name=held.name,
            metric=_metric(held.metric, about),
            condition=about,
            severity=held.severity,
            kind=held.kind,
            subject=held.subject,
            environment=held.environment,
            feature=held.feature,
            holds_for=span(held.holds_for),
            resolve_after=held.resolve_after or (1 if about.missing else resolve_after),
            against=None if held.against == "version" else span(held.against),
            owner=held.owner,
            runbook=held.runbook,
        )
    except InvalidSettings as error:
        raise InvalidSettings(
            f"rule {held.name!r}: {error.message}", next_step=error.next_step
        ) from error


def _metric(named: str, about: Condition) -> str:
    """Return the pattern of the metric, which a condition such as ``RMSE +20%`` may name."""
    if about.sort is Sort.CHANGE and about.word:
        if named and named.rpartition(".")[2].lower() not in (about.word, "*"):
            raise InvalidSettings(
                f"its metric is {named!r}, and its condition names {about.word!r}"
            )
        return named or f"*.{about.word}"
    if not named:
        raise InvalidSettings("it names no metric")
    return named
