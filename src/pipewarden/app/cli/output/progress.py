"""The progress of a run: a bar on a terminal, plain lines in a pipe, JSON lines for a machine.

The total comes first, then done of total, speed and what is left. Nothing here starts a thread: the
worker pool forks, and only a process of one thread may.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pipewarden.app.cli.output.terminal import console, is_terminal, say, say_json
from pipewarden.report.untrusted import visible
from pipewarden.report.wording import count, duration

if TYPE_CHECKING:
    from pipewarden.core.items import ItemResult
    from pipewarden.engine.planner import Planned

#: Seconds between two lines, and between two pictures of the bar.
_LINE, _FRAME = 5.0, 0.1


def listener(*, json: bool, quiet: bool) -> Quiet:
    """Return what tells of a run's progress, as the command line and the output ask for it."""
    if quiet:
        return Quiet()
    if json:
        return JsonLines()
    return Bar() if is_terminal() else Lines()


class Quiet:
    """Says only what a person must know now, on stderr."""

    def planned(self, planned: Planned, work: int) -> None:
        """Say nothing."""

    def committed(self, results: list[ItemResult]) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say it on stderr."""
        say(f"note: {visible(text)}", error=True)

    def close(self) -> None:
        """Leave the terminal as it was."""


class Pace:
    """How many items are done, how fast, and how long the rest will take at that speed."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.done = self.quarantined = 0
        self._clock = clock
        self._began = self._last = clock()

    def add(self, results: list[ItemResult]) -> None:
        """Count items that are done for good."""
        self.done += len(results)
        self.quarantined += sum(result.outcome.quarantined for result in results)

    def due(self, seconds: float) -> bool:
        """Say whether so many seconds went by since this was last true."""
        now = self._clock()
        if now - self._last < seconds:
            return False
        self._last = now
        return True

    @property
    def per_second(self) -> float:
        """Items a second since the plan was made."""
        return self.done / max(self._clock() - self._began, 1e-6)

    @property
    def left(self) -> float | None:
        """Seconds until the end, once an item is done."""
        return (self.total - self.done) / self.per_second if self.done else None

    def line(self) -> str:
        """Return done of total, speed, time left, and what was quarantined."""
        words = [f"{self.done:,}/{self.total:,} done", f"{self.per_second:,.1f} items/s"]
        if self.left:
            words.append(f"{duration(self.left)} left")
        if self.quarantined:
            words.append(f"{self.quarantined:,} quarantined")
        return ", ".join(words)


def plan_line(planned: Planned, work: int) -> str:
    """Return what was found and how much of it there is to do."""
    found = count(len(planned.scan.found), "item")
    counts = {state: n for state, n in planned.plan.counts().items() if n}
    states = ", ".join(f"{n:,} {state}" for state, n in counts.items())
    waiting = f"; {len(planned.left_out):,} wait because of --limit" if planned.left_out else ""
    return f"{found} found, {work:,} to process{f' ({states})' if states else ''}{waiting}"


class Lines(Quiet):
    """Plain lines: the total, then at most one every few seconds."""

    def __init__(self) -> None:
        self._pace = Pace(0)

    def planned(self, planned: Planned, work: int) -> None:
        """Say what there is to do."""
        self._pace = Pace(work)
        say(plan_line(planned, work))

    def committed(self, results: list[ItemResult]) -> None:
        """Say how far it is, if the last line is old enough."""
        self._pace.add(results)
        if self._pace.due(_LINE) and self._pace.done < self._pace.total:
            say(self._pace.line())

    def note(self, text: str) -> None:
        """Say it."""
        say(f"note: {visible(text)}")


class JsonLines(Quiet):
    """One JSON object a line, on stderr; stdout belongs to the report."""

    def __init__(self) -> None:
        self._pace = Pace(0)

    def planned(self, planned: Planned, work: int) -> None:
        """Tell the totals of the plan."""
        self._pace = Pace(work)
        self._tell("planned", seen=len(planned.scan.found), plan=planned.plan.counts())

    def committed(self, results: list[ItemResult]) -> None:
        """Tell how far it is, if the last line is old enough."""
        self._pace.add(results)
        if self._pace.due(_LINE):
            self._tell("progress")

    def note(self, text: str) -> None:
        """Tell it."""
        say_json({"event": "note", "text": text}, error=True, line=True)

    def _tell(self, event: str, **more: Any) -> None:
        pace = self._pace
        left = None if pace.left is None else round(pace.left, 1)
        facts = {"event": event, "done": pace.done, "total": pace.total, "eta_seconds": left}
        facts |= {"items_per_second": round(pace.per_second, 1), "quarantined": pace.quarantined}
        say_json(facts | more, error=True, line=True)


class Bar(Lines):
    """A bar on a terminal, drawn anew when items are committed."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn: Any = None
        self._task: Any = None

    def planned(self, planned: Planned, work: int) -> None:
        """Say what there is to do, and begin the bar if there is anything."""
        super().planned(planned, work)
        if not work:
            return
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (BarColumn(bar_width=None), TextColumn("{task.fields[words]}"))
        self._drawn = Progress(
            *columns, console=console(), auto_refresh=False, expand=True, transient=True
        )
        self._task = self._drawn.add_task("", total=work, words=f"0/{work:,} done")
        self._drawn.start()
        self._drawn.refresh()

    def committed(self, results: list[ItemResult]) -> None:
        """Draw the bar, at most ten times a second, and end it with the last item."""
        self._pace.add(results)
        if self._drawn is None:
            return
        over = self._pace.done >= self._pace.total
        if over or self._pace.due(_FRAME):
            self._drawn.update(self._task, completed=self._pace.done, words=self._pace.line())
            with suppress(BrokenPipeError):
                self._drawn.refresh()
        if over:
            self.close()

    def note(self, text: str) -> None:
        """Say it above the bar."""
        if self._drawn is None:
            super().note(text)
        else:
            self._drawn.console.print(f"note: {visible(text)}")
            self._drawn.refresh()

    def close(self) -> None:
        """Take the bar away, and give the terminal its cursor back."""
        if self._drawn is not None:
            with suppress(BrokenPipeError):
                self._drawn.stop()
            self._drawn = None
