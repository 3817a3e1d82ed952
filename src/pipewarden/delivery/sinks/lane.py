"""One sink and its spool: what the sink does not take at once waits, and goes first from then on.

While anything waits in the spool, new documents go behind it and never past it, so that of each
document the last version is the last to arrive. A call that does not return in time is left alone,
and until it does nothing else is sent.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import random as any_random
from threading import Event, Thread

from pipewarden.core.outages.breaker import Breaker
from pipewarden.core.sinks import Delivery, latest_of_each
from pipewarden.delivery.outcome import UNTRIED, Fate, Outcome, rejected, unavailable
from pipewarden.delivery.sinks.sink import CALL_BYTES, CALL_DOCUMENTS, EnabledSink
from pipewarden.delivery.sinks.spool import Spool
from pipewarden.delivery.sinks.standing import (
    Standing,
    keep_refused,
    read_standing,
    write_standing,
)
from pipewarden.errors import Locked, PipewardenError
from pipewarden.settings import redact_text
from pipewarden.store.files import durable

log = logging.getLogger(__name__)

#: Seconds beyond its own time-out that a call may take before it is left alone.
_GRACE = 0.5


@dataclass(slots=True)
class _Call:
    """Documents on their way to a sink, in a thread; and the outcomes, once there are some.

    ``ends`` is when they are waited for no longer, by ``time.monotonic``.
    """

    deliveries: list[Delivery]
    ends: float
    outcomes: list[Outcome] | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    """Where documents are after a hand-over, by their ids; what is not named is in the sink.

    Parameters
    ----------
    spooled, refused
        What waits on disk, and what the sink will never take.
    """

    spooled: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


class Lane:
    """The way to one sink.

    Parameters
    ----------
    enabled
        The sink.
    folder
        Of its spool.
    clock
        Gives the present time, UTC and aware.
    random
        Gives a number from 0 up to 1, for the jitter of delays.
    stop
        Ends catching up, once it is set, behind the call on its way.
    """

    def __init__(
        self,
        enabled: EnabledSink,
        folder: Path,
        clock: Callable[[], datetime],
        random: Callable[[], float] = any_random,
        stop: Event | None = None,
    ) -> None:
        self.enabled = enabled
        self.folder = folder
        self.spool = Spool(folder, enabled.spool_file_bytes)
        self._clock = clock
        self._random = random
        self._thread: Thread | None = None
        self._call: _Call | None = None
        self._given: list[Delivery] = []
        self._stop = stop if stop is not None else Event()
        self._faults: Counter[tuple[str, str]] = Counter()

    # ── new documents ────────────────────────────────────────────────────────────────────────

    def begin(self, deliveries: Sequence[Delivery]) -> None:
        """Begin to send documents, unless others wait before them; `finish` must follow."""
        self._call = None
        self._given = latest_of_each([d for d in deliveries if self.enabled.wants(d.pipeline)])
        if not self._given or self._is_busy() or not self._is_due():
            return
        if self.spool.is_empty():
            ends = time.monotonic() + self.enabled.timeout + _GRACE
            call = self._call = _Call(self._given, ends)
            self._start(lambda: self._carry_out(call))
        else:
            self._start(self._catch_up_aside)

    def finish(self) -> Handed:
        """Wait for what was begun; when this returns the documents are in the sink or its spool.

        Raises
        ------
        StorageUnavailable
            The disk is too full to keep what the sink did not take.
        """
        if self._call is None:
            self.spool.append(self._given)
            return Handed(spooled=_ids(self._given))
        assert self._thread is not None
        self._thread.join(max(0.0, self._call.ends - time.monotonic()))
        outcomes = self._call.outcomes
        if outcomes is None:
            late = unavailable(f"no answer within {self.enabled.timeout:g} s")
            outcomes = [late, *[UNTRIED] * (len(self._given) - 1)]
        left, refused = self._settled(self._given, outcomes)
        self.spool.append(left)
        return Handed(_ids(left), _ids(refused))

    def _carry_out(self, call: _Call) -> None:
        call.outcomes = self._sent(call.deliveries)

    def _sent(self, deliveries: list[Delivery]) -> list[Outcome]:
        """Send documents; whatever goes wrong is an outcome, so that no sink harms another."""
        try:
            outcomes = self.enabled.sink.deliver(deliveries, self.enabled.timeout)
        except Exception as error:  # noqa: BLE001 - a fault of one sink must not stop the others
            words = redact_text(f"{type(error).__name__}: {error}")
            log.warning("a sink failed", extra={"sink": self.enabled.name, "error": words})
            return [unavailable(words), *[UNTRIED] * (len(deliveries) - 1)]
        return outcomes

    def _start(self, work: Callable[[], None]) -> None:
        self._thread = Thread(target=work, name=f"sink-{self.enabled.name}", daemon=True)
        self._thread.start()

    def _is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _is_due(self) -> bool:
        return read_standing(self.folder).breaker.is_due(self._clock())

    # ── what became of them ──────────────────────────────────────────────────────────────────

    def _settled(
        self, deliveries: list[Delivery], outcomes: list[Outcome]
    ) -> tuple[list[Delivery], list[Delivery]]:
        """Keep what was refused, remember how the sink is.

        Returns
        -------
        What it did not take, and what it refused, each in order.

        Raises
        ------
        StorageUnavailable
            The disk is full.
        """
        others = any(outcome.fate is Fate.DELIVERED for outcome in outcomes)
        refused, left = [], []
        for delivery, told in zip(deliveries, outcomes, strict=True):
            outcome = self._final(delivery, told, others=others)
            if outcome.fate is Fate.REJECTED:
                refused.append((delivery, outcome))
            elif outcome.fate is not Fate.DELIVERED:
                left.append((delivery, outcome))
        if refused:
            now = self._clock()
            durable.make_folder(self.folder)
            with self.spool.appending():
                keep_refused(self.folder, refused, now)
        self._remember([outcome for _, outcome in left])
        return [delivery for delivery, _ in left], [delivery for delivery, _ in refused]

    def _final(self, delivery: Delivery, outcome: Outcome, *, others: bool) -> Outcome:
        """Return an outcome, a refusal for what failed too often while others got through."""
        if outcome.fate is not Fate.FAILED or not others:
            return outcome
        fault = delivery.id, delivery.version
        self._faults[fault] += 1
        if self._faults[fault] < self.enabled.policy.attempts:
            return outcome
        del self._faults[fault]
        return rejected(outcome.reason or "failed", outcome.error)

    def _remember(self, left: list[Outcome]) -> None:
        standing, now = read_standing(self.folder), self._clock()
        if not left:
            if standing.breaker != Breaker():
                log.info("a sink answers again", extra={"sink": self.enabled.name})
                write_standing(self.folder, replace(standing, breaker=Breaker()))
            return
        cause = next((outcome for outcome in left if outcome.fate is not Fate.UNTRIED), UNTRIED)
        if standing.breaker == Breaker():
            words = {"sink": self.enabled.name, "error": redact_text(cause.error)}
            log.warning("a sink fell behind: its documents are spooled", extra=words)
        breaker = standing.breaker.after_failure(
            now, self.enabled.policy, self._random, cause.retry_after
        )
        error = cause.error or standing.last_error
        write_standing(self.folder, Standing(breaker, error, now.isoformat()))

    # ── catching up ──────────────────────────────────────────────────────────────────────────

    def catch_up(self, ends: float | None = None, *, at_once: bool = False) -> bool:
        """Send what waits, in order, until nothing does or the sink fails; whether nothing does.

        Parameters
        ----------
        ends
            When to stop, by ``time.monotonic``; None: never.
        at_once
            Even if the breaker says that it is too early.

        Raises
        ------
        Locked
            Another process is at it.
        """
        if self.spool.is_empty():
            return True
        with self.spool.sending():
            while not self._stop.is_set() and (at_once or self._is_due()):
                portion = self.spool.portion(CALL_DOCUMENTS, CALL_BYTES)
                if portion is None:
                    return True
                if ends is not None and time.monotonic() >= ends:
                    return False
                for line in portion.damaged:
                    self._keep_damaged(line)
                latest = latest_of_each(portion.deliveries)
                if latest and self._settled(latest, self._sent(latest))[0]:
                    return False
                self.spool.advance(portion.end)
        return False

    def _keep_damaged(self, line: bytes) -> None:
        """Keep a line of the spool that does not read beside it, for a person."""
        with self.spool.appending(), (self.folder / "damaged.spool").open("ab") as file:
            file.write(line)
        log.error("a line of a spool is damaged", extra={"sink": self.enabled.name})

    def _catch_up_aside(self) -> None:
        try:
            self.catch_up()
        except Locked:  # another process is at it
            return
        except (PipewardenError, OSError) as error:
            words = redact_text(str(error))
            log.warning("a spool is not sent", extra={"sink": self.enabled.name, "error": words})

    def rest(self, ends: float) -> None:
        """Let a call under way end, and what waits be sent if the sink answers, until ``ends``."""
        if self._is_busy() and self._thread is not None:
            self._thread.join(max(0.0, ends - time.monotonic()))
        if self._is_busy() or self.spool.is_empty() or not self._is_due():
            return
        self._start(self._catch_up_aside)
        assert self._thread is not None
        self._thread.join(max(0.0, ends - time.monotonic()))

    def close(self) -> None:
        """Let go of the sink; what waits stays on disk."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(self.enabled.timeout + _GRACE)
        if not self._is_busy():  # a call that hangs keeps what it uses until the process ends
            self.enabled.sink.close()


def _ids(deliveries: Sequence[Delivery]) -> frozenset[str]:
    return frozenset(delivery.id for delivery in deliveries)
