"""The report of a healing: gathered from state and ledger, written as a page, old ones removed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipewarden.core.healing.states import Healing
from pipewarden.healing.context import HealingContext
from pipewarden.models.context import in_words
from pipewarden.report.monitoring.healings import HealingFacts
from pipewarden.store.files import durable
from pipewarden.store.state import ledger
from pipewarden.store.state.healing import healings
from pipewarden.store.state.monitoring import observations

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pipewarden.core.monitoring.observations import Observation

log = logging.getLogger(__name__)

_ACT = "healing."
#: How long before a decision, and how much of it, the figure is drawn that asked for it.
_BACK, _POINTS = timedelta(days=14), 200


def page_of(context: HealingContext, healing: Healing) -> Path:
    """Return where the report of a healing stands, or would."""
    return context.workspace.reports_dir / "healing" / f"healing_{healing.id:08}.html"


def write(context: HealingContext, numbers: Iterable[int]) -> list[Path]:
    """Write the reports of some healings anew; nothing where the settings keep none.

    Raises
    ------
    StorageUnavailable
        The disk is full, or the folder cannot be written.
    """
    keep = context.workspace.settings.healing.reports
    wanted = sorted(set(numbers))
    if not keep or not wanted:
        return []
    from pipewarden.report.monitoring.page import healing_page

    folder = context.workspace.reports_dir / "healing"
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number in wanted:
        with context.database.read() as conn:
            facts = _facts(conn, healings.get(conn, number))
        written.append(page_of(context, facts.healing))
        durable.write_file(written[-1], healing_page(facts).encode("utf-8"))
    for old in sorted(folder.glob("healing_*.html"))[:-keep]:
        old.unlink(missing_ok=True)
    return written


def tried(context: HealingContext, numbers: Iterable[int]) -> list[str]:
    """Write reports; return in words what failed, which stops nothing: the state has it all."""
    try:
        write(context, numbers)
    except Exception as error:
        log.exception("reports of healings could not be written")
        return [f"reports: {in_words(error)}"]
    return []


def _facts(conn: Connection, healing: Healing) -> HealingFacts:
    steps = [
        (datetime.fromisoformat(one.ts), one.action.removeprefix(_ACT), one.reason)
        for one in ledger.entries(conn, subject=healing.name)
        if one.action.startswith(_ACT)
    ]
    return HealingFacts(healing=healing, steps=steps, figures=_figures(conn, healing))


def _figures(conn: Connection, healing: Healing) -> list[Observation]:
    """Return the past of the figure that asked for it first; nothing where it was no figure."""
    signals = (healing.decision.get("facts") or {}).get("signals") or ()
    asked = next((one for one in signals if one.get("metric")), None)
    if asked is None:
        return []
    past = observations.history(
        conn,
        healing.model,
        str(asked["metric"]),
        feature=str(asked.get("feature") or ""),
        environment=healing.environment,
        since=healing.opened_at - _BACK,
        limit=_POINTS,
    )
    return [one for one in past if one.window == past[-1].window]
