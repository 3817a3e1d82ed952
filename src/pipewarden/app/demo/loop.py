"""The closed loop before your eyes: a world changes, and the model that serves in it is healed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

from pipewarden.app.cli.output.terminal import say
from pipewarden.app.demo import telling
from pipewarden.app.demo.production import MODEL, PLACE, Production
from pipewarden.app.demo.telling import Happening, Measured
from pipewarden.core.chain import LedgerEntry
from pipewarden.jobs.monitoring import reporting
from pipewarden.store.state import ledger

DAYS, SHIFT_DAY, WORLD = 9, 2, "sudden"
#: What commands that follow are told as the present must not lie before the last simulated time.
_SETTLED = timedelta(minutes=10)
_NEEDED = {
    "credit": ("lightgbm", "numpy", "optuna", "pyarrow"),
    "monitoring": ("numpy", "pyarrow", "scipy"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the loop left.

    Parameters
    ----------
    prediction
        The last one that got a label.
    version
        The version that serves.
    report
        The page of the last check.
    """

    prediction: str
    version: int
    report: Path


def lacking() -> list[str]:
    """Return the extras that the loop needs and that are not installed."""
    return [
        extra
        for extra, modules in _NEEDED.items()
        if any(find_spec(module) is None for module in modules)
    ]


def show(home: Path) -> Shown:
    """Let nine simulated days pass in an empty folder, and tell what happens as it happens."""
    now = datetime.now(UTC) - _SETTLED
    begin = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    production = Production(home, begin, WORLD, SHIFT_DAY)
    try:
        say()
        _first(production)
        return _days(production)
    finally:
        production.close()


def _first(production: Production) -> None:
    """Train and deploy what serves at first."""
    made = production.train()
    came = production.deploy(made.version, "the first version")
    words = (
        f"version {made.version} ranks {made.metrics['rows']:,.0f} borrowers that it never saw "
        f"with an AUC of {made.metrics['auc']:.3f}; the training gate says {made.verdict}"
    )
    _tell(
        [
            Happening(0, "training", words),
            Happening(0, "gate", f"lets version {made.version} serve in {PLACE}: {came}", "good"),
        ]
    )


def _days(production: Production) -> Shown:
    days: list[Measured] = []
    before, checked = _newest(production), None
    for watched in production.rounds(DAYS):
        day = production.day // 1
        if day == SHIFT_DAY + 1:
            words = (
                "changes, and nobody is told: incomes rise by half, people are older, and other "
                "things than before make them fail"
            )
            _tell([Happening(SHIFT_DAY, "world", words)])
        now = telling.measured(day, watched.checked.observations)
        if now is not None:
            if not days or (now.status, now.version) != (days[-1].status, days[-1].version):
                _tell(telling.seen(day, watched.checked.observations))
            days.append(now)
        _tell(telling.alerted(day, watched.raised, watched.resolved))
        _tell(telling.done(day, _entries(production, before)))
        _tell(telling.waits(day, watched.healed.advanced))
        before = _newest(production)
        checked = watched.checked
    assert checked is not None
    report = reporting.write(production.workspace, checked)
    assert report is not None
    say()
    say("How well the answers rank people, day by day (AUC, from 0.5, a coin, to 1):", tone="head")
    for line in telling.bars(days):
        say(line)
    return Shown(_prediction(production), days[-1].version, report)


def _entries(production: Production, after: int) -> list[LedgerEntry]:
    with production.workspace.database.read() as conn:
        return list(ledger.entries(conn, after=after))


def _tell(happenings: Iterable[Happening]) -> None:
    for one in happenings:
        for line in telling.lines(one):
            say(line, tone=one.tone)


def _newest(production: Production) -> int:
    """Return the number of the ledger's last entry."""
    with production.workspace.database.read() as conn:
        return ledger.head(conn).count


def _prediction(production: Production) -> str:
    """Return the last prediction that got a label."""
    from pipewarden.healing.context import healing_context

    since = production.clock() - timedelta(days=1)
    context = healing_context(production.workspace)
    return str(context.labelled(MODEL, PLACE, since=since, limit=1)[0]["prediction_id"])
