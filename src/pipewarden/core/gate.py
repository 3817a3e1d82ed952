"""Checks and the gate: what is measured about a subject, and the verdict that follows.

Thresholds live apart from measurements so that operators tune a gate file and never code. A check
that misses, raises or cannot be computed is a finding like any other; only whether it is blocking
decides what it means for the subject.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pipewarden.core.canonical import digest_of
from pipewarden.core.findings import Finding, Measurement, Status, Threshold, Verdict
from pipewarden.errors import InvalidSettings, NotComputable


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One measurement and the thresholds that judge it.

    Parameters
    ----------
    name
        Snake-case name, unique in its gate.
    measure
        Subject → value or `Measurement`; raises `NotComputable` when there is no value. Must be
        importable (a module-level function) for the ``processes`` executor.
    thresholds
        The first whose ``applies_when`` holds judges the value; where none applies, the check is
        not asked.
    category
        The heading it is reported under.
    tags
        Free words for filters.
    """

    name: str
    measure: Callable[[Any], Any]
    thresholds: tuple[Threshold, ...] = (Threshold(),)
    category: str = "checks"
    tags: tuple[str, ...] = ()

    def evaluate(self, subject: Any) -> Finding | None:
        """Return the finding about ``subject``, or None when no threshold applies."""
        threshold = next((t for t in self.thresholds if t.applies_to(subject)), None)
        if threshold is None:
            return None
        try:
            measured = self.measure(subject)
        except NotComputable as error:
            return self._finding(threshold, Status.NOT_COMPUTABLE, message=error.message)
        except Exception as error:  # noqa: BLE001 - a check that raises is a finding, never a crash
            reason = f"the check raised {type(error).__name__}: {error}"
            return self._finding(threshold, Status.NOT_COMPUTABLE, message=reason)
        return self.judge(measured, threshold)

    def judge(self, measured: Any, threshold: Threshold) -> Finding:
        """Return the finding for an already measured value."""
        held = measured if isinstance(measured, Measurement) else Measurement(measured)
        try:
            status = threshold.judge(held.value)
        except TypeError as error:
            reason = f"the value {held.value!r} cannot be compared: {error}"
            return self._finding(threshold, Status.NOT_COMPUTABLE, message=reason)
        return self._finding(threshold, status, held)

    def _finding(
        self,
        threshold: Threshold,
        status: Status,
        held: Measurement | None = None,
        message: str = "",
    ) -> Finding:
        return Finding(
            check=self.name,
            category=self.category,
            status=status,
            value=held.value if held else None,
            threshold=threshold,
            message=message or (held.message if held else ""),
            tags=self.tags,
            evidence=held.evidence if held and status is not Status.PASS else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """A check across items: no two published items may have the same identity.

    The worker computes ``identity``; the runner, which alone sees all items, judges it. Of items
    with one identity the lowest key is published, whatever order they finish in.

    Parameters
    ----------
    name
        Snake-case name, unique in its gate.
    identity
        Subject → a string, or None when the subject has no identity and is not compared.
    thresholds
        As in `Check`; the value judged is the number of other items with the same identity.
    """

    name: str
    identity: Callable[[Any], str | None]
    thresholds: tuple[Threshold, ...] = (Threshold(target=0, operator="==", blocking=True),)
    category: str = "identity"
    tags: tuple[str, ...] = ()

    def finding(self, holder: str) -> Finding:
        """Return the finding that the item ``holder`` has the same identity."""
        threshold = self.thresholds[0]
        return Finding(
            check=self.name,
            category=self.category,
            status=threshold.judge(1),
            value=1,
            threshold=threshold,
            message=f"the same as {holder}, which is published",
            tags=self.tags,
            evidence=(holder,),
        )


@dataclass(frozen=True, slots=True)
class Gate:
    """An ordered set of checks that judges one subject.

    Parameters
    ----------
    checks
        Item checks, evaluated in this order.
    unique
        The check across items, if any.

    Raises
    ------
    InvalidSettings
        Two checks have the same name.
    """

    checks: Sequence[Check] = ()
    unique: Unique | None = None
    _by_name: Mapping[str, Check] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "checks", tuple(self.checks))
        names = [c.name for c in self.checks] + ([self.unique.name] if self.unique else [])
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InvalidSettings(f"two checks are named {', '.join(twice)}")
        object.__setattr__(self, "_by_name", {c.name: c for c in self.checks})

    def evaluate(self, subject: Any) -> Verdict:
        """Return the verdict on ``subject`` from every check that applies to it."""
        findings = (check.evaluate(subject) for check in self.checks)
        return Verdict.of(f for f in findings if f is not None)

    def rejudge(self, findings: Iterable[Mapping[str, Any]]) -> Verdict | None:
        """Return the verdict that today's thresholds give to stored findings.

        ``findings`` are the dictionaries of `Finding.as_dict`. The answer is None when they do not
        allow it: a check is missing or unknown, or has several thresholds to choose from.
        """
        stored = {str(f["check"]): f for f in findings}
        if self.unique is not None:
            stored.pop(self.unique.name, None)
        judged: list[Finding] = []
        for check in self.checks:
            row = stored.pop(check.name, None)
            if row is not None:
                threshold = _same_condition(check, row)
                if threshold is None:
                    return None
                judged.append(_rejudged(check, row, threshold))
            elif not all(t.applies_when for t in check.thresholds):
                return None  # asked of every subject, yet no finding is stored
        return None if stored else Verdict.of(judged)

    def with_thresholds(self, rules: Mapping[str, Any]) -> Gate:
        """Return the gate with thresholds, categories and switches taken from a gate file.

        ``rules`` maps a check's name to ``{category, tags, enabled, target, operator,
        warn_threshold, blocking, unit, applies_when}`` or, for several thresholds, to the same
        with a list under ``thresholds``. Checks that are not named keep what they have.

        Raises
        ------
        InvalidSettings
            A name or a field is unknown.
        """
        names = set(self._by_name) | ({self.unique.name} if self.unique else set())
        unknown = sorted(set(rules) - names)
        if unknown:
            raise InvalidSettings(
                f"the gate file names checks that do not exist: {', '.join(unknown)}",
                next_step=f"known checks: {', '.join(sorted(names))}",
            )
        checks = tuple(
            changed
            for check in self.checks
            if (changed := _ruled(check, rules.get(check.name))) is not None
        )
        unique = _ruled(self.unique, rules.get(self.unique.name)) if self.unique else None
        return Gate(checks, unique)

    def thresholds_fingerprint(self) -> str:
        """Return a hash over what can change without measuring again."""
        rules: dict[str, Any] = {
            check.name: [t.as_dict() for t in check.thresholds] for check in self.checks
        }
        if self.unique is not None:
            rules[self.unique.name] = [t.as_dict() for t in self.unique.thresholds]
        return digest_of(rules)

    def measures_fingerprint(self) -> str:
        """Return a hash over the set of checks and the conditions under which each is asked."""
        rules: dict[str, Any] = {
            check.name: [t.applies_when and dict(t.applies_when) for t in check.thresholds]
            for check in self.checks
        }
        if self.unique is not None:
            rules[self.unique.name] = "unique"
        return digest_of(rules)


