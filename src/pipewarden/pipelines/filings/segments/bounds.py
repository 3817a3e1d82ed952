"""Segments within bounds: long ones split between sentences and linked, short ones joined."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipewarden.pipelines.filings.segments.factors import Draft
from pipewarden.pipelines.filings.segments.sentences import clauses, sentences

#: How many more parts than the fewest are tried before parts are simply filled up.
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Bounds:
    """How short and how long a segment's text may be, in characters and words."""

    min_chars: int = 50
    min_words: int = 20
    max_chars: int = 2_000
    max_words: int = 380

    def too_short(self, text: str) -> bool:
        """Return whether ``text`` is under a minimum."""
        return len(text) < self.min_chars or len(text.split()) < self.min_words

    def too_long(self, text: str) -> bool:
        """Return whether ``text`` is over a maximum."""
        return len(text) > self.max_chars or len(text.split()) > self.max_words


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment before it is numbered; ``part`` counts the pieces of one draft from 0."""

    kind: str
    heading: str | None
    category: str | None
    text: str
    part: int = 0


def within(drafts: Iterable[Draft], bounds: Bounds) -> list[Piece]:
    """Return the drafts as pieces within ``bounds``, in order; no text is lost or added."""
    whole = _merged([_whole(draft) for draft in drafts], bounds)
    pieces: list[Piece] = []
    for piece in whole:
        texts = split(piece.text, bounds) if bounds.too_long(piece.text) else [piece.text]
        for part, text in enumerate(texts):
            heading = piece.heading if part == 0 else None
            pieces.append(replace(piece, heading=heading, text=text, part=part))
    return pieces


def _whole(draft: Draft) -> Piece:
    return Piece(draft.kind, draft.heading, draft.category, "\n".join(draft.texts))


def _merged(pieces: Sequence[Piece], bounds: Bounds) -> list[Piece]:
    """Put text that is too short for a segment to its neighbour, its heading included.

    An introduction goes to the factor that it introduces, if there is one; all else goes to what
    stands before it.
    """
    kept: list[tuple[Piece, list[str]]] = []
    carried: list[str] = []
    for at, piece in enumerate(pieces):
        lines = [*carried, piece.text] if piece.text else carried
        if not bounds.too_short("\n".join(lines)):
            kept.append((piece, lines))
            carried = []
            continue
        own = [line for line in (piece.heading, piece.text) if line]
        forward = piece.kind != "factor" and at + 1 < len(pieces)
        if kept and not forward and not carried:
            kept[-1][1].extend(own)
        else:
            carried = [*carried, *own]
    if carried and kept:
        kept[-1][1].extend(carried)
    elif carried:
        kept.append((replace(pieces[0], kind="introduction", heading=None), carried))
    return [replace(piece, text="\n".join(lines)) for piece, lines in kept]


def split(text: str, bounds: Bounds) -> list[str]:
    """Return ``text`` in as few and as even parts as the bounds allow, cut between sentences."""
    units = _units(text, bounds)
    words = [len(unit.split()) for unit, _ in units]
    chars = [len(unit) + 1 for unit, _ in units]
    count = max(
        math.ceil(sum(words) / bounds.max_words), math.ceil(sum(chars) / bounds.max_chars), 1
    )
    for tried in range(count, count + _TRIES):
        parts = _packed(units, tried, sum(chars))
        if not any(bounds.too_long(part) for part in parts):
            return _without_stubs(parts, bounds)
    return _without_stubs(_filled(units, bounds), bounds)


def _units(text: str, bounds: Bounds) -> list[tuple[str, str]]:
    """Return sentences, each with what joins it to the one before: a space or a line end."""
    units: list[tuple[str, str]] = []
    for line in text.split("\n"):
        joint = "\n"
        for sentence in sentences(line):
            if bounds.too_long(sentence):
                cut = clauses(sentence, bounds.max_words // 2, bounds.max_chars // 2)
            else:
                cut = [sentence]
            for piece in cut:
                units.append((piece, joint))
                joint = " "
    return units


def _packed(units: Sequence[tuple[str, str]], count: int, total: int) -> list[str]:
    """Fill ``count`` parts evenly."""
    parts: list[str] = []
    done, target = 0, total / count
    for unit, joint in units:
        size = len(unit) + 1
        full = parts and done + size / 2 > target * len(parts) and len(parts) < count
        if not parts or full:
            parts.append(unit)
        else:
            parts[-1] += joint + unit
        done += size
    return parts


def _filled(units: Sequence[tuple[str, str]], bounds: Bounds) -> list[str]:
    """Fill each part up to the bounds."""
    parts: list[str] = []
    for unit, joint in units:
        if parts and not bounds.too_long(f"{parts[-1]}{joint}{unit}"):
            parts[-1] += joint + unit
        else:
            parts.append(unit)
    return parts


def _without_stubs(parts: list[str], bounds: Bounds) -> list[str]:
    """Put a part under the minimum to the one before it, where that stays within bounds."""
    kept: list[str] = []
    for part in parts:
        both = f"{kept[-1]}\n{part}" if kept else part
        short = kept and (bounds.too_short(part) or bounds.too_short(kept[-1]))
        if short and (bounds.too_short(part) or not bounds.too_long(both)):
            kept[-1] = both
        else:
            kept.append(part)
    return kept
