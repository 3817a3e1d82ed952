"""What a gate says: thresholds, findings and the verdict that they add up to.

A `Threshold` says which values of a check are good enough; a `Finding` is the answer of one check
with its evidence; the `Verdict` is what all findings together mean for the subject.
"""

from __future__ import annotations

import operator as op
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipewarden.errors import InvalidSettings


class Status(StrEnum):
    """What a finding or a verdict says."""

    PASS = "PASS"  # noqa: S105 - a status, not a password
    WARN = "WARN"
    FAIL = "FAIL"
    #: Only findings: the check has no value here, and the message says why.
    NOT_COMPUTABLE = "NOT_COMPUTABLE"


def _between(value: Any, bounds: Sequence[Any]) -> bool:
    low, high = bounds
    return bool(low <= value <= high)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": op.eq,
    "!=": op.ne,
    "<": op.lt,
    "<=": op.le,
    ">": op.gt,
    ">=": op.ge,
    "in": lambda value, target: value in target,
    "not in": lambda value, target: value not in target,
    "between": _between,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Which values of a check are good enough.

    Parameters
    ----------
    target
        What the value is compared with: ``value <operator> target`` must hold.
    operator
        One of ``== != < <= > >= in "not in" between``.
    warn_threshold
        A stricter target: a value that meets ``target`` but not this one is a WARN.
    blocking
        Whether a miss makes the verdict FAIL; otherwise it makes it WARN.
    unit
        The unit of ``target``, for people.
    applies_when
        Conditions on the subject, dotted path to ``value``, ``[values]`` or ``{operator: target}``;
        all must hold, otherwise the threshold does not apply.

    Raises
    ------
    InvalidSettings
        The operator is unknown, or ``between`` has no two bounds.
    """

    target: Any = True
    operator: str = "=="
    warn_threshold: Any = None
    blocking: bool = False
    unit: str = ""
    applies_when: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.operator not in _OPERATORS:
            known = " ".join(_OPERATORS)
            raise InvalidSettings(f"unknown operator {self.operator!r}; known are: {known}")
        if self.operator == "between":
            for bounds in (self.target, self.warn_threshold):
                pair = isinstance(bounds, (list, tuple)) and len(bounds) == 2
                if bounds is not None and not pair:
                    raise InvalidSettings(f"'between' needs two bounds, got {bounds!r}")

    def judge(self, value: Any) -> Status:
        """Return PASS, WARN or FAIL for ``value``; raise TypeError when it cannot be compared."""
        compare = _OPERATORS[self.operator]
        if not compare(value, self.target):
            return Status.FAIL
        if self.warn_threshold is not None and not compare(value, self.warn_threshold):
            return Status.WARN
        return Status.PASS

    def applies_to(self, subject: Any) -> bool:
        """Return whether every condition of ``applies_when`` holds for ``subject``."""
        return all(
            _holds(lookup(subject, path), wanted)
            for path, wanted in (self.applies_when or {}).items()
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the threshold as plain values, without what is unset."""
        plain = {
            "target": self.target,
            "operator": self.operator,
            "warn_threshold": self.warn_threshold,
            "blocking": self.blocking,
            "unit": self.unit or None,
            "applies_when": dict(self.applies_when) if self.applies_when else None,
        }
        return {name: value for name, value in plain.items() if value is not None}


def _holds(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return value is not None and all(
            _OPERATORS[name](value, target) for name, target in wanted.items()
        )
    if isinstance(wanted, (list, tuple)):
        return value in wanted
    return bool(value == wanted)


def lookup(subject: Any, path: str) -> Any:
    """Return what the dotted ``path`` names in a mapping or object, or None."""
    for name in path.split("."):
        subject = (
            subject.get(name) if isinstance(subject, Mapping) else getattr(subject, name, None)
        )
        if subject is None:
            return None
    return subject


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value with the evidence for it, returned by a check that can point at what is wrong.

    Parameters
    ----------
    value
        What is compared with the threshold.
    message
        What was found, for a person; shown with a miss.
    evidence
        Identities of what is wrong (segment numbers, row ids, excerpts), bounded by the check.
    """

    value: Any
    message: str = ""
    evidence: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer of one check about one subject."""

    check: str
    category: str
    status: Status
    value: Any = None
    threshold: Threshold | None = None
    message: str = ""
    tags: tuple[str, ...] = ()
    evidence: tuple[Any, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether this finding alone makes the verdict FAIL."""
        missed = self.status in (Status.FAIL, Status.NOT_COMPUTABLE)
        return missed and self.threshold is not None and self.threshold.blocking

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain values, without what is empty."""
        plain: dict[str, Any] = {
            "check": self.check,
            "category": self.category,
            "status": str(self.status),
            "value": self.value,
            "threshold": self.threshold.as_dict() if self.threshold else None,
            "message": self.message or None,
            "tags": list(self.tags) or None,
            "evidence": list(self.evidence) or None,
        }
        return {name: value for name, value in plain.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate makes of all findings about one subject."""

    status: Status
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Verdict:
        """Return FAIL when any finding blocks, WARN on any other miss, else PASS."""
        held = tuple(findings)
        if any(finding.blocks for finding in held):
            return cls(Status.FAIL, held)
        if any(finding.status is not Status.PASS for finding in held):
            return cls(Status.WARN, held)
        return cls(Status.PASS, held)

    @property
    def misses(self) -> tuple[Finding, ...]:
        """The findings that are not PASS."""
        return tuple(f for f in self.findings if f.status is not Status.PASS)

    @property
    def reason(self) -> str:
        """The names of the blocking findings, or of all misses, joined by commas."""
        blocking = [f.check for f in self.findings if f.blocks]
        return ", ".join(blocking or [f.check for f in self.misses])

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        return {"status": str(self.status), "findings": [f.as_dict() for f in self.findings]}
