"""A world in a bottle: a workspace with a clock that is set, a deployed model, and its requests.

Everything is what it is in production: the desk that answers, the log, the labels, the monitor, the
jobs that train, the gates, the deployments, the ledger. Only time is simulated, and the people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.core.models.deployments import Deployment, DeploymentKind, DeploymentState
from pipewarden.core.monitoring.alerts.incidents import Incident, IncidentState
from pipewarden.healing.context import HealingContext, healing_context
from pipewarden.healing.looping import Round, once
from pipewarden.healing.simulation.clock import BEGIN, SimulatedClock
from pipewarden.healing.simulation.fronts import DeskFront, Front
from pipewarden.healing.simulation.people import population, table
from pipewarden.healing.simulation.stream import Plan, Stream
from pipewarden.healing.simulation.worlds import Conditions, world_of
from pipewarden.jobs.loading import load_pipeline
from pipewarden.jobs.models.context import model_context
from pipewarden.jobs.monitoring.checking import check
from pipewarden.jobs.monitoring.running import alert
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.run import Silent, start
from pipewarden.jobs.workspace import Workspace
from pipewarden.models import deploying
from pipewarden.settings import Settings
from pipewarden.store.state import ledger
from pipewarden.store.state.healing import healings
from pipewarden.store.state.models import deployments, versions
from pipewarden.store.state.monitoring.alerts import incidents
from pipewarden.store.state.verify import verify_ledger

MODEL, PLACE = "credit", "production"
#: Small enough to train in a second or two, and large enough to be let through by the gates.
TRAINING = {
    "search": {"trials": 1, "folds": 2, "rows": 1_500},
    "fit": {"folds": 3, "members": 1, "learning_rate": 0.15, "max_rounds": 60, "early_stopping": 8},
    "evaluation": {"resamples": 50},
    "test_share": 0.2,
    "workers": 1,
}
RAISED = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED)
POLICY: Mapping[str, Any] = {
    "cooldown_hours": 24,
    "training": {"min_rows": 2_000, "max_rows": 6_000, "lookback_hours": 480},
    "evaluation": {"min_rows": 400},
    "verification": {"hours": 24, "min_rows": 400, "tolerance": 0.05},
}


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    whole = dict(one)
    for name, value in other.items():
        both = isinstance(value, Mapping) and isinstance(whole.get(name), Mapping)
        whole[name] = merged(whole[name], value) if both else value
    return whole


def plan_of(world: str, **plan: Any) -> Plan:
    """Return the plan of a world, with what the tests usually want."""
    return Plan(world=world_of(world), **{"rows_a_day": 1_440, "shift_day": 1, **plan})


@dataclass
class Laboratory:
    """One world, its champion, and whoever watches and heals it.

    ``policy`` is laid over that of the tests; ``seen`` is what happened, each with its day.
    """

    home: Path
    plan: Plan
    policy: Mapping[str, Any] = field(default_factory=dict)
    database_url: str = ""
    check_hours: int = 24
    seen: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.clock = SimulatedClock(BEGIN - timedelta(days=1))
        config = self.home / "config"
        config.mkdir(exist_ok=True)
        whole = {"version": 1, "defaults": merged(POLICY, self.policy)}
        (config / "healing.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
        settings = Settings.model_validate(
            {
                "home": self.home,
                "database_url": self.database_url,
                "researcher": "ada",
                "executor": "inline",
                "pipelines": {"credit": TRAINING},
                "monitoring": {"windows": ["1d"], "drift": {"threshold_share": 0.35}},
                "models": {
                    "tracking_uri": "off",
                    "environments": {PLACE: {"healing_cooldown_days": 0}},
                },
            }
        )
        self.workspace = Workspace(settings, self.clock)
        self.front: Front | None = None

    # ── the beginning ────────────────────────────────────────────────────────────────────────────

    def train(self, name: str, rows: int, seed: int, world: Conditions | None = None) -> int:
        """Train a version on people of a world, as anybody would; return its number."""
        source = self.home / "tables" / name
        source.mkdir(parents=True)
        (source / "people.csv").write_bytes(table(population(rows, seed, world or Conditions())))
        pipeline = load_pipeline("credit", self.workspace.settings)
        options = RunOptions(
            pipeline="credit", source=str(source), executor="inline",
            output_dir=str(self.home / "out" / name),
        )  # fmt: skip
        report = start(pipeline, options, self.workspace, Silent())
        with self.workspace.database.read() as conn:
            made = versions.listed(conn, model=MODEL, run_id=report.run_id)
        return made[0].version

    def deploy(self, version: int, reason: str = "the first") -> None:
        """Deploy a version through the gates."""
        done = deploying.deploy(
            model_context(self.workspace), MODEL, PLACE, str(version), reason=reason
        )
        assert not done.outcome.bad, done

    def force(self, version: int) -> None:
        """Let a version serve past every gate, as somebody with access to the database could."""
        at = self.clock()
        wanted = Deployment(
            id=0, model=MODEL, environment=PLACE, version=version, kind=DeploymentKind.DEPLOY,
            state=DeploymentState.AWAITING, actor="eve", reason="no questions", created_at=at,
        )  # fmt: skip
        with self.workspace.database.write() as conn:
            held = deployments.request(conn, wanted)
            deployments.begin(conn, held.id, at=at, ended=DeploymentState.SUPERSEDED)
            deployments.verify(conn, {held.id: {}}, at=at)
        self.note(f"forced: somebody lets version {version} serve past every gate")

    def open(self, front: Front | None = None) -> Stream:
        """Begin to serve, and return the stream of requests."""
        self.clock.to(BEGIN)
        self.front = front or DeskFront(self.workspace, PLACE)
        self.stream = Stream(self.plan, self.front, MODEL, BEGIN)
        return self.stream

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    def days(self, number: float) -> None:
        """Let days pass; who watches looks every ``check_hours``."""
        self.stream.days(number, self.clock.to, self._after)

    def _after(self, hour: int) -> None:
        if hour % self.check_hours == 0:
            self.clock.to(BEGIN + timedelta(hours=hour, minutes=5))  # what was asked is settled
            self.watch()

    def watch(self) -> Round:
        """Check everything once, alert, and heal what the policy lets be healed."""
        _, failures = alert(self.workspace, check(self.workspace))
        assert not failures, failures
        done = once(self.healer())
        for one in done.looked:
            if one.healing is not None and (one.new or one.healing.state is HealingState.DECLINED):
                again = f"again, {one.healing.times} times by now"
                self.note(f"{one.healing.state}: {one.healing.reason if one.new else again}")
        for one in done.advanced:
            for state in one.passed:
                self.note(f"→ {state}")
            self.note(f"{one.healing.state}: {one.waits or one.healing.reason}")
        return done

    @property
    def day(self) -> float:
        """Days since it began to serve."""
        return (self.clock() - BEGIN) / timedelta(days=1)

    def note(self, words: str) -> None:
        """Write down what happens now."""
        self.seen.append((self.day, words))

    def until(self, *states: HealingState, days: float) -> Healing:
        """Let days pass until a healing came into one of these states, or fail."""
        for _ in range(round(days * 24 / self.check_hours)):
            self.days(self.check_hours / 24)
            newest = [*self.healings()[:1], *self.healings(acted=True)[:1]]
            for one in newest:
                if one.state in states:
                    return one
        told = [f"day {day:5.2f}  {words}" for day, words in self.seen]
        raise AssertionError("\n".join(["it never happened:", *told]))

    # ── what is there ────────────────────────────────────────────────────────────────────────────

    def healer(self) -> HealingContext:
        """Return a healer, as a process that begins anew has it."""
        return healing_context(self.workspace)

    def healings(self, *, acted: bool = False) -> list[Healing]:
        with self.workspace.database.read() as conn:
            return healings.history(conn, model=MODEL, acted=acted)

    def serving(self) -> int:
        with self.workspace.database.read() as conn:
            held = deployments.serving(conn, MODEL, PLACE)
        assert held is not None
        return held.version

    def status(self, version: int) -> str:
        with self.workspace.database.read() as conn:
            return str(versions.get(conn, MODEL, version).status)

    def acts(self) -> list[str]:
        with self.workspace.database.read() as conn:
            return [one.action for one in ledger.entries(conn)]

    def sound(self) -> bool:
        with self.workspace.database.read() as conn:
            return not verify_ledger(conn, []).faults

    def alerts(self) -> list[Incident]:
        """Return every alert that was ever raised by the rules of the package, over or not."""
        with self.workspace.database.read() as conn:
            return incidents.page(conn, RAISED, limit=1_000)[0]

    def auc(self, version: int, world: Conditions, rows: int = 4_000) -> float:
        """Return how well a version ranks people of a world that nobody was trained on."""
        context = self.healer()
        held = context.version(MODEL, version)
        document = context.models.document(held)
        learner = context.learner(held)
        assert learner is not None
        people = population(rows, 99_991, world)
        asked = [{"inputs": one.features, "label": int(one.fails)} for one in people]
        return float(learner.contest(document, document, asked, level=0.95)["challenger"])

    def close(self) -> None:
        if self.front is not None:
            self.front.close()
        self.workspace.database.close()


def opened(
    home: Path, world: str, policy: Mapping[str, Any] | None = None, **plan: Any
) -> Laboratory:
    """Return a laboratory whose first version serves, and is about to be asked."""
    made = Laboratory(home, plan_of(world, **plan), policy or {})
    made.deploy(made.train("first", 3_000, 1))
    made.open()
    return made
