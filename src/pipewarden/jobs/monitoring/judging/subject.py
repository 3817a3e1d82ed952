"""A model to judge: what serves, what was frozen with it, and by which rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.errors import BadInput
from pipewarden.jobs.monitoring.arriving.sources import Tables
from pipewarden.jobs.monitoring.judging.answers import Named
from pipewarden.monitoring.checks.sheet import Limit
from pipewarden.settings import MonitoringSettings
from pipewarden.store.state.monitoring.windows import Stream

if TYPE_CHECKING:
    from pipewarden.monitoring.drift.baseline import Baseline
    from pipewarden.monitoring.drift.rules import DriftRules
    from pipewarden.monitoring.performance.dropping import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A version that serves.

    Parameters
    ----------
    baseline
        What its columns were; in words why there is none.
    named
        Where its answers hold what.
    at_training
        Its figures at training, by the names of the catalogue.
    forecasts
        Whether it continues a series, and answers no rows.
    tail
        Of such: the last weeks that it was trained on, in order, and what was sold in each.
    """

    deployment: Deployment
    version: ModelVersion
    baseline: Baseline | str
    named: Named
    at_training: Mapping[str, Reference]
    forecasts: bool
    tail: Mapping[str, float] = field(default_factory=dict)

    @property
    def calibration_error(self) -> float | None:
        """Of its scores at training; None where that was not measured."""
        held = self.at_training.get("performance.ece")
        return None if held is None else held.value

    @property
    def stream(self) -> Stream:
        """Its predictions."""
        return Stream(
            model=self.deployment.model,
            environment=self.deployment.environment,
            version=self.deployment.version,
        )


class Subjects:
    """Subjects, each opened once: a daemon looks at the same versions every minute.

    Parameters
    ----------
    document
        Returns the model document of a version.
    tables
        Where the weeks of series come from.
    """

    def __init__(self, document: Callable[[ModelVersion], Any], tables: Tables) -> None:
        self._document = document
        self.tables = tables
        self._held: dict[tuple[str, str], Subject] = {}

    def of(self, deployment: Deployment, version: ModelVersion) -> Subject:
        """Return the subject of a deployment.

        Raises
        ------
        StateDamaged
            Its document is gone or another.
        MissingExtra
            The extra ``monitoring`` is not installed.
        """
        place = (deployment.model, deployment.environment)
        held = self._held.get(place)
        if held is None or held.deployment.id != deployment.id:
            held = self._held[place] = _opened(deployment, version, self._document(version))
        return held

    def keep_only(self, deployments: list[Deployment]) -> None:
        """Forget what serves no more."""
        places = {(one.model, one.environment) for one in deployments}
        self._held = {place: held for place, held in self._held.items() if place in places}


def drift_rules(
    settings: MonitoringSettings, limits: Callable[[str, str], Limit], model: str
) -> DriftRules:
    """Return when a difference of a model is drift; a limit in force goes before the settings."""
    from pipewarden.monitoring.drift.rules import DriftRules

    held = settings.drift
    floor, share = (limits(f"drift.{name}", model).breach for name in ("feature", "observed_share"))
    return DriftRules(
        alpha=held.alpha,
        minimum_sample=held.minimum_rows,
        wasserstein_floor=held.wasserstein_floor if floor is None else floor,
        jensen_shannon_floor=held.jensen_shannon_floor if floor is None else min(1.0, floor),
        threshold_share=held.threshold_share if share is None else share,
        persistence=(held.persist_k, held.persist_n),
    )


def _opened(deployment: Deployment, version: ModelVersion, document: Any) -> Subject:
    from pipewarden.jobs.monitoring.extra import needed

    needed()
    from pipewarden.monitoring.drift.baseline import Baseline
    from pipewarden.monitoring.performance.dropping import references

    baseline: Baseline | str
    try:
        baseline = Baseline.of(document)
    except BadInput as error:
        baseline = error.message
    held = document.get("baseline")
    return Subject(
        deployment=deployment,
        version=version,
        baseline=baseline,
        named=Named.of(document),
        at_training=references(document.get("metrics") or {}),
        forecasts=isinstance(held, dict) and "forecast" in held,
        tail=_tail(held),
    )


def _tail(baseline: Any) -> dict[str, float]:
    held = baseline.get("tail") if isinstance(baseline, dict) else None
    if not isinstance(held, dict):
        return {}
    pairs = zip(held.get("ds", ()), held.get("y", ()), strict=False)
    return {str(ds): float(y) for ds, y in pairs if isinstance(y, (int, float))}
