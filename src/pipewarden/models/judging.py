"""The promotion gate: should this version replace what serves, now?

The family compares the two models and brings the thresholds; the room adds what only it knows: how
long ago the last promotion was, whether anything serves at all, how much was trained on. All of it
is one flat mapping, which the gate judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipewarden.core.findings import Measurement, Threshold, Verdict, lookup
from pipewarden.core.gate import Check, Gate
from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.core.monitoring.alerts.messages import in_largest_unit
from pipewarden.errors import NotComputable
from pipewarden.models.context import ModelContext, in_words
from pipewarden.settings import EnvironmentPolicy, load_gate
from pipewarden.store.state.models import deployments, past, versions

if TYPE_CHECKING:
    from sqlalchemy import Connection

_DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a challenger meets in an environment.

    Parameters
    ----------
    champion
        The version that serves there; None where nothing does.
    promoted_at
        When one was last deployed there and not taken back, or at least began to serve.
    """

    environment: str
    serving: Deployment | None
    champion: ModelVersion | None
    promoted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, and everything that it rests on."""

    verdict: Verdict
    evidence: Mapping[str, Any]


def standing(conn: Connection, model: str, environment: str) -> Standing:
    """Return what serves, and since when."""
    serving = deployments.serving(conn, model, environment)
    return Standing(
        environment=environment,
        serving=serving,
        champion=None if serving is None else versions.get(conn, model, serving.version),
        promoted_at=past.last_promotion(conn, model, environment)
        or (None if serving is None else serving.started_at),
    )


def judge(context: ModelContext, version: ModelVersion, met: Standing) -> Judgement:
    """Let the promotion gate judge a version against what serves.

    Raises
    ------
    Conflict, StateDamaged
        A model document is gone.
    UsageError
        The family is not found, or its gate file does not hold.
    """
    policy = context.policy(met.environment)
    family = context.families(version)
    gate = _gate(context, family.promotion_gate(policy.preset), version.family, policy)
    challenger = context.document(version)
    champion = None if met.champion is None else context.document(met.champion)
    facts = _facts(context, challenger, met)
    try:
        evidence = {**family.compare(challenger, champion), **facts}
    except Exception as error:  # noqa: BLE001 - a comparison that fails is a finding, not a crash
        evidence = {**facts, "comparison_error": in_words(error)}
    return Judgement(verdict=gate.evaluate(evidence), evidence=evidence)


def cooldown_days(context: ModelContext, version: ModelVersion, environment: str) -> float:
    """Return how many days must lie between two promotions of a model in an environment."""
    policy = context.policy(environment)
    family = context.families(version)
    gate = _gate(context, family.promotion_gate(policy.preset), version.family, policy)
    targets = (
        check.thresholds[0].target
        for check in gate.checks
        if check.name == "cooldown" and check.thresholds and check.thresholds[0].blocking
    )
    return float(next(targets, 0.0))


def _facts(context: ModelContext, challenger: Mapping[str, Any], met: Standing) -> dict[str, Any]:
    since = met.promoted_at
    days = None if since is None else (context.clock() - since).total_seconds() / _DAY
    return {
        "first_deployment": met.serving is None,
        "days_since_promotion": days,
        "rows_trained_on": lookup(challenger, "dataset.rows"),
        "comparison_error": None,
    }


def _gate(context: ModelContext, gate: Gate, family: str, policy: EnvironmentPolicy) -> Gate:
    """Return the family's gate with the room's checks, under the operator's file and the policy.

    A check of the family that has the name of one of the room's takes its place.
    """
    own = {check.name for check in gate.checks}
    whole = Gate((*(check for check in _ROOM if check.name not in own), *gate.checks), gate.unique)
    file = context.gates / f"{family}-promotion.yaml"
    if file.is_file():
        whole = load_gate(whole, file, policy.preset)
    if policy.cooldown_days is None or "cooldown" not in {check.name for check in whole.checks}:
        return whole
    return whole.with_thresholds({"cooldown": {"target": policy.cooldown_days}})


def _compared(evidence: Mapping[str, Any]) -> Any:
    if evidence["comparison_error"]:
        raise NotComputable(f"the models could not be compared: {evidence['comparison_error']}")
    return True


def _days(evidence: Mapping[str, Any]) -> Any:
    days = evidence["days_since_promotion"]
    return Measurement(days, f"the last promotion was {in_largest_unit(days * _DAY)} ago")


_ROOM = (
    Check(
        name="comparison",
        measure=_compared,
        category="evidence",
        thresholds=(Threshold(blocking=True),),
    ),
    Check(
        name="cooldown",
        measure=_days,
        category="evidence",
        thresholds=(
            Threshold(
                target=7,
                operator=">=",
                unit="days",
                blocking=True,
                applies_when={"first_deployment": False},
            ),
        ),
    ),
)
