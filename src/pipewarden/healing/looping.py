"""One round of healing, and one after another until it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pipewarden.core.healing.states import HealingState
from pipewarden.healing.advancing import Advanced, advance, advance_all
from pipewarden.healing.context import HealingContext, environments
from pipewarden.healing.deciding.opening import Looked, consider, consider_all
from pipewarden.healing.deciding.signals import Asked
from pipewarden.healing.ending import alerted
from pipewarden.healing.mending import Mended, mend
from pipewarden.healing.telling import reports
from pipewarden.healing.together.training import train_together
from pipewarden.models.context import in_words

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What came of one round.

    Parameters
    ----------
    advanced
        The healings that were gone on with, those begun in this round last.
    looked
        Every model that serves.
    mended
        What was done again about pipelines.
    failures
        What could not be done, in words.
    """

    advanced: Sequence[Advanced] = ()
    looked: Sequence[Looked] = ()
    mended: Sequence[Mended] = ()
    failures: Sequence[str] = field(default_factory=tuple)

    @property
    def eventful(self) -> bool:
        """Whether anything happened that was not known before."""
        new = any(one.new for one in self.looked)
        return bool(self.advanced or self.mended or self.failures or new)

    @property
    def lost(self) -> list[Advanced]:
        """The healings that ended in this round without having helped."""
        return [one for one in self.advanced if one.passed and one.healing.state.lost]


def once(context: HealingContext) -> Round:
    """Go on with what goes on, look at every model, and begin what was decided.

    A model whose healing has just ended is looked at in the next round.
    """
    going = advance_all(context)
    healed = {one.healing.model for one in going if one.healing.state.ended}
    looked = [
        one
        for environment in environments(context)
        for one in consider_all(context, environment, healed)
    ]
    begun = [
        advance(context, one.healing.id)
        for one in looked
        if one.new and one.healing is not None and not one.healing.state.ended
    ]
    failures: list[str] = []
    advanced = _trained_together(context, [*going, *begun], failures)
    mended = _mended(context, failures)
    failures += _alert(context, advanced)
    failures += _report(context, advanced, looked)
    return Round(advanced=advanced, looked=looked, mended=mended, failures=failures)


def _trained_together(
    context: HealingContext, advanced: Sequence[Advanced], failures: list[str]
) -> list[Advanced]:
    """Let one job train what waits for that, and go on with each of the healings."""
    try:
        ready = train_together(context)
    except Exception as error:
        log.exception("candidates could not be trained together")
        failures.append(f"training together: {in_words(error)}")
        return [*advanced]
    held = {one.healing.id: one for one in advanced}
    for number in ready:
        done = advance(context, number)
        before = held[number].passed if number in held else ()
        held[number] = replace(done, passed=(*before, *done.passed))
    return [*held.values()]


def _mended(context: HealingContext, failures: list[str]) -> list[Mended]:
    try:
        return mend(context)
    except Exception as error:
        log.exception("pipelines could not be mended")
        failures.append(f"pipelines: {in_words(error)}")
        return []


def _alert(context: HealingContext, advanced: Sequence[Advanced]) -> list[str]:
    """Let alerts see what healings observed that ended in this round; return what failed."""
    return [
        words
        for one in advanced
        if one.passed and (one.healing.state.lost or one.healing.state is HealingState.KEPT)
        for words in alerted(context, one.healing.name)
    ]


def _report(
    context: HealingContext, advanced: Sequence[Advanced], looked: Sequence[Looked]
) -> list[str]:
    """Write the reports of what is new about healings; return what failed."""
    new = {one.healing.id for one in advanced if one.passed}
    new |= {one.healing.id for one in looked if one.new and one.healing is not None}
    return reports.tried(context, new)


def ask(context: HealingContext, model: str, environment: str, asked: Asked) -> Round:
    """Heal a model because somebody asks for it, as far as the policy lets them."""
    looked = consider(context, model, environment, asked)
    begun = []
    if looked.new and looked.healing is not None and not looked.healing.state.ended:
        begun.append(advance(context, looked.healing.id))
    failures: list[str] = []
    advanced = _trained_together(context, begun, failures) if begun else begun
    failures += _report(context, advanced, [looked])
    return Round(advanced=advanced, looked=[looked], failures=failures)


def run(
    context: HealingContext,
    stop: threading.Event,
    told: Callable[[Round], None],
    *,
    interval: float,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Go from round to round until ``stop`` is set; a round in work is ended first.

    A round that fails is told, and does not end the healer.

    Parameters
    ----------
    interval
        Seconds from the beginning of one round to that of the next.
    """
    due = clock()
    while not stop.is_set():
        try:
            told(once(context))
        except Exception as error:
            log.exception("a round of healing failed")
            told(Round(failures=[in_words(error)]))
        due = max(due + interval, clock())
        stop.wait(due - clock())
