"""Alert rules: which figures they are about, how grave it is, and who is told in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from pipewarden.core.monitoring.alerts.conditions import Condition
from pipewarden.core.monitoring.observations import Observation, SubjectKind

#: The name that stands for every channel of the settings.
ALL = "all"
#: The channel that is always there, and the last that is fallen back to.
CONSOLE = "console"


class Severity(StrEnum):
    """How grave it is."""

    #: Told with the next digest.
    WARNING = "warning"
    #: Told at once.
    CRITICAL = "critical"

    def graver_than(self, other: Severity) -> bool:
        """Whether it outranks another."""
        return self is Severity.CRITICAL and other is Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Whom to tell, and for how long to wait for an acknowledgement.

    Parameters
    ----------
    channels
        Names of channels; ``all`` stands for every one.
    unacknowledged
        After so long the next level is told; None: never.
    """

    channels: tuple[str, ...]
    unacknowledged: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How incidents of one severity are told.

    Parameters
    ----------
    levels
        In order; at least one.
    remind
        The level that was reached is told again after so long without acknowledgement; None: never.
    digest
        The time of day (UTC) at which the first level is told, and told again each day while it
        lasts; None: the first level is told at once.
    """

    levels: tuple[Level, ...]
    remind: timedelta | None = None
    digest: time | None = None

    def channels(self, level: int, known: Sequence[str]) -> tuple[str, ...]:
        """Return the channels of a level, each once; a level beyond the last is the last.

        Parameters
        ----------
        known
            The names that ``all`` stands for.
        """
        named = self.levels[min(level, len(self.levels) - 1)].channels
        spelled = [one for name in named for one in (known if name == ALL else (name,))]
        return tuple(dict.fromkeys(spelled))

    def order(self, known: Sequence[str]) -> tuple[str, ...]:
        """Return every channel in the order in which one takes the place of another."""
        spelled = [one for n in range(len(self.levels)) for one in self.channels(n, known)]
        return tuple(dict.fromkeys([*spelled, CONSOLE]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alert rule.

    Parameters
    ----------
    metric, subject, environment, feature
        Patterns of what it is about; ``*`` stands for anything.
    kind
        Of whose figures it is; None: of any.
    holds_for
        How long the condition must hold, at every look, before it is told.
    resolve_after
        After so many good observations in a row the incident is over.
    against
        The span of the past figure (its median) that a change is relative to; None: the version's
        own figure, and the median of 28 days where the version has none.
    owner, runbook
        For the message: who cares for it, and a link that says what to do.
    """

    name: str
    metric: str
    condition: Condition
    severity: Severity
    kind: SubjectKind | None = None
    subject: str = "*"
    environment: str = "*"
    feature: str = "*"
    holds_for: timedelta = timedelta(0)
    resolve_after: int = 3
    against: timedelta | None = None
    owner: str = ""
    runbook: str = ""

    def concerns(self, seen: Observation) -> bool:
        """Whether it is about this figure."""
        return (self.kind is None or seen.kind is self.kind) and all(
            fnmatchcase(getattr(seen, name), getattr(self, name))
            for name in ("metric", "subject", "environment", "feature")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All alert rules, in the order of the file: of those that find a figure bad, the first holds.

    Parameters
    ----------
    tries
        After so many failed tries a message also goes to the next channel.
    """

    rules: tuple[Rule, ...]
    plans: Mapping[Severity, Plan]
    tries: int = 3

    def concerned(self, seen: Observation, *, missing: bool) -> list[Rule]:
        """Return the rules about a figure: of its value, or of its being missing."""
        return [
            rule for rule in self.rules if rule.condition.missing is missing and rule.concerns(seen)
        ]


def fingerprint(seen: Observation, *, missing: bool) -> str:
    """Return what names one thing that can be wrong: at most one incident of it is open.

    Neither rule, version nor window belongs to it: the same fault seen through another window, or
    after another version began to serve, is the same incident.
    """
    parts = (
        *(str(seen.kind), seen.subject, seen.environment, seen.metric, seen.feature),
        "missing" if missing else "figure",
    )
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
