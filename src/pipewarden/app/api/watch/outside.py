"""What lies outside of the service: broker and Celery workers, event targets, sinks.

Each is asked now, and beside the answer stands what is remembered of it: its circuit breaker, and
what it lacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import Any, Protocol

from pipewarden.app.api.watch.inside import Told, waiting
from pipewarden.app.api.watch.telling import Channels
from pipewarden.delivery.events.target import Publisher
from pipewarden.delivery.outcome import Fate
from pipewarden.delivery.sinks.sink import EnabledSink
from pipewarden.delivery.spool_lag import SpoolLag
from pipewarden.errors import DependencyUnavailable
from pipewarden.jobs.queue.services import waited_for
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings, redact_text
from pipewarden.store.state.service.breakers import BreakerRow

#: Seconds that an event may wait unsent before it is said that no relay works: a relay looks twice
#: a second, and holds a target only while it sends.
_RELAYED = 10.0


class Look(Protocol):
    """One thing outside.

    Parameters
    ----------
    told
        Seconds for which an old answer is told while the next one is waited for: of what takes long
        to ask even where all is well.
    """

    name: str
    tried: str
    told: float

    def look(self) -> Told:
        """Ask it; called by one thread at a time."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


def looks(
    workspace: Workspace, failures: Mapping[str, str], offered: Sequence[str], patience: float
) -> list[Look]:
    """Return what there is to ask, as the settings have it.

    Parameters
    ----------
    failures
        What failed last behind the service, by the name of the work.
    offered
        The pipelines that the service offers.
    patience
        Seconds for one answer.
    """
    settings = workspace.settings
    found: list[Look] = []
    if uses_celery(settings):
        found += [_Broker(workspace), _Workers(settings, offered, patience / 2)]
    found += [
        _Target(name, workspace, failures, patience) for name in sorted(settings.events.targets)
    ]
    found += [_Sink(name, workspace, failures, patience) for name in sorted(settings.sinks)]
    if settings.alerts.channels:
        found.append(Channels(workspace))
    return found


def uses_celery(settings: Settings) -> bool:
    """Whether jobs may go to Celery workers: they do by default, or a broker was named."""
    return settings.executor == "celery" or "broker_url" in settings.celery.model_fields_set


class _Broker:
    name, tried, told = "broker", "a connection, and what the jobs met that need it", 0.0

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._celery = workspace, workspace.settings.celery

    def look(self) -> Told:
        from pipewarden.jobs.runners.celery.asking import ask_broker

        now, rows = self._workspace.clock(), list[BreakerRow]()
        with suppress(DependencyUnavailable):  # of a database that is gone its own probe tells
            rows += [row for row in waited_for(self._workspace) if row.name == self.name]
        facts = {
            "url": redact_text(self._celery.broker_url),
            "breakers": [waiting(row, now) for row in rows],
        }
        try:
            ask_broker(self._celery)
        except DependencyUnavailable as error:
            return "down", redact_text(error.message), facts
        if rows:
            return "degraded", f"it lets one in, but not {len(rows)} jobs that need it", facts
        return "ok", "it lets one in", facts

    def close(self) -> None:
        """Nothing is open."""


class _Workers:
    name, tried = "workers", "a question to all Celery workers over the broker"
    told = 30.0  # nobody knows how many there are: all answers are waited for

    def __init__(self, settings: Settings, offered: Sequence[str], seconds: float) -> None:
        self._celery, self._offered, self._seconds = settings.celery, offered, seconds

    def look(self) -> Told:
        from pipewarden.jobs.runners.celery.application import work_queue
        from pipewarden.jobs.runners.celery.asking import workers

        found = workers(self._celery, self._seconds)
        read = {queue for queues in found.values() for queue in queues}
        unread = [name for name in self._offered if work_queue(self._celery, name) not in read]
        facts = {"workers": found, "pipelines_without": unread}
        if not found:
            return "down", f"none answered within {self._seconds:g} s", facts
        return "ok", f"{len(found)} answered", facts

    def close(self) -> None:
        """Nothing is open."""


