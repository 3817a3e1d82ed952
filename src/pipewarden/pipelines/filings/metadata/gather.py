"""All sources of metadata put together: a document's own facts win over supplied ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipewarden.pipelines.filings.metadata.cover import cover_facts
from pipewarden.pipelines.filings.metadata.declared import header_facts, ixbrl_facts
from pipewarden.pipelines.filings.metadata.facts import fiscal_year_of, form_in
from pipewarden.pipelines.filings.metadata.sic import sic_name
from pipewarden.pipelines.filings.metadata.supplied import csv_facts, name_facts
from pipewarden.pipelines.filings.reading.document import Document


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a filing, and from where.

    Parameters
    ----------
    values
        Field → value; fields that nobody knows are missing.
    provenance
        Field → ``sgml_header``, ``ixbrl``, ``cover_page``, ``metadata_file`` or ``file_name``.
    is_amendment
        Whether it amends an earlier filing.
    """

    values: Mapping[str, str | int]
    provenance: Mapping[str, str]
    is_amendment: bool


@dataclass(slots=True)
class _Gathered:
    values: dict[str, str | int] = field(default_factory=dict)
    provenance: dict[str, str] = field(default_factory=dict)

    def add(self, facts: Mapping[str, str | int], source: str) -> None:
        for name, value in facts.items():
            if name not in self.values:
                self.values[name] = value
                self.provenance[name] = source


def gather(
    document: Document, path: Path, table: Path | None, rule: re.Pattern[str] | None
) -> Facts:
    """Return the metadata of a filing from all sources.

    Parameters
    ----------
    document, path
        The filing, and where it lies.
    table
        The user's metadata CSV, if any.
    rule
        The user's rule over file and folder names, if any.

    Raises
    ------
    InvalidSettings
        The metadata file does not read.
    """
    gathered = _Gathered()
    gathered.add(header_facts(document.header), "sgml_header")
    if document.header and (form := form_in(document.document_type)):
        gathered.add({"form_type": form}, "sgml_header")
    declared, flag = ixbrl_facts(document.raw)
    gathered.add(declared, "ixbrl")
    on_cover, amended = cover_facts(document.lines)
    gathered.add(on_cover, "cover_page")
    if table is not None:
        gathered.add(csv_facts(table, path), "metadata_file")
    if rule is not None:
        gathered.add(name_facts(rule, path), "file_name")
    _derive(gathered)
    is_amendment = bool(flag) if flag is not None else amended
    if str(gathered.values.get("form_type", "")).endswith("/A"):
        is_amendment = True
    return Facts(gathered.values, gathered.provenance, is_amendment)


def _derive(gathered: _Gathered) -> None:
    """Fill in what follows from what is known; it keeps the provenance of its origin."""
    values, provenance = gathered.values, gathered.provenance
    period = values.get("period_of_report")
    supplied = provenance.get("fiscal_year") in ("metadata_file", "file_name")
    own = provenance.get("period_of_report") not in ("metadata_file", "file_name")
    if isinstance(period, str) and ("fiscal_year" not in values or (supplied and own)):
        values["fiscal_year"] = fiscal_year_of(period)
        provenance["fiscal_year"] = provenance["period_of_report"]
    code = values.get("sic_code")
    if isinstance(code, str) and "sic_name" not in values and (name := sic_name(code)):
        values["sic_name"] = name
        provenance["sic_name"] = provenance["sic_code"]
