"""What Prometheus asks for: requests and documents of this replica, jobs and outbox of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from pipewarden.store.state.service import figures

if TYPE_CHECKING:
    from pipewarden.app.api.work.pool import Pool
    from pipewarden.jobs.workspace import Workspace

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
        self.loop_lag = Histogram(
            "pipewarden_event_loop_lag_seconds",
            "How late the event loop was, measured ten times a second.",
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
            registry=self._registry,
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def watch(self, workspace: Workspace, pool: Pool) -> None:
        """Take the database and the document processes into the figures."""
        self._gauge("document_processes", "Document processes that are ready.", lambda: pool.ready)
        self._gauge("documents_waiting", "Documents that wait for a process.", lambda: pool.waiting)
        self._registry.register(_Database(workspace))

    def text(self) -> bytes:
        """Return the figures as Prometheus reads them; it asks the database."""
        return generate_latest(self._registry)

    def _gauge(self, name: str, words: str, value: Callable[[], float]) -> None:
        Gauge(f"pipewarden_{name}", words, registry=self._registry).set_function(value)


class _Database:
    """Reads the state database whenever the figures are asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def describe(self) -> list[Metric]:
        """Nothing: the names are known only with the figures."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what the database says of jobs, items and events."""
        with self._workspace.database.read() as conn:
            held = figures.read(conn, self._workspace.clock())
        states = GaugeMetricFamily("pipewarden_jobs", "Jobs by status.", labels=["status"])
        for status, number in held.jobs.items():
            states.add_metric([status], number)
        yield states
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
        lag = GaugeMetricFamily(
            "pipewarden_outbox_lag_events", "Events that a target lacks.", labels=["target"]
        )
        age = GaugeMetricFamily(
            "pipewarden_outbox_lag_seconds", "Age of the oldest of them.", labels=["target"]
        )
        for target, (events, seconds) in held.outbox.items():
            lag.add_metric([target], events)
            age.add_metric([target], seconds)
        yield lag
        yield age
