# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""Metadata as a person reads it: from the cover page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipewarden.pipelines.filings.metadata.facts import date_in, form_in, normalised
from pipewarden.pipelines.filings.reading.lines import Line

_COVER_LINES, _LINE = 140, 400
_FORM = re.compile(r"\bform\s*10\s*[-–—‑]?\s*[KQ]", re.IGNORECASE)
_PERIOD = re.compile(
    r"(?:fiscal|calendar|transition|quarterly|annual)?\s*(?:years?|periods?|quarters?|months)\s+(?:ended|ending|end)\b[:\s]*",
    re.IGNORECASE,
)
_TRANSITION = re.compile(r"transition\s+period\s+from\b.{0,60}?\bto\b", re.IGNORECASE | re.DOTALL)
_EXACT_NAME = re.compile(
    r"exact\s+name\s+of\s+(?:the\s+)?(?:registrant|small|issuer|company)|name\s+of\s+(?:small\s+business\s+)?(?:issuer|registrant)\s+(?:as|in)",
    re.IGNORECASE,
)
#: The name after its label: "Exact name of registrant as specified in its charter: NAME".
_BEHIND = re.compile(r"[^:]{0,60}charter[^:]{0,20}:\s*(\S.{2,100})")
_NOT_A_NAME = re.compile(
    r"commission|file\s+(?:number|no)|form\s+10|washington|securities|mark\s+one|transition|fiscal|ended|\bor\b$"
    r"|pursuant|^\W*$|^\W*\d[\d\s-]*$|annual\s+report|quarterly|amendment\s+no|exchange\s+act|^\W*or\W*$|^_+|^\(?no\."
    r"|^\(?an?\s[\w\s]{3,30}\b(?:partnership|corporation|company|trust)\W*$",
    re.IGNORECASE,
)
_AMENDMENT = re.compile(r"\bamendment\s+no\.?\s*\d|\bform\s+10-?[KQ]\w*\s*/\s*A\b", re.IGNORECASE)
_CIK = re.compile(r"central\s+index\s+key\D{0,20}(\d{4,10})", re.IGNORECASE)
_PERIOD_REACH = 90


def cover_facts(lines: Sequence[Line]) -> tuple[dict[str, str | int], bool]:
    """Return what the cover page says, and whether it calls the filing an amendment."""
    cover = lines[:_COVER_LINES]
    text = "\n".join(line.text[:_LINE] for line in cover)
    head = text[:6_000]
    raw: dict[str, object] = {}
    if form := _FORM.search(head):
        raw["form_type"] = form_in(head[form.start() :])
    raw["period_of_report"] = _period(text)
    raw["company_name"] = _company(cover)
    if cik := _CIK.search(text):
        raw["cik"] = cik.group(1)
    found = normalised(raw)
    amended = bool(_AMENDMENT.search(head[:3_000])) or str(found.get("form_type")).endswith("/A")
    return found, amended


def _period(text: str) -> str | None:
    for found in _PERIOD.finditer(text):
        date = date_in(text[found.end() : found.end() + _PERIOD_REACH])
        if date:
            return date
    found_to = _TRANSITION.search(text)
    return date_in(text[found_to.end() : found_to.end() + _PERIOD_REACH]) if found_to else None


def _company(cover: Sequence[Line]) -> str | None:
    """Return the line above "(Exact name of registrant …)", or the part of that line before it."""
    for at, line in enumerate(cover):
        label = _EXACT_NAME.search(line.text[:_LINE])
        if label is None:
            continue
        before = line.text[: label.start()].strip(" (_-–—")
        if any(c.isalpha() for c in before) and not _NOT_A_NAME.search(before):
            return before
        behind = _BEHIND.match(line.text[label.end() : _LINE])
        if behind and not _NOT_A_NAME.search(behind.group(1)):
            return behind.group(1).strip()
        for above in reversed(cover[max(0, at - 6) : at]):
            name = above.text.strip(' _-–—*"')
            if any(c.isalpha() for c in name) and not _NOT_A_NAME.search(name):
                return name
        return None
    return None
