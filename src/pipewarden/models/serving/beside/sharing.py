"""Canaries: a share of the questions goes to the challenger, and its answers to the callers."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipewarden.core.models.challengers import assigned
from pipewarden.core.models.comparisons import Figures
from pipewarden.models.serving import answering
from pipewarden.models.serving.answering import Answer, Served
from pipewarden.models.serving.beside.running import Beside

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shared:
    """Answers, each with the version that made it, and what each of the two took of it.

    Parameters
    ----------
    champion_seconds
        Of processor time.
    """

    answers: list[Answer]
    by: list[Served]
    champion_rows: int
    champion_seconds: float
    challenger_seconds: float


def share(
    champion: Served, held: Beside, rows: Sequence[Mapping[str, Any]], keys: Sequence[str]
) -> Shared:
    """Answer each row by the one of the two that its key is assigned to.

    Where the challenger has no answer, the champion is asked in its place: no request fails for a
    challenger. A row that neither answers is not held against it.

    Parameters
    ----------
    keys
        Of each row: the entity, or the id of the prediction where nobody says the entity.
    """
    one = held.challenger
    mine = [place for place, key in enumerate(keys) if assigned(key, one.id, one.share)]
    began = time.thread_time()
    asked = zip(mine, _asked(held.served, [rows[place] for place in mine]), strict=True)
    own = {place: answer for place, answer in asked if answer is not None}
    took = time.thread_time() - began
    rest = [place for place in range(len(rows)) if place not in own]
    began = time.thread_time()
    others = dict(
        zip(rest, answering.predict(champion, [rows[place] for place in rest]), strict=True)
    )
    champion_took = time.thread_time() - began
    failed = sum(1 for place in mine if place in others and others[place].refusal is None)
    held.count(
        Figures(
            asked=len(mine),
            failed=failed,
            seconds=took,
            champion_rows=len(rest),
            champion_seconds=champion_took,
        )
    )
    return Shared(
        [own[place] if place in own else others[place] for place in range(len(rows))],
        [held.served if place in own else champion for place in range(len(rows))],
        len(rest),
        champion_took,
        took,
    )


def _asked(served: Served, rows: Sequence[Mapping[str, Any]]) -> list[Answer | None]:
    """Return the challenger's answers; None where it has none, whatever it raised."""
    if not rows:
        return []
    try:
        answers = answering.predict(served, rows)
    except Exception:
        log.exception("a canary failed", extra={"model": served.model, "version": served.version})
        return [None] * len(rows)
    return [one if one.refusal is None else None for one in answers]
