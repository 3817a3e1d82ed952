"""The challengers that answer now, opened beside the champions and exchanged as they are.

They are looked for in the same step as deployments. What was counted of them since is added to the
database then, and one that does harm is ended there; this process stops asking it at once, whether
the database answers or not.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from pipewarden.core.models.challengers import Challenger, ChallengerState
from pipewarden.core.models.comparisons import Figures, harm_of
from pipewarden.core.models.deployments import ModelVersion
from pipewarden.errors import IllegalTransition
from pipewarden.models.challenging import ending
from pipewarden.models.context import in_words
from pipewarden.models.serving.answering import Served
from pipewarden.store.state.models import challengers, versions

if TYPE_CHECKING:
    from pipewarden.store.state.database import Database

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Beside:
    """A challenger in memory, and what this process counted of it.

    Parameters
    ----------
    known
        What all processes had counted when this one last looked.
    fresh
        What this one counted since.
    harm
        Why it is asked no more, in words; empty while it is asked.
    """

    challenger: Challenger
    served: Served
    known: Figures = field(default_factory=Figures)
    fresh: Figures = field(default_factory=Figures)
    harm: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, counted: Figures) -> None:
        """Add what was counted; stop asking it where that makes it harmful."""
        with self._lock:
            self.fresh = self.fresh.plus(counted)
            if not self.harm:
                self.harm = harm_of(self.known.plus(self.fresh), self.challenger.plan.harm)
                if self.harm:
                    log.error("a challenger does harm and is asked no more", extra=self.named())

    def taken(self) -> Figures:
        """Return what was counted since the last time, which is forgotten here."""
        with self._lock:
            fresh, self.fresh = self.fresh, Figures()
            self.known = self.known.plus(fresh)
            return fresh

    def given_back(self, counted: Figures) -> None:
        """Count again what could not be written."""
        with self._lock:
            self.fresh = self.fresh.plus(counted)
            self.known = Figures()  # read anew with the next look that goes well

    def told(self, known: Figures) -> None:
        """Learn what all processes counted."""
        with self._lock:
            self.known = known

    def named(self) -> dict[str, object]:
        """Return what a line of the log says of it."""
        held = self.challenger
        return {"challenger": held.id, "model": held.model, "version": held.version,
                "why": self.harm}  # fmt: skip


class LiveChallengers:
    """The challengers of one environment, in memory.

    Parameters
    ----------
    database
        Where challengers are.
    opened
        Opens a version; the environment and the number of a deployment, 0, are those to be named.
    clock
        Gives the present time, UTC and aware.
    """

    def __init__(
        self,
        database: Callable[[], Database],
        environment: str,
        opened: Callable[[ModelVersion, str, int], Served],
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._clock = database, clock
        self._environment = environment
        self._open = opened
        self._held: Mapping[str, Beside] = {}
        self._generation: tuple[int, int] | None = None

    def of(self, champion: Served) -> Beside | None:
        """Return the challenger that is to be asked beside a champion; None where there is none."""
        held = self._held.get(champion.model)
        if held is None or held.harm or held.challenger.champion != champion.version:
            return None
        return held

    def look(self) -> None:
        """Add up what was counted, end what does harm, and open what began since the last look."""
        self.settle()
        with self._database().read() as conn:
            generation = challengers.generation(conn)
            if generation == self._generation:
                return
            running = {
                one.model: one for one in challengers.running(conn, environment=self._environment)
            }
            fresh = {
                one.model: (versions.get(conn, one.model, one.version),
                            challengers.figures_of(conn, one.id))
                for one in running.values()
                if not self._is_held(one)
            }  # fmt: skip
        kept = {name: held for name, held in self._held.items() if name in running}
        for name, (version, known) in fresh.items():
            kept.pop(name, None)
            made = self._opened(running[name], version, known)
            if made is not None:
                kept[name] = made
        self._held = kept  # one step: a request that has begun keeps what it began with
        self._generation = generation

    def settle(self) -> None:
        """Write what was counted since the last look, and the end of what does harm."""
        for held in list(self._held.values()):
            self._settle(held)

    def close(self) -> None:
        """Write what was counted; what the database does not take is lost, and that is logged."""
        try:
            self.settle()
        except Exception:
            log.exception("what was counted of challengers is lost")

    def _is_held(self, challenger: Challenger) -> bool:
        held = self._held.get(challenger.model)
        return held is not None and held.challenger.id == challenger.id

    def _opened(
        self, challenger: Challenger, version: ModelVersion, known: Figures
    ) -> Beside | None:
        try:
            served = self._open(version, self._environment, 0)
        except Exception as error:  # a family may raise anything
            log.exception("a challenger cannot be opened", extra={"challenger": challenger.id})
            self._end(challenger, f"it cannot be opened: {in_words(error)}")
            return None
        log.info("a challenger answers", extra={"challenger": challenger.id})
        return Beside(challenger, served, known)

    def _settle(self, held: Beside) -> None:
        """Write what was counted, and the end of what does harm."""
        counted = held.taken()
        if counted != Figures():
            try:
                with self._database().write() as conn:
                    challengers.count(conn, held.challenger.id, counted)
                    held.told(challengers.figures_of(conn, held.challenger.id))
            except Exception:
                held.given_back(counted)
                raise
        if held.harm:
            self._end(held.challenger, held.harm)

    def _end(self, challenger: Challenger, reason: str) -> None:
        at = self._clock()
        harmed = ChallengerState.HARMED
        try:
            with self._database().write() as conn:
                ending.end(conn, challenger.id, harmed, at=at, by=ending.AUTOMATON, reason=reason)
        except IllegalTransition:  # somebody else was quicker
            log.info("a challenger had ended before", extra={"challenger": challenger.id})
