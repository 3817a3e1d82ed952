"""The report of a check: its facts gathered, its page and its JSON written, old ones removed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from pipewarden.jobs.monitoring.checking import Checked
from pipewarden.jobs.workspace import Workspace
from pipewarden.report.monitoring.facts import CheckFacts, as_document, key_of
from pipewarden.store.files import durable
from pipewarden.store.state.monitoring import observations

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BACK, _POINTS = timedelta(days=30), 120


def facts_of(conn: Connection, checked: Checked) -> CheckFacts:
    """Return the facts of a check, each figure with its past."""
    since = checked.at - _BACK
    return CheckFacts(
        check_id=checked.check_id,
        at=checked.at,
        standing=checked.standing,
        past={
            key_of(one): observations.values(conn, one, since=since, limit=_POINTS)
            for one in checked.standing
        },
        failures=checked.failures,
    )


def write(workspace: Workspace, checked: Checked) -> Path | None:
    """Write page and JSON of a check; return the page, or None where no reports are kept.

    Raises
    ------
    StorageUnavailable
        The disk is full, or the folder cannot be written.
    """
    keep = workspace.settings.monitoring.reports
    if not keep:
        return None
    from pipewarden.report.monitoring.page import check_page

    with workspace.database.read() as conn:
        facts = facts_of(conn, checked)
    folder = workspace.reports_dir / "monitoring"
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{checked.check_id}.html"
    data = orjson.dumps(as_document(facts), option=orjson.OPT_INDENT_2, default=str)
    durable.write_file(page.with_suffix(".json"), data)
    durable.write_file(page, check_page(facts).encode("utf-8"))
    for old in sorted(folder.glob("check_*.html"))[:-keep]:
        old.unlink(missing_ok=True)
        old.with_suffix(".json").unlink(missing_ok=True)
    return page
