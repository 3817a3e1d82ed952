"""The monitor at work: a check every so often, challengers judged, alerts, until it is stopped.

A check that fails is told and does not end the monitor; the next one stores that it failed. Beside
another monitor it checks only when none has within the interval.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from pipewarden.errors import Locked, PipewardenError
from pipewarden.jobs.monitoring.alerts import alerts_of
from pipewarden.jobs.monitoring.checking import Checked, check, subjects_of
from pipewarden.jobs.monitoring.watching.asking import Ask, ask as ask_url
from pipewarden.jobs.monitoring.watching.parts import in_words
from pipewarden.jobs.workspace import Workspace

log = logging.getLogger(__name__)

#: Failures of checks that are remembered until one succeeds.
_REMEMBERED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What came of one round of the monitor.

    Parameters
    ----------
    checked
        None: another monitor checked, or the check failed.
    messages
        How many alerts were sent.
    failures
        What failed: the check, the judging of challengers, or the sending of alerts, and why.
    """

    checked: Checked | None = None
    messages: int = 0
    failures: dict[str, str] = field(default_factory=dict)


class Monitor:
    """Rounds of checks and alerts.

    Parameters
    ----------
    interval
        Seconds from the beginning of one round to that of the next.
    ask
        Asks an endpoint.
    """

    def __init__(self, workspace: Workspace, interval: float, *, ask: Ask = ask_url) -> None:
        self._workspace = workspace
        self._interval = interval
        self._ask = ask
        self._subjects = subjects_of(workspace)
        self._failed: dict[str, str] = {}

    def once(self) -> Round:
        """Check if it is time to, and let alerts see it; whatever fails is in what is returned."""
        failures: dict[str, str] = {}
        checked = self._check(failures)
        failures |= challenged(self._workspace)
        return Round(checked=checked, messages=self._alert(checked, failures), failures=failures)

    def run(
        self,
        stop: threading.Event,
        told: Callable[[Round], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Go from round to round until ``stop`` is set; a round in work is ended first.

        Parameters
        ----------
        told
            Learns of each round.
        """
        due = clock()
        while not stop.is_set():
            told(self.once())
            due = max(due + self._interval, clock())
            stop.wait(due - clock())

    def _check(self, failures: dict[str, str]) -> Checked | None:
        now = self._workspace.clock()
        # Half an interval: a round that began a little late is still the next one.
        since = now - timedelta(seconds=self._interval / 2)
        try:
            checked = check(
                self._workspace, ask=self._ask, subjects=self._subjects, not_since=since,
                before=self._failed,
            )  # fmt: skip
        except Locked:
            return None
        except Exception as error:
            log.exception("a check failed")
            failures["check"] = reason = in_words(error)
            self._remember(f"check at {now:%Y-%m-%d %H:%M:%S} UTC", reason)
            return None
        if checked is not None:
            self._failed.clear()
        return checked

    def _remember(self, name: str, reason: str) -> None:
        self._failed[name] = reason
        while len(self._failed) > _REMEMBERED:
            del self._failed[next(iter(self._failed))]

    def _alert(self, checked: Checked | None, failures: dict[str, str]) -> int:
        sent, failed = alert(self._workspace, checked)
        failures |= failed
        if "alerts" in failed:
            self._remember("alerts", failed["alerts"])
        return sent


def challenged(workspace: Workspace) -> dict[str, str]:
    """Judge the versions that are tried beside champions; return what failed and why."""
    from pipewarden.jobs.models.context import model_context
    from pipewarden.models.challenging import judging

    try:
        done = judging.step(model_context(workspace))
    except Exception as error:
        log.exception("challengers cannot be judged")
        return {"challengers": in_words(error)}
    return dict(done.failures)


def alert(workspace: Workspace, checked: Checked | None) -> tuple[int, dict[str, str]]:
    """Let alerts see a check and the clock; return how many were sent, and what failed and why."""
    from pipewarden.monitoring.alerts.watching import take, tick

    try:
        context = alerts_of(workspace)
        passes = [] if checked is None else [take(context, checked.check_id).sent]
        passes.append(tick(context).sent)
    except PipewardenError as error:  # a sentence says it all, such as of rules that do not hold
        return 0, {"alerts": in_words(error)}
    except Exception as error:
        log.exception("alerts failed")
        return 0, {"alerts": in_words(error)}
    failures = {f"alerts by {name}": why for one in passes for name, why in one.errors.items()}
    return sum(one.messages for one in passes), failures
