"""A set of series in a bottle: books, their table that grows week by week, and who heals them.

Everything is what it is in production: the table that is written anew, the monitor that reads it,
the jobs that train, the gates, the deployments, the ledger. Only time is simulated, and the books.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from pipewarden.core.healing.states import Healing
from pipewarden.core.jobs import Job
from pipewarden.healing.context import HealingContext, healing_context
from pipewarden.healing.looping import Round, once
from pipewarden.healing.simulation.clock import SimulatedClock
from pipewarden.healing.simulation.shelves import FIRST, HEADER, Shelf
from pipewarden.jobs.loading import load_pipeline
from pipewarden.jobs.models.context import model_context
from pipewarden.jobs.monitoring.checking import Checked, check
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.run import Silent, start
from pipewarden.jobs.workspace import Workspace
from pipewarden.models import deploying
from pipewarden.settings import Settings
from pipewarden.store.state import jobs, ledger
from pipewarden.store.state.healing import healings
from pipewarden.store.state.models import deployments
from pipewarden.store.state.verify import verify_ledger

PLACE = "production"
#: Quick: no ARIMA, which takes nine tenths of the time, and few origins.
TRAINING = {
    "environment": "development",
    "family": "ets",
    "arima": {"enabled": False},
    "origins": 4,
    "history_weeks": 104,
}


@dataclass
class Bookshop:
    """One shelf of books, their forecasters, and whoever watches and heals them.

    Of the books ``in_dozens``, what is sold after training arrives in dozens.
    """

    home: Path
    shelf: Shelf
    weeks: int = 104
    in_dozens: frozenset[str] = frozenset()
    checked: Checked | None = None

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.learnt = self.weeks
        self.clock = SimulatedClock(self._end())
        settings = Settings.model_validate(
            {
                "home": self.home,
                "researcher": "ada",
                "executor": "inline",
                "pipelines": {"sales": TRAINING},
                "models": {
                    "tracking_uri": "off",
                    "environments": {PLACE: {"healing_cooldown_days": 0}},
                },
            }
        )
        self.workspace = Workspace(settings, self.clock)
        self.table = self.home / "tables" / "weekly.csv"
        self.table.parent.mkdir()

    def _end(self) -> datetime:
        day = FIRST + timedelta(weeks=self.weeks - 1, days=1)
        return datetime.combine(day, time(6), UTC)

    # ── the beginning ────────────────────────────────────────────────────────────────────────────

    def open(self) -> None:
        """Train and deploy a forecaster of every book, as anybody would."""
        self.write_table()
        pipeline = load_pipeline("sales", self.workspace.settings)
        options = RunOptions(
            pipeline="sales", source=str(self.table), executor="inline",
            output_dir=str(self.home / "out"),
        )  # fmt: skip
        start(pipeline, options, self.workspace, Silent())
        context = model_context(self.workspace)
        for name in self.shelf.names:
            done = deploying.deploy(context, f"sales/{name}", PLACE, "latest", reason="the first")
            assert not done.outcome.bad, done

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    def pass_weeks(self, number: int) -> Round:
        """Let weeks pass, then the table comes anew: it is checked, and what is broken healed."""
        self.deliver(number)
        return once(self.healer())

    def deliver(self, number: int) -> None:
        """Let weeks pass and be checked, and nobody heals."""
        self.weeks += number
        self.write_table()
        self.clock.to(self._end())
        self.checked = check(self.workspace)
        self.clock.pass_by(minutes=5)

    def write_table(self) -> None:
        """Write what is known of all books by now."""
        learnt = (FIRST + timedelta(weeks=self.learnt)).isoformat()
        with self.table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            for name, day, sold in self.shelf.rows(self.weeks):
                dozens = name in self.in_dozens and day >= learnt
                writer.writerow([name, day, sold // 12 if dozens else sold])

    # ── what is there ────────────────────────────────────────────────────────────────────────────

    def healer(self) -> HealingContext:
        """Return a healer, as a process that begins anew has it."""
        return healing_context(self.workspace)

    def healings(self) -> list[Healing]:
        """Return every healing that acted, the newest first."""
        with self.workspace.database.read() as conn:
            return healings.history(conn, acted=True, limit=1_000)

    def serving(self) -> dict[str, int]:
        """Return the version that serves of each book."""
        with self.workspace.database.read() as conn:
            held = deployments.all_serving(conn, PLACE)
        return {one.model.removeprefix("sales/"): one.version for one in held}

    def jobs(self) -> list[Job]:
        """Return the jobs of healings."""
        with self.workspace.database.read() as conn:
            return [job for job in jobs.page(conn, limit=200).jobs if job.parent_id]

    def sound(self) -> bool:
        with self.workspace.database.read() as conn:
            assert next(iter(ledger.entries(conn)), None) is not None
            return not verify_ledger(conn, []).faults

    def close(self) -> None:
        self.workspace.database.close()
