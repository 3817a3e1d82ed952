"""What is watched, how often, and what counts as too much."""

from __future__ import annotations

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_WINDOW = re.compile(r"[1-9][0-9]*(\.[0-9]+)?(m|h|d)|n=[1-9][0-9]*|batch")
_SCHEDULE = re.compile(r"every [1-9][0-9]*(m|h|d)|daily at ([01][0-9]|2[0-3]):[0-5][0-9]")


class LimitSettings(BaseModel):
    """From where on a figure is worth a look, and from where on it is too much.

    Which way a figure gets worse, its metric says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    warn: float | None = Field(default=None, description="Beyond it, a figure is worth a look.")
    breach: float | None = Field(default=None, description="Beyond it, a figure is too much.")


class PipelineWatch(BaseModel):
    """What is expected of one pipeline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schedule: str = Field(
        default="",
        description="When it should run (UTC): `every 6h` (or `30m`, `1d`), or `daily at 02:00`; "
        "empty: whenever somebody runs it.",
    )
    tolerance_minutes: float = Field(
        default=30.0, ge=0, description="Minutes that a run may begin early or late."
    )

    @field_validator("schedule")
    @classmethod
    def _reads(cls, given: str) -> str:
        if given and not _SCHEDULE.fullmatch(given):
            raise ValueError("write 'every 6h', 'every 30m', 'every 1d' or 'daily at 02:00'")
        return given


#: What is held against a metric unless the settings say otherwise.
_LIMITS: dict[str, LimitSettings] = {
    "pipeline.failure_rate": LimitSettings(warn=0.0, breach=0.34),
    "pipeline.quarantine_rate": LimitSettings(warn=0.05, breach=0.2),
    "pipeline.missed_schedules": LimitSettings(breach=0),
    "queue.lag_seconds": LimitSettings(warn=300, breach=1800),
    "sink.lag_seconds": LimitSettings(warn=300, breach=3600),
    "outbox.lag_seconds": LimitSettings(warn=300, breach=3600),
    "registry.reachable": LimitSettings(breach=1),
    "serving.reachable": LimitSettings(breach=1),
    "serving.latency_p99_ms": LimitSettings(warn=500, breach=2000),
    "disk.free_share": LimitSettings(warn=0.15, breach=0.05),
    "model.age_days": LimitSettings(warn=90),
    "monitor.failures": LimitSettings(breach=0),
}


class DriftSettings(BaseModel):
    """When a difference from the baseline is called drift: all of it must hold at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alpha: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="False discovery rate over all columns of a window (Benjamini-Hochberg).",
    )
    minimum_rows: int = Field(
        default=200, ge=2, description="Rows of a window below which nothing is computed."
    )
    wasserstein_floor: float = Field(
        default=0.1,
        ge=0,
        description="Difference of a column of numbers, or of scores, from which it counts, in "
        "standard deviations of the baseline.",
    )
    jensen_shannon_floor: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Difference of a column of categories from which it counts, as a distance.",
    )
    threshold_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of drifted columns from which a model as a whole counts as drifted.",
    )
    persist_k: int = Field(
        default=2, ge=1, description="In how many of the newest windows a difference must be seen."
    )
    persist_n: int = Field(default=3, ge=1, description="How many of the newest windows count.")

    @model_validator(mode="after")
    def _k_of_n(self) -> Self:
        if self.persist_k > self.persist_n:
            raise ValueError("persist_k must not be more than persist_n")
        return self


class MonitoringSettings(BaseModel):
    """What `pipewarden monitor` looks at, how often, and what counts as too much."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environments: tuple[str, ...] = Field(
        default=(), description="Whose models are watched; empty: the champions'."
    )
    windows: tuple[str, ...] = Field(
        default=("1h", "6h", "24h"),
        description="Over what models are judged: times (`1h`, `30m`, `1d`), numbers of "
        "predictions (`n=2000`), or each `batch` of predictions that came in one request.",
    )
    window_rows: int = Field(
        default=50_000,
        ge=100,
        description="Predictions read of a window at most; of more, as many are drawn.",
    )
    settle_seconds: float = Field(
        default=60.0,
        ge=0,
        description="Seconds after the end of a window for which its last predictions are waited "
        "for.",
    )
    drift: DriftSettings = Field(
        default_factory=DriftSettings,
        description="When a difference is drift: `alpha`, `minimum_rows`, `threshold_share`, and "
        "`persist_k` of `persist_n` windows.",
    )
    limits: dict[str, LimitSettings] = Field(
        default_factory=dict,
        description="`warn` and `breach` by metric, or by `<metric>/<subject>`; "
        "`pipewarden thresholds recommend` finds some in the past.",
    )
    pipelines: dict[str, PipelineWatch] = Field(
        default_factory=dict,
        description="By pipeline: its `schedule`, and `tolerance_minutes`.",
    )
    runs_hours: float = Field(
        default=24.0, gt=0, description="Hours over which rates of runs and items are counted."
    )
    minimum_items: int = Field(
        default=20, ge=1, description="Items below which no rate of quarantine is computed."
    )
    endpoints: dict[str, str] = Field(
        default_factory=dict,
        description="URLs of serving endpoints by name, such as `http://host:8000/ready`.",
    )
    endpoint_seconds: float = Field(
        default=2.0, gt=0, description="Seconds for which an endpoint's answer is waited for."
    )
    endpoint_probes: int = Field(
        default=5, ge=1, le=100, description="Requests whose times make an endpoint's latency."
    )
    interval_seconds: float = Field(
        default=60.0, gt=0, description="Seconds from one check of `monitor run` to the next."
    )
    lease_seconds: float = Field(
        default=600.0, gt=0, description="Seconds after which a check that did not end is dead."
    )
    anomaly_deviations: float = Field(
        default=6.0,
        gt=0,
        description="Robust standard deviations from its own past at which a figure is marked.",
    )
    retention_days: float = Field(
        default=400.0, gt=0, description="Days for which observations are kept."
    )
    reports: int = Field(
        default=100, ge=0, description="Reports of checks kept in the reports folder; 0: none."
    )

    @field_validator("windows")
    @classmethod
    def _windows_read(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [window for window in given if not _WINDOW.fullmatch(window)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no window; write '1h', '30m', 'n=2000' or 'batch'")
        return given

    def limit(self, metric: str, subject: str = "") -> LimitSettings:
        """Return what is held against a metric of a subject."""
        own = self.limits.get(f"{metric}/{subject}") or self.limits.get(metric)
        return own or _LIMITS.get(metric) or LimitSettings()
