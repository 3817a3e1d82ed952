"""How checks, rounds of the monitor, drift and digests are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipewarden.app.cli.output.terminal import (
    say,
    say_folded,
    say_json,
    say_next,
    say_table,
)
from pipewarden.core.monitoring.metrics import METRICS
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.report.monitoring.facts import ORDER, observed
from pipewarden.report.monitoring.view import WORDS
from pipewarden.report.untrusted import visible
from pipewarden.report.wording import amount, count, duration, moment

if TYPE_CHECKING:
    from datetime import datetime

    from pipewarden.jobs.monitoring.checking import Checked
    from pipewarden.jobs.monitoring.digest import Digest
    from pipewarden.jobs.monitoring.drifting import DriftLook
    from pipewarden.jobs.monitoring.running import Round

_TONES = {ObservationStatus.BREACH: "bad", ObservationStatus.WARN: "warn"}
#: As wide as "warning".
_STATUS = 7
_URGENT = (ObservationStatus.BREACH, ObservationStatus.WARN)
#: What is known of a model before anything that it answered was looked at.
_UNSEEN = ("model.age_days",)
#: So many reasons are printed; the page has all.
_REASONS = 8


def say_checked(checked: Checked, *, page: Path | None, problems: Mapping[str, str]) -> None:
    """Print what needs somebody, then how everything stands in a line."""
    _say_observations([one for one in checked.standing if one.status in _URGENT])
    for part, why in {**checked.failures, **problems}.items():
        say(f"{visible(part)} could not be checked: {visible(why)}", tone="warn")
    _say_not_computable(checked.standing)
    _say_unseen(checked.standing)
    tone = "bad" if checked.breaches else "warn" if checked.failures else "good"
    say(f"{checked.check_id}: {_counted(checked.standing)}", tone=tone)
    if page is not None:
        say(f"the report is {visible(str(page))}")
    if checked.breaches:
        say_next({"pipewarden alerts list": "who was told, and what is open"})


def told_as_json(
    checked: Checked, *, page: Path | None, problems: Mapping[str, str]
) -> dict[str, Any]:
    """Return a check as plain values."""
    return {
        "check_id": checked.check_id,
        "at": checked.at.isoformat(),
        "counts": _counts(checked.standing),
        "failures": {**checked.failures, **problems},
        "drift_detected": [dict(event.data) for event in checked.told],
        "report": None if page is None else str(page),
        "observations": [observed(one) for one in checked.standing],
    }


def say_round(at: datetime, done: Round, *, json: bool) -> None:
    """Print one round of the monitor as a line."""
    checked = done.checked
    if json:
        counts = None if checked is None else _counts(checked.standing)
        held = {
            "at": at.isoformat(),
            "check_id": None if checked is None else checked.check_id,
            "counts": counts,
            "messages": done.messages,
            "failures": {**(checked.failures if checked else {}), **done.failures},
        }
        say_json(held, line=True)
        return
    time = moment(at.isoformat())
    for part, why in done.failures.items():
        say(f"{time}  {visible(part)} failed: {visible(why)}", tone="bad", error=True)
    if checked is not None:
        sent = f"; {count(done.messages, 'alert')} sent" if done.messages else ""
        tone = "bad" if checked.breaches else ""
        say(f"{time}  {_counted(checked.standing)}{sent}", tone=tone)
    elif not done.failures:
        say(f"{time}  another monitor checks")


def say_drift(found: Sequence[DriftLook]) -> None:
    """Print what of each model differs from its baseline."""
    if not found:
        say("No model serves there: nothing was looked at.", tone="warn")
        return
    every = [one for look in found for one in look.observations]
    _say_observations([one for one in every if one.status is not ObservationStatus.OK])
    for look in found:
        held = look.deployment
        rows = count(look.rows, "prediction")
        name = visible(f"{held.model}@{held.version} in {held.environment}")
        words = f"{count(len(look.drifted), 'difference')} in {rows}"
        if not look.observations:
            words = "it continues a series: drift of columns means nothing to it"
        say(f"{name}: {words}", tone="bad" if look.drifted else "good")


def drift_as_json(look: DriftLook) -> dict[str, Any]:
    """Return a look at drift as plain values."""
    return {
        "model": look.deployment.model,
        "version": look.deployment.version,
        "environment": look.deployment.environment,
        "since": look.since.isoformat(),
        "until": look.until.isoformat(),
        "rows": look.rows,
        "drifted": bool(look.drifted),
        "observations": [observed(one) for one in look.observations],
    }


def say_digest(held: Digest) -> None:
    """Print what a day brought."""
    say(f"From {moment(held.since.isoformat())} to {moment(held.until.isoformat())}", tone="head")
    gap = "nobody checked" if held.longest_gap is None else (
        f"at most {duration(held.longest_gap)} without one"
    )  # fmt: skip
    broken = f", {held.broken} of them came to no end" if held.broken else ""
    say(f"{count(held.checks, 'check')}{broken}; {gap}")
    if held.standing:
        say()
        _say_observations(held.standing)
    if held.over:
        say()
        say("Over again", tone="head")
        rows = [
            (visible(one.subject), one.metric, visible(one.feature), f"{one.number:,}",
             moment(one.first.isoformat()), moment(one.last.isoformat()))
            for one in held.over
        ]  # fmt: skip
        say_table(("subject", "metric", "of", "times", "first", "last"), rows, right=("times",))
    say()
    if held.not_computable:
        say(f"{count(len(held.not_computable), 'figure')} cannot be computed at present")
    if not held.standing:
        say("Nothing is beyond its limit.", tone="good")


def digest_as_json(held: Digest) -> dict[str, Any]:
    """Return a digest as plain values."""
    return {
        "since": held.since.isoformat(),
        "until": held.until.isoformat(),
        "checks": held.checks,
        "broken": held.broken,
        "longest_gap_seconds": held.longest_gap,
        "standing": [observed(one) for one in held.standing],
        "not_computable": [observed(one) for one in held.not_computable],
        "troubles": [
            {name: getattr(one, name) for name in type(one).__slots__} for one in held.troubles
        ],
    }


def _say_observations(found: Sequence[Observation]) -> None:
    """Print figures below whom they are of, the worst first: a line for each, then why."""
    ordered = sorted(found, key=lambda one: (ORDER.index(one.status), one.subject, one.metric))
    of_whom: dict[str, list[Observation]] = {}
    for one in ordered:
        of_whom.setdefault(_subject(one), []).append(one)
    for name, held in of_whom.items():
        say(visible(name))
        for one in held:
            _say_observation(one)


def _say_observation(one: Observation) -> None:
    status = f"  {WORDS[one.status]:<{_STATUS}}  "
    rest = " " * (_STATUS + 4)
    named = " ".join(text for text in (one.metric, one.feature, one.window) if text)
    value, limit = _amount(one, one.value), _amount(one, one.threshold)
    words = ", ".join([*([value] if value else []), *([f"limit {limit}"] if limit else [])])
    figure = f"{visible(named)}: {words}" if words else visible(named)
    say_folded(figure, first=status, rest=rest, tone=_TONES.get(one.status, ""))
    say_folded(visible(one.reason), first=rest, rest=rest)


def _say_not_computable(found: Sequence[Observation]) -> None:
    """Print why figures could not be had, each reason once."""
    reasons: dict[str, list[Observation]] = {}
    for one in found:
        if one.status is ObservationStatus.NOT_COMPUTABLE:
            reasons.setdefault(f"{_subject(one)}: {one.reason}", []).append(one)
    for words, held in list(reasons.items())[:_REASONS]:
        more = f" and {len(held) - 1:,} more" if len(held) > 1 else ""
        say(visible(f"not computable: {held[0].metric}{more} of {words}"))
    if len(reasons) > _REASONS:
        say(f"not computable: {len(reasons) - _REASONS:,} more reasons stand in the report")


def _say_unseen(found: Sequence[Observation]) -> None:
    """Print of which models nothing was looked at yet, so that no silence is taken for well."""
    models = [one for one in found if one.kind is SubjectKind.MODEL]
    seen = {_subject(one) for one in models if one.metric not in _UNSEEN}
    if not models:
        say("no model was looked at: none serves in the environments that are watched", tone="warn")
    for name in dict.fromkeys(_subject(one) for one in models):
        if name not in seen:
            say(visible(f"{name}: nothing it answered was looked at; no window has ended yet"))


def _subject(one: Observation) -> str:
    return one.subject + (f" in {one.environment}" if one.environment else "")


def _amount(one: Observation, value: float | None) -> str:
    unit = METRICS[one.metric].unit if one.metric in METRICS else "1"
    return "" if value is None else amount(value, "" if unit == "1" else unit)


def _counts(found: Sequence[Observation]) -> dict[str, int]:
    return {str(status): sum(one.status is status for one in found) for status in ORDER}


def _counted(found: Sequence[Observation]) -> str:
    counts = {WORDS[status]: sum(one.status is status for one in found) for status in ORDER}
    return ", ".join(f"{number:,} {words}" for words, number in counts.items() if number)
