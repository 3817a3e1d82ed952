"""Identity completeness: is it known who filed what, and is it the only copy?"""

from __future__ import annotations

import hashlib

from pipewarden.pipelines.filings.model import Filing


def company_name_present(filing: Filing) -> bool:
    """Return whether the registrant's name is known."""
    return bool(filing.metadata.company_name)


def form_type_present(filing: Filing) -> bool:
    """Return whether the form type is known."""
    return bool(filing.metadata.form_type)


def cik_present(filing: Filing) -> bool:
    """Return whether the Central Index Key is known."""
    return bool(filing.metadata.cik)


def sic_present(filing: Filing) -> bool:
    """Return whether the industry code is known."""
    return bool(filing.metadata.sic_code)


def filing_identity(filing: Filing) -> str | None:
    """Return what two copies of one filing have in common.

    The accession number where it is known, else a hash over company, form, period and text; None
    when not even the company is known.
    """
    known = filing.metadata
    if known.accession_number:
        return f"accession:{known.accession_number}"
    if not known.company_name:
        return None
    text = filing.section.text if filing.section else f"{filing.outcome}:{filing.document.n_chars}"
    parts = (
        "".join(c for c in known.company_name.lower() if c.isalnum()),
        known.form_type or "",
        known.period_of_report or "",
        " ".join(text.split()),
    )
    return "content:" + hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
