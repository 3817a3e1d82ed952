"""A production of one model in simulated time: it serves, is watched, and is healed.

Everything is what it is in production: the desk that answers, the log, the labels, the monitor, the
alerts, the healer, the jobs that train, the gates, the ledger. Only time and people are simulated.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pipewarden.core.monitoring.alerts.incidents import Change, Incident
from pipewarden.errors import PipewardenError
from pipewarden.jobs.monitoring.checking import Checked
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.settings.sources import SETTINGS_FILE

if TYPE_CHECKING:
    from pipewarden.core.models.deployments import ModelVersion
    from pipewarden.healing.looping import Round

MODEL, PLACE = "credit", "production"
_HOURS = 24
ALERTS = "alerts.txt"
_TABLE, _PEOPLE = "tables/first", "people.csv"
_SEED, _ROWS, ROWS_A_DAY = 1, 4_000, 2_400
#: Small enough to train in a second or two, and large enough to be let through by the gates.
_SETTINGS: dict[str, Any] = {
    "executor": "inline",
    "monitoring": {"windows": [f"{_HOURS}h"], "drift": {"threshold_share": 0.35}},
    "models": {"tracking_uri": "off", "environments": {PLACE: {"healing_cooldown_days": 0}}},
    "pipelines": {
        MODEL: {
            "search": {"trials": 1, "folds": 2, "rows": 1_500},
            "fit": {
                "folds": 3, "members": 1, "learning_rate": 0.15, "max_rounds": 60,
                "early_stopping": 8,
            },
            "evaluation": {"resamples": 50},
            "test_share": 0.3,
            "workers": 1,
        }
    },
}  # fmt: skip
_POLICY: dict[str, Any] = {
    "fresh_hours": 48,
    "training": {"min_rows": 3_500, "max_rows": 8_000, "lookback_hours": 480},
    "evaluation": {"min_rows": 400},
    "trial": {"mode": "canary", "share": 0.5, "labelled": 200, "tolerance": 0.02},
    "verification": {"hours": 24, "min_rows": 400},
}


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of one round of monitor, alerts and healer.

    Parameters
    ----------
    raised, resolved
        The alerts that began and ended with it.
    healed
        What the healer did.
    """

    checked: Checked
    raised: tuple[Incident, ...]
    resolved: tuple[Incident, ...]
    healed: Round


class Production:
    """A workspace whose clock is set, its model, and the requests that it gets.

    Parameters
    ----------
    home
        An empty folder; settings and policy are written there, so that commands find them, too.
    begin
        The beginning of day 0: midnight, UTC.
    world
        By its name; see `pipewarden simulate worlds`.
    shift_day
        When it changes.
    """

    def __init__(self, home: Path, begin: datetime, world: str, shift_day: float) -> None:
        from pipewarden.healing.simulation.clock import SimulatedClock
        from pipewarden.healing.simulation.fronts import DeskFront
        from pipewarden.healing.simulation.stream import Plan, Stream
        from pipewarden.healing.simulation.worlds import world_of

        self.home, self.begin = home, begin
        policy = {"version": 1, "defaults": _POLICY}
        (home / "config").mkdir(parents=True)
        for name, held in ((SETTINGS_FILE, _SETTINGS), ("config/healing.yaml", policy)):
            (home / name).write_text(yaml.safe_dump(held, sort_keys=False), encoding="utf-8")
        researcher = os.environ.get("PIPEWARDEN_RESEARCHER", "")
        settings = Settings(**_SETTINGS, home=home, researcher=researcher)
        self.clock = SimulatedClock(begin - timedelta(days=1))
        self.workspace = Workspace(settings, self.clock)
        plan = Plan(world=world_of(world), rows_a_day=ROWS_A_DAY, shift_day=shift_day)
        self._front = DeskFront(self.workspace, PLACE)
        self._stream = Stream(plan, self._front, MODEL, begin)

    @property
    def day(self) -> float:
        """Simulated days since the beginning."""
        return (self.clock() - self.begin) / timedelta(days=1)

    def train(self) -> ModelVersion:
        """Train the first version on people of the usual world."""
        from pipewarden.healing.simulation.people import population, table
        from pipewarden.jobs.loading import load_pipeline
        from pipewarden.jobs.options import RunOptions
        from pipewarden.jobs.run import Silent, start
        from pipewarden.store.state.models import versions

        source = self.home / _TABLE
        source.mkdir(parents=True)
        (source / _PEOPLE).write_bytes(table(population(_ROWS, _SEED)))
        pipeline = load_pipeline(MODEL, self.workspace.settings)
        options = RunOptions(pipeline=MODEL, source=str(source), executor="inline")
        report = start(pipeline, options, self.workspace, Silent())
        with self.workspace.database.read() as conn:
            return versions.listed(conn, model=MODEL, run_id=report.run_id)[0]

    def deploy(self, version: int, reason: str) -> str:
        """Deploy a version through its gate, and begin to serve; return what came of it.

        Raises
        ------
        PipewardenError
            It does not serve.
        """
        from pipewarden.jobs.models.context import model_context
        from pipewarden.models import deploying

        context = model_context(self.workspace)
        done = deploying.deploy(context, MODEL, PLACE, str(version), reason=reason)
        if done.outcome.bad:
            raise PipewardenError(
                f"version {version} does not serve: {done.outcome}; {'; '.join(done.problems)}",
                left_behind=f"what was made, in {self.home}",
            )
        self.clock.to(self.begin)
        return str(done.outcome)

    def rounds(self, days: int) -> Iterator[Watched]:
        """Let days pass; yield what monitor, alerts and healer made of each."""
        for _ in range(days * 24 // _HOURS):
            self._stream.days(_HOURS / 24, self.clock.to)
            self.clock.to(self._stream.at + timedelta(minutes=5))  # what was asked has settled
            yield self._watched()

    def close(self) -> None:
        """End what serves."""
        self._front.close()
        self.workspace.database.close()

    def _watched(self) -> Watched:
        from pipewarden.healing.context import healing_context
        from pipewarden.healing.looping import once
        from pipewarden.jobs.monitoring.alerts import alerts_of
        from pipewarden.jobs.monitoring.checking import check
        from pipewarden.monitoring.alerts.watching import take

        checked = check(self.workspace)
        assert checked is not None
        console = io.StringIO()
        with redirect_stderr(console):  # where the channel "console" speaks
            taken = take(alerts_of(self.workspace), checked.check_id)
        with (self.home / ALERTS).open("a", encoding="utf-8") as file:
            file.write(console.getvalue())
        return Watched(
            checked=checked,
            raised=tuple(taken.of(Change.RAISED)),
            resolved=tuple(taken.of(Change.RESOLVED)),
            healed=once(healing_context(self.workspace)),
        )
