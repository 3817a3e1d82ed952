"""The catalogue of metrics: every name that an observation may bear, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipewarden.core.monitoring.observations import SubjectKind


class Worse(StrEnum):
    """Which way a figure gets worse."""

    #: The larger, the worse: an error, a rate of failures, a lag.
    ABOVE = "above"
    #: The smaller, the worse: an AUC, a coverage, free space.
    BELOW = "below"
    #: Away from what it was, in either direction: a rate of positive answers.
    AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One name of the catalogue.

    Parameters
    ----------
    kind
        Of whose observations it is; None where it is of any.
    unit
        ``1`` for a share or a figure without a unit.
    worse
        Which way it gets worse.
    feature
        What the feature of an observation names; empty where it has none.
    """

    name: str
    kind: SubjectKind | None
    meaning: str
    unit: str
    worse: Worse
    feature: str = ""

    @property
    def group(self) -> str:
        """The first part of its name."""
        return self.name.partition(".")[0]


_MODEL, _PIPELINE, _SERVICE = SubjectKind.MODEL, SubjectKind.PIPELINE, SubjectKind.SERVICE
_ABOVE, _BELOW, _AWAY = Worse.ABOVE, Worse.BELOW, Worse.AWAY

#: Name, whose, unit, which way it gets worse, what its feature names, meaning.
_ROWS: tuple[tuple[str, SubjectKind | None, str, Worse, str, str], ...] = (
    ("drift.feature", _MODEL, "1", _ABOVE, "column",
     "effect size of the difference of one column from the baseline"),
    ("drift.observed_share", _MODEL, "1", _ABOVE, "",
     "share of the computable columns whose difference is both significant and large"),
    ("drift.score", _MODEL, "1", _ABOVE, "",
     "effect size of the difference of the model's answers from the baseline"),
    ("drift.prior", _MODEL, "1", _ABOVE, "",
     "difference of the rate of labels from the baseline (prior drift)"),
    ("drift.concept", _MODEL, "1", _ABOVE, "",
     "change of the relation of answers and labels (concept drift)"),
    ("drift.segment", _MODEL, "1", _ABOVE, "segment",
     "effect size of the change of a segment's share of the population"),
    ("quality.schema", _MODEL, "columns", _ABOVE, "column",
     "columns that are missing, of another type, or unknown to the baseline"),
    ("quality.missing", _MODEL, "1", _ABOVE, "column", "share of missing values"),
    ("quality.range", _MODEL, "1", _ABOVE, "column",
     "share of values outside of the baseline's range"),
    ("quality.new_category", _MODEL, "1", _ABOVE, "column",
     "share of values that the baseline never saw"),
    ("quality.duplicates", _MODEL, "1", _ABOVE, "", "share of rows that are there twice or more"),
    ("performance.auc", _MODEL, "1", _BELOW, "", "area under the ROC curve, where labels came"),
    ("performance.pr_auc", _MODEL, "1", _BELOW, "",
     "area under the precision-recall curve, where labels came"),
    ("performance.f1", _MODEL, "1", _BELOW, "", "F1 at the model's threshold"),
    ("performance.brier", _MODEL, "1", _ABOVE, "", "mean squared error of probabilities"),
    ("performance.log_loss", _MODEL, "nats", _ABOVE, "", "mean negative log likelihood of labels"),
    ("performance.ece", _MODEL, "1", _ABOVE, "", "expected calibration error"),
    ("label.coverage", _MODEL, "1", _BELOW, "", "share of the predictions whose label came"),
    ("label.age_hours", _MODEL, "h", _ABOVE, "", "hours from prediction to label (median)"),
    ("proxy.positive_rate", _MODEL, "1", _AWAY, "", "share of positive answers"),
    ("proxy.score_mean", _MODEL, "1", _AWAY, "", "mean of the scores"),
    ("proxy.entropy", _MODEL, "bit", _AWAY, "", "mean entropy of the answers"),
    ("proxy.confidence", _MODEL, "1", _BELOW, "", "mean confidence of the answers"),
    ("proxy.challenger_agreement", _MODEL, "1", _BELOW, "",
     "share of the rows on which champion and challenger decide alike"),
    ("estimated.auc", _MODEL, "1", _BELOW, "",
     "AUC to be expected from the scores, as far as these are calibrated"),
    ("estimated.f1", _MODEL, "1", _BELOW, "",
     "F1 to be expected from the scores, as far as these are calibrated"),
    ("estimated.brier", _MODEL, "1", _ABOVE, "",
     "Brier score to be expected from the scores, as far as these are calibrated"),
    ("forecast.mase", _MODEL, "1", _ABOVE, "", "mean absolute scaled error on new weeks"),
    ("forecast.rmse", _MODEL, "units", _ABOVE, "", "root mean squared error on new weeks"),
    ("forecast.mape", _MODEL, "%", _ABOVE, "", "mean absolute percentage error"),
    ("forecast.bias", _MODEL, "units", _AWAY, "", "mean of forecast minus truth"),
    ("forecast.interval_coverage", _MODEL, "1", _BELOW, "",
     "share of the weeks that fell within the interval"),
    ("forecast.relative_to_naive", _MODEL, "1", _ABOVE, "",
     "error divided by that of the seasonal naive forecast"),
    ("model.age_days", _MODEL, "d", _ABOVE, "", "days since the version that serves was trained"),
    ("healing.lost_in_a_row", _MODEL, "healings", _ABOVE, "",
     "healings that ended without having helped, since the last that did"),
    ("pipeline.hours_since_success", _PIPELINE, "h", _ABOVE, "",
     "hours since a run last completed"),
    ("pipeline.failure_rate", _PIPELINE, "1", _ABOVE, "",
     "share of the runs that ended in the window and failed"),
    ("pipeline.quarantine_rate", _PIPELINE, "1", _ABOVE, "",
     "share of the items processed in the window that were quarantined"),
    ("pipeline.missed_schedules", _PIPELINE, "runs", _ABOVE, "",
     "scheduled times of the window at which no run began"),
    ("job.failed", _PIPELINE, "1", _ABOVE, "source", "1 where a run failed, 0 where it completed"),
    ("job.quarantined", _PIPELINE, "items", _ABOVE, "source", "items that a run quarantined"),
    ("job.quarantined_share", _PIPELINE, "1", _ABOVE, "source",
     "share of the items a run processed that it quarantined"),
    ("queue.depth", _SERVICE, "jobs", _ABOVE, "", "jobs that wait"),
    ("queue.lag_seconds", _SERVICE, "s", _ABOVE, "", "how long the oldest of them has waited"),
    ("sink.lag_seconds", _SERVICE, "s", _ABOVE, "sink",
     "age of the oldest document that waits in a sink's spool"),
    ("outbox.lag_seconds", _SERVICE, "s", _ABOVE, "target",
     "age of the oldest event that a target has not got"),
    ("registry.reachable", _SERVICE, "1", _BELOW, "", "1 where the model registry answers, else 0"),
    ("serving.reachable", _SERVICE, "1", _BELOW, "endpoint",
     "1 where a serving endpoint says that it is well, else 0"),
    ("serving.latency_p99_ms", _SERVICE, "ms", _ABOVE, "endpoint",
     "99th percentile of the time to an answer"),
    ("disk.free_share", _SERVICE, "1", _BELOW, "folder", "share of the disk that is free"),
    ("monitor.failures", _SERVICE, "parts", _ABOVE, "",
     "parts of a check that failed to run, or the check itself"),
    ("history.anomaly", None, "1", _ABOVE, "metric",
     "how far the newest figure of a metric lies from its own past, in robust deviations"),
)  # fmt: skip

#: Every metric by its name.
METRICS: Mapping[str, Metric] = {
    name: Metric(name=name, kind=kind, unit=unit, worse=worse, feature=feature, meaning=meaning)
    for name, kind, unit, worse, feature, meaning in _ROWS
}


def worsening(metric: str, value: float, reference: float) -> float:
    """Return how much worse a value is than a reference; negative where it is better.

    Raises
    ------
    KeyError
        The catalogue has no such metric.
    """
    difference = value - reference
    match METRICS[metric].worse:
        case Worse.ABOVE:
            return difference
        case Worse.BELOW:
            return -difference
        case Worse.AWAY:
            return abs(difference)
