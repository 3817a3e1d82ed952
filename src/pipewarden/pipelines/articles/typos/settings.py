"""The settings of typo correction, under ``pipelines.articles.typos``."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class TypoSettings(BaseModel):
    """Every setting of typo correction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_confidence: float = Field(
        default=0.78,
        ge=0.5,
        le=1,
        description="Least probability, between 0.5 and 1, that a correction is right; a word "
        "whose best correction is less sure stays as it is.",
    )
    min_word_length: int = Field(
        default=3, ge=2, description="Fewest letters of a word that may be corrected."
    )
    max_edit_distance: int = Field(
        default=3,
        ge=1,
        le=3,
        description="Most letters inserted, dropped, replaced or swapped with their neighbour "
        "between a word and its correction; short words allow fewer.",
    )
    dictionary: tuple[str, ...] = Field(
        default=(),
        description="Words of your own that are right as they are, in any capitalisation.",
    )
    dictionary_file: Path | None = Field(
        default=None,
        description="A UTF-8 text file of such words, one a line; a line after # is a note.",
    )
