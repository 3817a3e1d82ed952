"""A place where alerts are watched for: a clock to set, rules to write, channels that remember."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipewarden.core.jobs import Job, JobStatus
from pipewarden.core.monitoring.alerts.incidents import LASTING, Incident, IncidentState
from pipewarden.core.monitoring.alerts.messages import Message
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.delivery.notices.channel import OpenChannel
from pipewarden.delivery.outcome import DELIVERED, Outcome, unavailable
from pipewarden.monitoring.alerts.context import AlertContext
from pipewarden.monitoring.alerts.watching import Taken, take, tick
from pipewarden.store.state import jobs, ledger, outbox
from pipewarden.store.state.database import Database
from pipewarden.store.state.monitoring import observations
from pipewarden.store.state.monitoring.alerts import incidents

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
#: Two levels, reminders; warnings in the digest of seven o'clock.
RULES = """
version: 1
tries: 3
resolve_after: 2
severities:
  critical:
    levels:
      - {channels: [mail], unacknowledged: 15m}
      - {channels: [call]}
    remind: 4h
  warning:
    levels: [{channels: [mail]}]
    digest: "07:00"
rules:
  - {name: failed, metric: job.failed, condition: status breach, severity: critical,
     resolve_after: 1}
  - {name: lost, metric: job.quarantined_share, condition: "> 0.2", severity: critical}
  - {name: auc, metric: performance.auc, condition: "< 0.7", severity: critical, owner: risk,
     runbook: "https://wiki.example.org/auc"}
  - {name: slow, metric: serving.latency_p99_ms, condition: "> 100", severity: critical, for: 10m}
  - {name: drift, metric: "drift.*", condition: status breach, severity: warning}
  - {name: gone, metric: "drift.*", condition: silent 6h, severity: critical}
  - {name: blind, metric: label.coverage, condition: status missing, severity: critical}
  - {name: low, metric: label.coverage, condition: "< 0.5", severity: critical}
  - {name: rmse, condition: RMSE +20%, severity: critical}
"""


@dataclass
class Box:
    """A channel that remembers what it was sent, and fails where the test says so."""

    says: Callable[[Message], Outcome] = lambda _: DELIVERED
    sent: list[Message] = field(default_factory=list)
    asked: int = 0

    def send(self, message: Message, timeout: float) -> Outcome:
        self.asked += 1
        outcome = self.says(message)
        if outcome == DELIVERED:
            self.sent.append(message)
        return outcome

    def close(self) -> None:
        pass

    def breaks(self) -> None:
        self.says = lambda _: unavailable("nobody answers")

    def mends(self) -> None:
        self.says = lambda _: DELIVERED

    @property
    def subjects(self) -> list[str]:
        return [message.subject for message in self.sent]


@dataclass
class WatchHouse:
    """One monitor; another beside it is `beside()`."""

    database: Database
    folder: Path
    boxes: dict[str, Box] = field(
        default_factory=lambda: {name: Box() for name in ("call", "console", "mail")}
    )
    now: datetime = START
    checks: int = 0

    text: str = RULES

    def __post_init__(self) -> None:
        self.rules(self.text)

    def rules(self, text: str) -> None:
        self.text = text
        (self.folder / "alerts.yaml").write_text(text, encoding="utf-8")

    def rules_without_silence(self) -> None:
        kept = [line for line in self.text.splitlines() if "silent" not in line]
        self.rules("\n".join(kept))

    @property
    def context(self) -> AlertContext:
        return AlertContext(
            database=self.database,
            file=self.folder / "alerts.yaml",
            channels=tuple(sorted(self.boxes)),
            open_channels=self.opened,
            link="https://warden.example.org",
            actor="ada",
            clock=lambda: self.now,
            jitter=lambda: 1.0,
        )

    def opened(self) -> Mapping[str, OpenChannel]:
        return {
            name: OpenChannel(name=name, kind="box", channel=box, timeout=10)
            for name, box in sorted(self.boxes.items())
        }

    def beside(self, database: Database | None = None) -> WatchHouse:
        """Return another monitor on the same state, with the same people behind its channels."""
        return WatchHouse(database or self.database, self.folder, self.boxes, self.now)

    def after(self, **span: float) -> datetime:
        """Let time pass; nobody looks meanwhile."""
        self.now += timedelta(**span)
        return self.now

    def watched(self, every: float = 1, **span: float) -> None:
        """Let time pass, with a tick every so many minutes."""
        ends = self.now + timedelta(**span)
        while self.now < ends:
            self.after(minutes=every)
            tick(self.context)

    def seen(self, metric: str, value: float | None = None, **also: Any) -> Observation:
        missing = ObservationStatus.NOT_COMPUTABLE
        fields: dict[str, Any] = {
            "check_id": f"check-{self.checks}",
            "at": self.now,
            "kind": SubjectKind.MODEL,
            "subject": "credit",
            "environment": "production",
            "status": missing if value is None else ObservationStatus.OK,
            **also,
        }
        return Observation(metric=metric, value=value, **fields)

    def checked(self, *seen: Observation) -> str:
        """Write what one check observed; return its name."""
        with self.database.write() as conn:
            observations.append(conn, seen)
        self.checks += 1
        return seen[0].check_id

    def took(self, *seen: Observation) -> Taken:
        """Check, and take what was observed."""
        return take(self.context, self.checked(*seen))

    def auc(self, value: float | None, **also: Any) -> Taken:
        """Check the AUC; 0.6 is bad and 0.8 is good."""
        return self.took(self.seen("performance.auc", value, **also))

    def job(
        self, job_id: str, status: JobStatus = JobStatus.FAILED, *, bad: int = 0, **also: Any
    ) -> None:
        """Let a job run, and end now."""
        fields = {"pipeline": "invoices", "source": "data/raw", "created_by": "ada", **also}
        with self.database.write() as conn:
            jobs.insert(conn, Job(id=job_id, created_at=self.now, **fields))
            lease = jobs.claim(conn, job_id, owner="host:1", at=self.now, ttl_seconds=30)
            self._counted(conn, job_id, bad)
            error = {"error": "no disk; password=hunter2"} if status is JobStatus.FAILED else {}
            jobs.transition(conn, job_id, status, actor="ada", at=self.now, lease=lease, **error)

    @staticmethod
    def _counted(conn: Any, job_id: str, bad: int) -> None:
        from sqlalchemy import update

        from pipewarden.store.state.schema import jobs as table

        counts = {"published": 10 - bad, "quarantined": bad, "seen": 10}
        conn.execute(update(table).where(table.c.id == job_id).values(**counts))

    def lasting(self) -> list[Incident]:
        with self.database.read() as conn:
            return incidents.lasting(conn)

    def all(self) -> list[Incident]:
        with self.database.read() as conn:
            return incidents.page(conn, list(IncidentState), limit=1_000)[0]

    def only(self) -> Incident:
        """Return the one incident that lasts."""
        (held,) = self.lasting()
        assert held.state in LASTING
        return held

    def only_by_rule(self, rule: str) -> Incident:
        (held,) = [one for one in self.lasting() if one.rule == rule]
        return held

    def acts(self) -> list[str]:
        with self.database.read() as conn:
            return [e.action for e in ledger.entries(conn) if e.action.startswith("alert.")]

    def events(self) -> list[str]:
        with self.database.read() as conn:
            told = [event.type for _, event in outbox.page(conn, limit=1_000)]
        return [one.removeprefix("io.pipewarden.") for one in told if ".alert." in one]
