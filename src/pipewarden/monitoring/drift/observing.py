"""What an evaluation of drift found, as observations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.monitoring.drift.rules import persisted
from pipewarden.monitoring.drift.verdict import (
    Computed,
    DriftKind,
    DriftResult,
    DriftVerdict,
    NotComputed,
)

_METRICS = {
    DriftKind.SCORES: "drift.score",
    DriftKind.LABELS: "drift.prior",
    DriftKind.CONCEPT: "drift.concept",
    DriftKind.SEGMENT: "drift.segment",
}
_OF_COLUMNS = (DriftKind.VALUES, DriftKind.MISSING)
#: (metric, feature) → whether it drifted in the windows before, oldest first.
Earlier = Mapping[tuple[str, str], Sequence[bool]]


def observations(
    verdict: DriftVerdict,
    *,
    check_id: str,
    at: datetime,
    subject: str,
    environment: str = "",
    version: int | None = None,
    window: str = "",
    earlier: Earlier | None = None,
) -> tuple[Observation, ...]:
    """Return a verdict as observations: one of each column, then of the whole.

    A difference that is large and not sure is no drift, and says why. Drift that has not lasted
    long enough is a warning, and a breach once it has. Of a column the leading finding is told, of
    its values or of its missing ones; the other is in the evidence.

    Parameters
    ----------
    earlier
        What the windows before said, see `drifted_before`; None judges this window alone.
    """
    told = [*_of_columns(verdict), *(_of_result(r) for r in verdict.results if r.kind in _METRICS)]
    told.append(_of_whole(verdict))
    return tuple(
        Observation(
            check_id=check_id,
            at=at,
            kind=SubjectKind.MODEL,
            subject=subject,
            environment=environment,
            version=version,
            window=window,
            metric=one.metric,
            feature=one.feature,
            status=status,
            value=one.value,
            threshold=one.threshold,
            sample=one.sample,
            reason=reason,
            evidence=one.evidence,
        )
        for one in told
        for status, reason in [_lasting(one, verdict, earlier)]
    )


def drifted_before(observation: Observation) -> bool | None:
    """Say whether an observation of drift found any; None where it could not be computed."""
    if observation.status is ObservationStatus.NOT_COMPUTABLE:
        return None
    return observation.status is not ObservationStatus.OK


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What of an observation the verdict says; ``drifted`` None: not computable."""

    metric: str
    feature: str
    drifted: bool | None
    value: float | None
    threshold: float | None
    sample: int
    reason: str
    evidence: Mapping[str, Any]


def _of_columns(verdict: DriftVerdict) -> Iterator[_Told]:
    for values, missing in verdict.columns():
        leading = missing if missing.drifted and not values.drifted else values
        one = _of_result(leading, "drift.feature")
        other = values if leading is missing else missing
        name = other.kind.value
        yield replace(one, evidence={**one.evidence, name: _evidence(other.finding)})


def _of_result(result: DriftResult, metric: str = "") -> _Told:
    finding = result.finding
    value = threshold = None
    if isinstance(finding, Computed):
        value, threshold = finding.value, finding.floor
    return _Told(
        metric=metric or _METRICS[result.kind],
        feature=result.name,
        drifted=result.drifted,
        value=value,
        threshold=threshold,
        sample=result.sample,
        reason=_reason(finding),
        evidence={"finding": result.kind.value, **_evidence(finding)},
    )


def _of_whole(verdict: DriftVerdict) -> _Told:
    observed = verdict.observed_share
    judged, drifted = verdict.judged_columns, verdict.drifted_columns
    reason = "no column could be judged"
    if observed is not None:
        reason = f"{len(drifted)} of {len(judged)} columns drifted" if drifted else ""
    return _Told(
        metric="drift.observed_share",
        feature="",
        drifted=verdict.drifted,
        value=observed,
        threshold=verdict.threshold_share,
        sample=verdict.rows,
        reason=reason,
        evidence={
            "drifted": list(drifted),
            "judged": len(judged),
            "not_computable": [r.name for r in verdict.not_computable if r.kind in _OF_COLUMNS],
        },
    )


def _lasting(
    one: _Told, verdict: DriftVerdict, earlier: Earlier | None
) -> tuple[ObservationStatus, str]:
    if one.drifted is None:
        return ObservationStatus.NOT_COMPUTABLE, one.reason
    if not one.drifted:
        return ObservationStatus.OK, one.reason
    if earlier is None:
        return ObservationStatus.BREACH, one.reason
    k, n = verdict.rules.persistence
    history = [*earlier.get((one.metric, one.feature), ()), True][-n:]
    lasting = f"{one.reason}; so in {sum(history)} of the last {n} windows, {k} are asked"
    status = ObservationStatus.BREACH if persisted(history, k, n) else ObservationStatus.WARN
    return status, lasting


def _evidence(finding: Computed | NotComputed) -> dict[str, Any]:
    if isinstance(finding, NotComputed):
        return {"not_computable": finding.reason}
    return {
        "test": finding.test,
        "p_value": finding.p_value,
        "p_adjusted": finding.p_adjusted,
        "alpha": finding.alpha,
        "effect": finding.effect,
        "statistics": dict(finding.statistics),
        **finding.told,
    }


def _reason(finding: Computed | NotComputed) -> str:
    if isinstance(finding, NotComputed):
        return finding.reason
    if not finding.large:
        return ""
    words = f"{finding.effect.replace('_', '-')} {finding.value:.3g}"
    if not finding.significant:
        bound = f"adjusted p {finding.p_adjusted:.2g} is above {finding.alpha:g}"
        return f"{words} is large, but chance alone may explain it: {bound}"
    if "baseline_share" in finding.told:
        before, now = finding.told["baseline_share"], finding.told["share"]
        words += f" (from {before:.1%} to {now:.1%})"
    return f"{words}; from {finding.floor:g} on it counts; adjusted p {finding.p_adjusted:.2g}"
