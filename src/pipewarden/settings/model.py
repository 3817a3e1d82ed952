"""Every setting of the core, typed and documented."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipewarden.settings.redaction import redact
from pipewarden.settings.sections.alerts import AlertSettings
from pipewarden.settings.sections.celery import CelerySettings
from pipewarden.settings.sections.costs import CostSettings
from pipewarden.settings.sections.events import EventSettings
from pipewarden.settings.sections.guard import GuardSettings
from pipewarden.settings.sections.healing import HealingSettings
from pipewarden.settings.sections.models import ModelSettings
from pipewarden.settings.sections.monitoring import MonitoringSettings
from pipewarden.settings.sections.service import ServiceSettings


class Settings(BaseModel):
    """Every setting of the core. Each is also ``PIPEWARDEN_<NAME>`` in the environment.

    A pipeline's own settings stand under ``pipelines.<name>`` and are validated by the pipeline; in
    the environment they are ``PIPEWARDEN_PIPELINES__<PIPELINE>__<NAME>``. Lists and mappings are
    written as JSON there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(default=Path(), description="The folder that relative paths start from.")
    database_url: str = Field(
        default="",
        description="SQLAlchemy URL of the state database; empty means SQLite at "
        "`.pipewarden/state.db` in the home folder.",
    )
    data_dir: Path = Field(
        default=Path("data"),
        description="Where outputs (`processed/<pipeline>`), runs (`runs/<run id>`), quarantine "
        "(`quarantine/<run id>`), uploads and tables as lines (`inbox`), and models (`models`) are "
        "kept.",
    )
    reports_dir: Path = Field(default=Path("reports"), description="Where run reports are written.")
    gates_dir: Path = Field(
        default=Path("config/gates"),
        description="Where an operator's own gate files are looked for: `<pipeline>.yaml` and "
        "`<family>-promotion.yaml`.",
    )
    researcher: str = Field(
        default="",
        description="Who runs this, for snapshots and the ledger; empty means git's user, else "
        "the login name.",
    )
    executor: Literal["processes", "inline", "celery"] = Field(
        default="processes",
        description="What processes items: worker processes, this process, or Celery workers.",
    )
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="Number of worker processes."
    )
    lock_timeout: float = Field(
        default=10.0, ge=0, description="Seconds to wait for a source that another run holds."
    )
    lease_seconds: float = Field(
        default=30.0,
        gt=0,
        description="Seconds without a heartbeat after which a runner counts as dead.",
    )
    database_patience: float = Field(
        default=3600.0,
        ge=0,
        description="Seconds for which a running job waits for a state database that does not "
        "answer; then it ends, and can be resumed.",
    )
    database_sources: tuple[Path, ...] = Field(
        default=(),
        description="Source folders whose manifest is kept in the state database instead of in "
        "`.manifest.json`.",
    )
    connections: dict[str, str] = Field(
        default_factory=dict,
        description="Databases that `*.query.yaml` files read their rows from: name to SQLAlchemy "
        "URL; best from the environment (`PIPEWARDEN_CONNECTIONS__<NAME>`).",
    )
    events: EventSettings = Field(
        default_factory=EventSettings,
        description="Event targets: `type_prefix`, `retention_days`, and `targets` by name.",
    )
    alerts: AlertSettings = Field(
        default_factory=AlertSettings,
        description="Alerts: `file`, the rules; `channels` by name; and `link`; see the guide.",
    )
    sinks: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Where documents go beside the output folder: `kind` and options, by name.",
    )
    guard: GuardSettings = Field(
        default_factory=GuardSettings,
        description="When a run warns of a busy machine, and spares its memory.",
    )
    celery: CelerySettings = Field(
        default_factory=CelerySettings,
        description="Celery workers: `broker_url`, `queue_prefix`, and sizes and times of chunks.",
    )
    models: ModelSettings = Field(
        default_factory=ModelSettings,
        description="`environments`, each with the policy of its deployments; `champion`; and "
        "`tracking_uri`, the MLflow that shows them.",
    )
    monitoring: MonitoringSettings = Field(
        default_factory=MonitoringSettings,
        description="What `pipewarden monitor` watches: `windows`, `drift`, `limits`, `pipelines` "
        "with their schedules, `endpoints`, `interval_seconds`; see the guide.",
    )
    healing: HealingSettings = Field(
        default_factory=HealingSettings,
        description="`pipewarden heal`: its `policies` file, and how it runs; see the guide.",
    )
    costs: CostSettings = Field(
        default_factory=CostSettings,
        description="Prices for `pipewarden cost`: `currency`, `cpu_hour`, `memory_gb_hour`, "
        "`storage_gb_month`; see the guide.",
    )
    service: ServiceSettings = Field(
        default_factory=ServiceSettings,
        description="`pipewarden serve`: address, limits, what is offered; see the guide.",
    )
    pipelines: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Each pipeline's own settings, by its name."
    )

    def in_home(self, path: Path) -> Path:
        """Return ``path`` as seen from the home folder."""
        return self.home / path

    @property
    def state_url(self) -> str:
        """The URL of the state database, the default filled in."""
        if self.database_url:
            return self.database_url
        database = (self.home / ".pipewarden" / "state.db").absolute()
        return f"sqlite:///{database.as_posix()}"

    def redacted(self) -> dict[str, Any]:
        """Return all settings as plain values, secrets replaced."""
        redacted = redact(self.model_dump(mode="json"))
        assert isinstance(redacted, dict)
        return redacted