def _same_condition(check: Check, row: Mapping[str, Any]) -> Threshold | None:
    condition = (row.get("threshold") or {}).get("applies_when")
    for threshold in check.thresholds:
        if (dict(threshold.applies_when) if threshold.applies_when else None) == condition:
            return threshold
    return None


def _rejudged(check: Check, row: Mapping[str, Any], threshold: Threshold) -> Finding:
    message, evidence = row.get("message", ""), tuple(row.get("evidence", ()))
    if row["status"] == Status.NOT_COMPUTABLE:
        return Finding(
            check=check.name,
            category=check.category,
            status=Status.NOT_COMPUTABLE,
            threshold=threshold,
            message=message,
            tags=check.tags,
        )
    return check.judge(Measurement(row.get("value"), message, evidence), threshold)


_JUDGING = frozenset({"target", "operator", "warn_threshold", "blocking", "unit", "applies_when"})
_DESCRIBING = frozenset({"category", "tags", "enabled", "thresholds"})
Judged = TypeVar("Judged", Check, Unique)


def _ruled(check: Judged, rule: Mapping[str, Any] | None) -> Judged | None:
    """Return ``check`` under ``rule`` of a gate file, or None when the rule switches it off."""
    if rule is None:
        return check
    unknown = sorted(set(rule) - _JUDGING - _DESCRIBING)
    if unknown:
        raise InvalidSettings(f"check {check.name!r}: unknown field {', '.join(unknown)}")
    if not rule.get("enabled", True):
        return None
    default = check.thresholds[0]
    listed = rule.get("thresholds")
    if listed is None:
        listed = [rule]
    thresholds = tuple(_threshold(check.name, default, row) for row in listed)
    return replace(
        check,
        thresholds=thresholds,
        category=rule.get("category", check.category),
        tags=tuple(rule.get("tags", check.tags)),
    )


def _threshold(name: str, default: Threshold, rule: Mapping[str, Any]) -> Threshold:
    try:
        return replace(default, **{key: rule[key] for key in rule if key in _JUDGING})
    except InvalidSettings as error:
        raise InvalidSettings(f"check {name!r}: {error.message}") from error


def check(
    measure: Callable[[Any], Any],
    *,
    blocking: bool = False,
    target: Any = True,
    operator: str = "==",
    warn_threshold: Any = None,
    unit: str = "",
    name: str = "",
    category: str = "checks",
) -> Check:
    """Return a `Check` made from a function: subject → value.

    Parameters
    ----------
    measure
        A module-level function; its name is the check's name unless ``name`` is given.
    blocking, target, operator, warn_threshold, unit
        The threshold: by default the function must return True.
    category
        The heading it is reported under.
    """
    threshold = Threshold(
        target=target,
        operator=operator,
        warn_threshold=warn_threshold,
        blocking=blocking,
        unit=unit,
    )
    return Check(
        name=name or measure.__name__, measure=measure, thresholds=(threshold,), category=category
    )
