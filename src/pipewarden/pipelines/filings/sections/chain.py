"""The Items of a document in order: the heaviest increasing chain of its headings."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence

from pipewarden.pipelines.filings.reading.document import Document
from pipewarden.pipelines.filings.sections.catalogue import Catalogue
from pipewarden.pipelines.filings.sections.headings import Heading

_UNTITLED = 0.35
_MOST = 4_000


def heaviest_chain(
    document: Document, headings: Sequence[Heading], catalogue: Catalogue
) -> list[Heading]:
    """Return the headings that best explain the document as Items in the form's order.

    A heading weighs more the better its title and the more text follows it; mentions and rows of
    contents thereby lose against the headings in the body.
    """
    candidates = _without_repeats(headings)[-_MOST:]
    if not candidates:
        return []
    starts = [document.lines[h.first].start for h in candidates] + [len(document.source)]
    # best[order] would be quadratic to scan; keep only chains that no shorter one outweighs.
    frontier: list[tuple[int, float, int]] = []
    back: list[int] = []
    for at, heading in enumerate(candidates):
        order = max(catalogue.order[key] for key in (heading.key, *heading.also))
        low = catalogue.order[heading.key]
        weight = _weight(heading, starts[at + 1] - document.lines[heading.last].end)
        place = bisect_left(frontier, (low,)) - 1
        previous = frontier[place] if place >= 0 else None
        total = weight + (previous[1] if previous else 0.0)
        back.append(previous[2] if previous else -1)
        _admit(frontier, (order, total, at))
    at = frontier[-1][2]
    chain: list[Heading] = []
    while at >= 0:
        chain.append(candidates[at])
        at = back[at]
    return chain[::-1]


def _without_repeats(headings: Sequence[Heading]) -> list[Heading]:
    """Keep the first of headings that repeat on every page of their Item."""
    kept: list[Heading] = []
    for heading in headings:
        if not (kept and kept[-1].titled and kept[-1].key == heading.key and not heading.also):
            kept.append(heading)
    return kept


def _admit(frontier: list[tuple[int, float, int]], entry: tuple[int, float, int]) -> None:
    order, total, _ = entry
    place = bisect_left(frontier, (order + 1,)) - 1
    if place >= 0 and frontier[place][1] >= total:
        return
    insort(frontier, entry)
    place = frontier.index(entry)
    if place and frontier[place - 1][0] == order:
        del frontier[place - 1]
        place -= 1
    while place + 1 < len(frontier) and frontier[place + 1][1] <= total:
        del frontier[place + 1]


def _weight(heading: Heading, room: int) -> float:
    weight = 1.0 if heading.titled else _UNTITLED
    if heading.bare:
        weight *= 0.7
    return weight * (1.0 + 0.12 * math.log2(1 + max(0, room) / 200))
