"""The settings of the ``filings`` pipeline, under ``pipelines.filings``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

import pipewarden as pw

_MEGABYTE = 1 << 20


class FilingsSettings(BaseModel):
    """Every setting of the ``filings`` pipeline."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str = Field("1A", description="The Item to extract, such as 1A, 7 or, in 10-Q, I-2.")
    metadata: Path | None = Field(
        None,
        description="A CSV file that supplies metadata by file name: columns `file`, and any of "
        "`company`, `cik`, `form`, `fiscal_year`, `period_end`, `accession`, `sic`.",
    )
    file_name: str | None = Field(
        None,
        description="A regular expression searched in each file's path, whose named groups (`cik`, "
        "`company`, `form`, `fiscal_year`, `accession`, `sic`, …) supply metadata.",
    )
    min_segment_chars: int = Field(50, ge=1, description="Fewest characters of a segment's text.")
    min_segment_words: int = Field(20, ge=1, description="Fewest words of a segment's text.")
    max_segment_chars: int = Field(
        2_000, ge=200, description="Most characters of a segment's text; longer ones are split."
    )
    max_segment_words: int = Field(
        380, ge=40, description="Most words of a segment's text; longer ones are split."
    )
    max_bytes: int = Field(
        256 * _MEGABYTE, ge=1, description="Most decompressed bytes of a file that are read."
    )
    max_tags: int = Field(5_000_000, ge=1, description="Most tags of a document that are read.")

    @field_validator("item")
    @classmethod
    def _known_item(cls, item: str) -> str:
        from pipewarden.pipelines.filings.sections.catalogue import ANNUAL
        from pipewarden.pipelines.filings.sections.locate import wanted_item

        wanted_item(item, ANNUAL)
        return item.strip().upper()

    @model_validator(mode="after")
    def _bounds_hold(self) -> FilingsSettings:
        if 2 * self.min_segment_words > self.max_segment_words:
            raise ValueError("max_segment_words must be at least twice min_segment_words")
        if 2 * self.min_segment_chars > self.max_segment_chars:
            raise ValueError("max_segment_chars must be at least twice min_segment_chars")
        return self

    def output_settings(self) -> dict[str, Any]:
        """Return the settings that change every output; a metadata file changes single ones."""
        plain = self.model_dump(mode="json", exclude={"metadata"})
        return {**plain, "metadata": self.metadata is not None}

    def companion(self) -> Callable[[Path], str] | None:
        """Return what tells a filing's row of the metadata file, if there is such a file.

        Raises
        ------
        InvalidSettings
            The file does not read.
        """
        from pipewarden.pipelines.filings.metadata.supplied import csv_digest, csv_row

        if self.metadata is None:
            return None
        return functools.partial(csv_row, table=self.metadata, digest=csv_digest(self.metadata))


def filings_settings(given: Mapping[str, Any] | None = None) -> FilingsSettings:
    """Return validated settings.

    Raises
    ------
    InvalidSettings
        A name is unknown or a value does not hold.
    """
    try:
        return FilingsSettings(**(given or {}))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, row['loc'])) or 'settings'}: {row['msg']}"
            for row in error.errors(include_input=False, include_url=False)
        )
        raise pw.InvalidSettings(
            f"the filings settings do not hold: {problems}", next_step="pipewarden config show"
        ) from None
