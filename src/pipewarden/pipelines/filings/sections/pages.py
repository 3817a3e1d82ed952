# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""Which page of the printed filing a line stands on."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from pipewarden.pipelines.filings.reading.lines import Line

_LAST = re.compile(r"(?:^|[\s|–—-])(\d{1,3})[\s|\])–—-]*$")
_FIRST = re.compile(r"^[\s|\[(–—-]*(\d{1,3})(?:[\s|\])–—-]|$)")
_LONGEST = 120
_FEWEST = 4


class Pages:
    """The page numbers that a document prints, in order.

    Page numbers are recognised as the longest run of short lines whose numbers count up by one; the
    cells of tables do not do that for long.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        length: dict[int, tuple[int, int]] = {}
        seen: list[tuple[int, int, int]] = []
        for at, line in enumerate(lines):
            number = _number(line.text)
            if number is None:
                continue
            before = length.get(number - 1, (0, -1))
            if before[0] + 1 > length.get(number, (0, -1))[0]:
                length[number] = (before[0] + 1, len(seen))
                seen.append((at, number, before[1]))
        best = max(length.values(), default=(0, -1))
        chain: list[tuple[int, int]] = []
        place = best[1] if best[0] >= _FEWEST else -1
        while place >= 0:
            at, number, place = seen[place]
            chain.append((at, number))
        self._marks = chain[::-1]

    def of(self, line: int) -> int | None:
        """Return the page of a line when numbers stand at the foot, or None when there are none."""
        if not self._marks:
            return None
        place = bisect_left(self._marks, (line, 0))
        if place < len(self._marks):
            return self._marks[place][1]
        return self._marks[-1][1] + 1


def _number(text: str) -> int | None:
    if len(text) > _LONGEST:
        return None
    found = _LAST.search(text) or _FIRST.match(text)
    return int(found.group(1)) if found else None
