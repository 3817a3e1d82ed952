"""The rows to train on: the oldest of those that show the world as it is, and older ones beside.

The newest are kept apart. Candidate and champion are compared on them, and what a model was trained
on says nothing about it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from pipewarden.core.healing.states import Action, Healing, HealingState
from pipewarden.core.models.families import LabelledRow
from pipewarden.healing import broken
from pipewarden.healing.context import HealingContext
from pipewarden.healing.steps.step import Move, Wait, document_of, learner_of
from pipewarden.jobs.options import RunOptions
from pipewarden.settings.healing_policy import Policy
from pipewarden.store.files import durable
from pipewarden.store.state import jobs


def begin(context: HealingContext, healing: Healing, policy: Policy) -> Move | Wait:  # noqa: ARG001 - one form for all steps
    """Take the way that was decided on."""
    if healing.action is Action.ROLL_BACK:
        return Move(HealingState.ROLLING_BACK, healing.reason)
    return Move(HealingState.COLLECTING, "the rows to train on are put together")


def step(context: HealingContext, healing: Healing, policy: Policy) -> Move | Wait:
    """Write the table that the candidate is trained on."""
    wanted = policy.training
    since = datetime.fromisoformat(healing.decision["facts"]["since"])
    rows = context.labelled(healing.model, healing.environment, since=since, limit=wanted.max_rows)
    kept = int(len(rows) * (1 - wanted.holdout))
    if len(rows) - kept < 1 or not kept:
        return Wait(f"{len(rows):,} labelled rows since {since:%Y-%m-%d %H:%M} are too few")
    champion = document_of(context, healing, healing.champion)
    table = learner_of(context, healing).training_table(
        champion,
        rows[:kept],
        None if wanted.older == "none" else older_table(context, healing),
        least=wanted.min_rows,
        everything=wanted.older == "all",
    )
    lacking = _lacking(table, policy)
    if lacking:
        return Wait(lacking)
    path = context.folder(healing) / str(table["name"])
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write_file(path, table["data"])
    found = broken.judged(champion, rows[:kept], policy.quality, rows)
    facts = {
        "since": since.isoformat(),
        "table": str(path),
        "rows": table["rows"],
        "added": table["added"],
        "problems": list(found.problems),
        "not_computable": list(found.not_computable),
        "boundary": [rows[kept]["at"].isoformat(), rows[kept]["prediction_id"]],
    }
    words = (
        f"{table['rows']:,} rows to train on, {table['added']:,} of them of the older table; "
        f"{len(rows) - kept:,} newer ones are kept to compare on"
        f"{broken.in_words(found.not_computable)}"
    )
    return Move(HealingState.RETRAINING, words, facts=facts)


def _lacking(table: Any, policy: Policy) -> str:
    wanted, rare = policy.training, table["rare"]
    if table["rows"] < wanted.min_rows:
        return f"{table['rows']:,} rows are too few to train on: {wanted.min_rows:,}"
    if rare is not None and rare < wanted.min_positives:
        return f"{rare:,} rows of the rarer class are too few: {wanted.min_positives:,}"
    return ""


def older_table(context: HealingContext, healing: Healing) -> Path | None:
    """Return the table that the champion was trained on; None where it is gone."""
    version = context.version(healing.model, healing.champion)
    with context.database.read() as conn:
        job = jobs.get(conn, version.run_id)
    if job is None:
        return None
    options = RunOptions.from_dict(job.options)
    source = Path(options.table or options.source)
    path = source / version.item_key if source.is_dir() else source
    return path if path.is_file() else None


def held_back(context: HealingContext, healing: Healing, policy: Policy) -> list[LabelledRow]:
    """Return the labelled rows that were kept apart, and all that came since."""
    at, first = healing.facts["boundary"]
    began = datetime.fromisoformat(at)
    rows = context.labelled(
        healing.model, healing.environment, since=began, limit=policy.training.max_rows
    )
    return [row for row in rows if (row["at"], row["prediction_id"]) >= (began, first)]
