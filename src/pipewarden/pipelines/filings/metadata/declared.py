"""Metadata that the filer declares to machines: the SGML header and inline-XBRL facts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipewarden.pipelines.filings.metadata.facts import normalised
from pipewarden.pipelines.filings.reading.lines import plain

_HEADER = {
    "cik": "CENTRAL INDEX KEY",
    "company_name": "COMPANY CONFORMED NAME",
    "form_type": "CONFORMED SUBMISSION TYPE",
    "period_of_report": "CONFORMED PERIOD OF REPORT",
    "accession_number": "ACCESSION NUMBER",
}
_SIC = re.compile(r"(.*?)\s*\[(\d{3,4})\]")
_DEI = {
    "cik": "EntityCentralIndexKey",
    "company_name": "EntityRegistrantName",
    "form_type": "DocumentType",
    "period_of_report": "DocumentPeriodEndDate",
    "fiscal_year": "DocumentFiscalYearFocus",
}
_FACT = re.compile(r"<ix:non[a-z]+\b([^>]*?\bname=[\"']dei:(\w+)[\"'][^>]*)>", re.IGNORECASE)
_END = re.compile(r"</ix:non[a-z]+", re.IGNORECASE)
_FACT_LENGTH = 4_000
#: Cover facts stand before this many characters of the document, hidden header included.
_COVER = 3_000_000


def header_facts(header: Mapping[str, str]) -> dict[str, str | int]:
    """Return what the SGML header of a full submission says."""
    raw: dict[str, object] = {name: header.get(label) for name, label in _HEADER.items()}
    raw["form_type"] = raw["form_type"] or header.get("FORM TYPE")
    sic = _SIC.fullmatch(header.get("STANDARD INDUSTRIAL CLASSIFICATION", ""))
    if sic:
        raw["sic_name"], raw["sic_code"] = sic.groups()
    return normalised(raw)


def ixbrl_facts(source: str) -> tuple[dict[str, str | int], bool | None]:
    """Return the ``dei:`` facts of an inline-XBRL document, and its amendment flag."""
    if "dei:" not in source:
        return {}, None
    wanted = {tag: name for name, tag in _DEI.items()}
    raw: dict[str, object] = {}
    amended: bool | None = None
    at = source.find("dei:")
    while 0 <= at < _COVER:
        start = source.rfind("<", max(0, at - _FACT_LENGTH), at)
        fact = _FACT.match(source, start) if start >= 0 else None
        if fact is not None:
            tag = fact.group(2)
            name = wanted.get(tag)
            if name is not None and name not in raw:
                raw[name] = _text(source, fact.end())
            elif tag == "AmendmentFlag" and amended is None:
                amended = "true" in _text(source, fact.end()).lower() or "fixed-true" in fact.group(
                    1
                )
        at = source.find("dei:", at + 4)
    return normalised(raw), amended


def _text(source: str, start: int) -> str:
    """Return the text of a fact; nested facts and styling within it are skipped."""
    end = _END.search(source, start, start + _FACT_LENGTH)
    return plain(source[start : end.start()]) if end else ""