class _Target:
    tried, told = "a connection, and what its relay met last", 0.0

    def __init__(
        self, name: str, workspace: Workspace, failures: Mapping[str, str], patience: float
    ) -> None:
        self.name = f"events.{name}"
        self._own, self._workspace = name, workspace
        self._failures, self._patience = failures, patience

    @cached_property
    def _publisher(self) -> Publisher:
        """A publisher of one's own, as patient as a probe may be."""
        from pipewarden.delivery.events.enabled import enabled

        settings = self._workspace.settings
        held = settings.events.targets[self._own]
        held = {**held, "timeout": min(self._patience, float(held.get("timeout", self._patience)))}
        only = settings.events.model_copy(update={"targets": {self._own: held}})
        (target,) = enabled(settings.model_copy(update={"events": only}))
        return target.publisher

    def look(self) -> Told:
        from pipewarden.delivery.events.status import statuses

        outcome = self._publisher.probe(self._patience)
        settings, now = self._workspace.settings, self._workspace.clock()
        held = statuses(self._workspace.database, settings, now)
        state = next(one for one in held if one.name == self._own)
        lacking = state.behind + state.waiting
        facts = {
            "kind": state.kind,
            "breaker": str(state.breaker),
            "failures": state.failures,
            "retry_at": state.retry_at.isoformat() if state.retry_at else None,
            "behind": lacking,
            "dead": state.dead,
            "last_error": redact_text(state.last_error),
            "last_success_at": state.last_success_at.isoformat() if state.last_success_at else None,
            "served_by": state.served_by,
        }
        waiting = f"; {lacking:,} events wait" if lacking else ""
        if outcome.fate is not Fate.DELIVERED:
            return "down", redact_text(outcome.error) + waiting, facts
        if state.failures:
            return "degraded", f"it answers, but failed {state.failures} times{waiting}", facts
        if self._failures.get("relay"):
            return "degraded", f"it answers; the relay failed: {self._failures['relay']}", facts
        late = now - timedelta(seconds=_RELAYED)
        if state.served_by is None and state.behind_since and state.behind_since < late:
            return "degraded", f"it answers, and no relay works for it{waiting}", facts
        return "ok", f"it answers{waiting}", facts

    def close(self) -> None:
        if "_publisher" in self.__dict__:
            self._publisher.close()


class _Sink:
    tried, told = "a question to it, and a look at its spool", 0.0

    def __init__(
        self, name: str, workspace: Workspace, failures: Mapping[str, str], patience: float
    ) -> None:
        self.name = f"sinks.{name}"
        self._own, self._workspace = name, workspace
        self._failures, self._patience = failures, patience

    @cached_property
    def _sink(self) -> EnabledSink:
        from pipewarden.delivery.sinks.enabled import enabled

        (sink,) = enabled(self._workspace.settings, (self._own,))
        return sink

    @cached_property
    def _lag(self) -> SpoolLag:
        from pipewarden.delivery.sinks.enabled import spools_of

        return SpoolLag(spools_of(self._workspace.settings) / self._own)

    def look(self) -> Told:
        from pipewarden.delivery.sinks.standing import read_standing

        outcome = self._sink.sink.probe(min(self._sink.timeout, self._patience))
        standing, lag = read_standing(self._lag.folder), self._lag.look()
        breaker, now = standing.breaker, self._workspace.clock()
        facts: dict[str, Any] = {
            "kind": self._sink.kind,
            "breaker": str(breaker.state(now, self._sink.policy)),
            "failures": breaker.failures,
            "retry_at": breaker.retry_at.isoformat() if breaker.retry_at else None,
            "spooled": lag.documents,
            "spooled_bytes": lag.bytes,
            "oldest": lag.oldest or None,
            "last_error": redact_text(standing.last_error),
        }
        waiting = f"; {lag.documents:,} documents wait in its spool" if lag.documents else ""
        if outcome.fate is not Fate.DELIVERED:
            return "down", redact_text(outcome.error) + waiting, facts
        if self._failures.get("sinks"):
            failed = self._failures["sinks"]
            return "degraded", f"it answers; sending what waits failed: {failed}", facts
        if breaker.failures:
            return "degraded", f"it answers, but failed {breaker.failures} times{waiting}", facts
        return "ok", f"it answers{waiting}", facts

    def close(self) -> None:
        if "_sink" in self.__dict__:
            self._sink.sink.close()
