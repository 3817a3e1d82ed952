"""What Prometheus asks for: requests and documents of this replica, jobs and outbox of all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from pipewarden.core.outages.breaker import Breaker, BreakerState, Policy
from pipewarden.delivery.sinks.standing import read_standing
from pipewarden.delivery.spool_lag import SpoolLag
from pipewarden.errors import PipewardenError
from pipewarden.store.state.service import figures, timings
from pipewarden.store.state.service.figures import OutboxLag
from pipewarden.store.state.service.timings import Timing

if TYPE_CHECKING:
    from pipewarden.app.api.work.pool import Pool
    from pipewarden.jobs.workspace import Workspace

log = logging.getLogger(__name__)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The figures of one replica, and what it reads of the database when it is asked."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "pipewarden_http_request_seconds",
            "Time to answer a request.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.documents = Counter(
            "pipewarden_http_documents",
            "Documents answered at once, by outcome.",
            ("outcome",),
            registry=self._registry,
        )
        self.document_seconds = Histogram(
            "pipewarden_http_document_seconds",
            "Time from a document's arrival to its answer.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._stages = Histogram(
            "pipewarden_http_document_stage_seconds",
            "Where that time goes: waiting for a process, work in it, hand-over to sinks.",
            ("pipeline", "stage"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.loop_lag = Histogram(
            "pipewarden_event_loop_lag_seconds",
            "How late the event loop was, measured ten times a second.",
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
            registry=self._registry,
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def stage(self, pipeline: str, stage: str, seconds: float) -> None:
        """Count one stage of a document: ``waiting``, ``work`` or ``sinks``."""
        self._stages.labels(pipeline, stage).observe(seconds)

    def watch(self, workspace: Workspace, pool: Pool) -> None:
        """Take the database, the spools and the document processes into the figures."""
        self._gauge("document_processes", "Document processes that are ready.", lambda: pool.ready)
        self._gauge("documents_waiting", "Documents that wait for a process.", lambda: pool.waiting)
        self._registry.register(_Database(workspace))
        self._registry.register(_Items(workspace))
        self._registry.register(_Spools(workspace))

    def text(self) -> bytes:
        """Return the figures as Prometheus reads them; it asks the database."""
        return generate_latest(self._registry)

    def _gauge(self, name: str, words: str, value: Callable[[], float]) -> None:
        Gauge(f"pipewarden_{name}", words, registry=self._registry).set_function(value)


class _Unnamed:
    """A collector whose names are known only with its figures."""

    def describe(self) -> list[Metric]:
        """Nothing."""
        return []


class _Database(_Unnamed):
    """Reads the state database whenever the figures are asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def collect(self) -> Iterator[Metric]:
        """Yield what the database says of jobs, items and events."""
        now, enabled = self._workspace.clock(), self._workspace.settings.events.targets
        with self._workspace.database.read() as conn:
            held = figures.read(conn, now, enabled)
        yield _gauges("jobs", "Jobs by status.", "status", held.jobs)
        items = CounterMetricFamily(
            "pipewarden_items", "Items of all jobs by outcome.", labels=["outcome"]
        )
        for outcome, number in held.items.items():
            items.add_metric([outcome], number)
        yield items
        yield GaugeMetricFamily(
            "pipewarden_queue_depth", "Jobs that wait for a runner.", value=held.waiting
        )
        yield GaugeMetricFamily(
            "pipewarden_queue_oldest_seconds", "Age of the oldest of them.", value=held.oldest
        )
        yield from _outbox(held.outbox, now)


def _outbox(lags: Mapping[str, OutboxLag], now: datetime) -> Iterator[Metric]:
    def gauge(name: str, words: str, value: Callable[[OutboxLag], float]) -> Metric:
        return _gauges(name, words, "target", {name: value(lag) for name, lag in lags.items()})

    def is_open(lag: OutboxLag) -> float:
        return _open(Breaker(lag.failures, lag.retry_at), now)

    yield gauge("outbox_lag_events", "Events still to be sent.", lambda lag: lag.events)
    yield gauge("outbox_lag_seconds", "Age of the oldest of them.", lambda lag: lag.seconds)
    words = "Events that are sent only if somebody has them tried again."
    yield gauge("outbox_dead_events", words, lambda lag: lag.dead)
    words = "Whether a target failed so often that it is left alone."
    yield gauge("outbox_breaker_open", words, is_open)


class _Items(_Unnamed):
    """How long items of jobs and their stages took, since this replica was started.

    A job's records are counted again while it runs, and once more when it is over.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._since = workspace.clock()
        self._known: dict[str, tuple[int, str, Mapping[str, Timing]]] = {}

    def collect(self) -> Iterator[Metric]:
        """Yield a histogram for each stage of each pipeline."""
        with self._workspace.database.read() as conn:
            for job in timings.run_since(conn, self._since):
                token, _, _ = self._known.get(job.id, (None, "", None))
                if token != job.token:
                    final = job.token if job.over else -1
                    timed = timings.of_job(conn, job.id, _SECONDS)
                    self._known[job.id] = (final, job.pipeline, timed)
        found: dict[tuple[str, str], Timing] = {}
        for _, pipeline, stages in self._known.values():
            for stage, timing in stages.items():
                found[pipeline, stage] = found.get((pipeline, stage), Timing()).plus(timing)
        family = HistogramMetricFamily(
            "pipewarden_item_stage_seconds",
            "Time that items of jobs took: the whole work, and the stages that pipelines tell.",
            labels=["pipeline", "stage"],
        )
        for (pipeline, stage), timing in sorted(found.items(), key=lambda held: held[0]):
            buckets = [(str(b), n) for b, n in zip(_SECONDS, timing.within, strict=True)]
            buckets.append(("+Inf", timing.number))
            family.add_metric([pipeline, stage], buckets, timing.seconds)
        yield family


class _Spools(_Unnamed):
    """What each sink lacks, and how its circuit breaker stands, as this machine's disk has it."""

    def __init__(self, workspace: Workspace) -> None:
        from pipewarden.delivery.sinks.enabled import spools_of

        self._workspace = workspace
        spools = spools_of(workspace.settings)
        self._lags = {name: SpoolLag(spools / name) for name in sorted(workspace.settings.sinks)}

    def collect(self) -> Iterator[Metric]:
        """Yield the lag of each sink; one whose spool does not read has no figure, but the rest."""
        documents: dict[str, float] = {}
        seconds: dict[str, float] = {}
        breakers: dict[str, float] = {}
        now = self._workspace.clock()
        for name, spool in self._lags.items():
            try:
                lag = spool.look()
            except (PipewardenError, OSError) as error:
                log.warning("a spool does not read", extra={"sink": name, "error": str(error)})
                continue
            documents[name], seconds[name] = lag.documents, lag.seconds(now)
            breakers[name] = _open(read_standing(spool.folder).breaker, now)
        yield _gauges("sink_lag_documents", "Documents that wait for a sink.", "sink", documents)
        yield _gauges("sink_lag_seconds", "Age of the oldest of them.", "sink", seconds)
        words = "Whether a sink failed so often that it is left alone."
        yield _gauges("sink_breaker_open", words, "sink", breakers)


def _gauges(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"pipewarden_{name}", words, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _open(breaker: Breaker, now: datetime) -> int:
    return int(breaker.state(now, Policy()) is not BreakerState.CLOSED)
