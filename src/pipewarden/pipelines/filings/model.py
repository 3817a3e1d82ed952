"""The document that the ``filings`` pipeline makes of one filing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Raised whenever a field changes its meaning, appears or goes.
SCHEMA_VERSION = "1.0"
SCHEMA_FILE = Path(__file__).with_name("schema.json")

Source = Literal["sgml_header", "ixbrl", "cover_page", "metadata_file", "file_name"]
OutcomeName = Literal[
    "found",
    "partial_update",
    "no_material_changes",
    "not_applicable",
    "by_reference",
    "not_present",
    "ambiguous",
]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Metadata(_Value):
    """Who filed what, for when."""

    cik: str | None = Field(None, description="Central Index Key, without leading zeros.")
    company_name: str | None = Field(
        None, description="The registrant's name as the source has it."
    )
    sic_code: str | None = Field(None, description="Standard Industrial Classification, 4 digits.")
    sic_name: str | None = Field(None, description="The name of the SIC code.")
    form_type: str | None = Field(None, description="Such as 10-K, 10-K405, 10-KSB, 10-Q/A.")
    period_of_report: str | None = Field(None, description="Last day of the period, YYYY-MM-DD.")
    fiscal_year: int | None = Field(None, description="The fiscal year reported on.")
    accession_number: str | None = Field(None, description="EDGAR's number, 0000000000-00-000000.")
    is_amendment: bool = Field(False, description="Whether it amends an earlier filing.")
    provenance: dict[str, Source] = Field(
        default_factory=dict, description="Where each known value comes from."
    )


class DocumentFacts(_Value):
    """The size of the filing, for the checks."""

    n_bytes: int = Field(description="Bytes of the whole file, decompressed.")
    n_chars: int = Field(description="Characters of its text, white space normalised.")


class Boundary(_Value):
    """How the section was found, and how sure its ends are."""

    found_by: str | None = Field(
        description="item_heading, combined_heading or title; null when nothing was found."
    )
    start_certain: bool = Field(description="Whether the start is known and not supposed.")
    end_certain: bool = Field(description="Whether the end is known and not supposed.")
    evidence: str = Field(description="What speaks for the outcome.")


class Section(_Value):
    """The text of the Item, without its heading and without page furniture."""

    item: str = Field(description="The Item's number, such as 1A or II-1A.")
    heading: str = Field(description="The heading as it stands in the document.")
    text: str = Field(description="Its paragraphs, one a line.")
    n_chars: int = Field(description="Characters of the text.")


class Segment(_Value):
    """A risk factor, a part of a long one, or text around them.

    The section's text is, in order: each category when it changes, each heading, each text.
    """

    index: int = Field(description="Its place, from 0.")
    kind: Literal["factor", "introduction", "summary"] = Field(
        description="introduction and summary are text around the factors and have no heading."
    )
    heading: str | None = Field(description="The factor's heading; null on its later parts.")
    category: str | None = Field(description="The heading of the group of factors it stands in.")
    text: str = Field(description="Its text, paragraphs one a line, without the heading.")
    n_chars: int = Field(description="Characters of the text.")
    n_words: int = Field(description="Words of the text.")
    part_of: int | None = Field(
        description="The index of the first part, on the later parts of what was split."
    )


class Filing(_Value):
    """One filing: what it is, what was found in it, and its risk factors."""

    schema_version: str = Field(SCHEMA_VERSION, description="The version of this schema.")
    metadata: Metadata
    document: DocumentFacts
    outcome: OutcomeName = Field(description="What became of the search for the Item.")
    boundary: Boundary
    section: Section | None = Field(description="Only where the outcome says that there is text.")
    segments: tuple[Segment, ...] = Field(description="The section cut up; empty without one.")

    @property
    def n_factors(self) -> int:
        """Distinct risk factors, before long ones were split."""
        return sum(s.kind == "factor" and s.part_of is None for s in self.segments)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a result; the engine adds ``source`` and ``verdict`` to it."""
    schema = Filing.model_json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema


def schema_text() -> str:
    """Return the text of the schema file."""
    return json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
