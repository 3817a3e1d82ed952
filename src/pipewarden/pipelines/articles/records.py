"""The records of the ``articles`` pipeline: what comes in, and what goes out."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

import pipewarden as pw

#: Raised whenever a field of the output changes its meaning, appears or goes.
SCHEMA_VERSION = "1.0"
SCHEMA_FILE = Path(__file__).with_name("schema.json")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LOG = logging.getLogger(__name__)


def _name(value: Any) -> Any:
    """Take a whole number for a name, and nothing for no name."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _listed(value: Any) -> Any:
    """Take one text for a list of one, and nothing for an empty list."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _joined(value: Any) -> Any:
    """Take several authors as one line."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or None
    return value


def _date(value: Any) -> Any:
    """Take a number (YYYYMMDD, or seconds since 1970) as its digits."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(int(value)) if number and math.isfinite(value) else value


_Text = str | None
_Id = Annotated[str, BeforeValidator(_name)]
_Date = Annotated[str | None, BeforeValidator(_date)]
_List = Annotated[tuple[str, ...], BeforeValidator(_listed)]
_Author = Annotated[str | None, BeforeValidator(_joined)]
_Facts = Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)]


class Article(BaseModel):
    """An article as it comes in."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    document_id: _Id = Field("", description="The article's own name, unique in its source.")
    text: str = Field(description="The article's body, as dirty as it may be.")
    title: _Text = Field(None, description="The headline.")
    excerpt: _Text = Field(None, description="A summary or the first lines.")
    author: _Author = Field(None, description="Who wrote it; a list is joined by commas.")
    publication_date: _Date = Field(None, description="When it was published, in any notation.")
    revision_date: _Date = Field(None, description="When it was last changed, in any notation.")
    source_url: _Text = Field(None, description="Where it was found.")
    categories: _List = Field((), description="The sections it stands in.")
    tags: _List = Field((), description="Its key words.")
    media_asset_urls: _List = Field((), description="The addresses of its pictures and videos.")
    geographical_data: Any = Field(None, description="Places, in the source's own form.")
    embargo_date: _Date = Field(None, description="Not to be published before this.")
    sentiment: Any = Field(None, description="A sentiment, in the source's own form.")
    word_count: int | None = Field(None, description="The number of words, as the source says.")
    publisher: _Text = Field(None, description="Who published it.")
    additional_metadata: _Facts = Field(
        default_factory=dict, description="All else; fields that are not named above end here."
    )


class _Output(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entity(_Output):
    """A name, a place, a date or an amount in the cleaned text."""

    text: str = Field(description="The characters of the span.")
    type: str = Field(description="PERSON, ORG, GPE, LOC, DATE, TIME, MONEY, PERCENT, …")
    start_char: int = Field(description="Where it begins in the cleaned text.")
    end_char: int = Field(description="Where it ends in the cleaned text, exclusive.")


class LoggedChange(_Output):
    """One edit of the text; all of them give the original back."""

    rule: str = Field(description="The rule that made it; several are joined by +.")
    start_char: int = Field(description="Where it begins in the original text.")
    end_char: int = Field(description="Where it ends in the original text, exclusive.")
    before: str = Field(description="The characters of the original.")
    after: str = Field(description="What stands in the cleaned text instead.")


class TemporalExpression(_Output):
    """A date that is told relative to the day of publication."""

    text: str = Field(description="The expression, such as yesterday.")
    start_char: int = Field(description="Where it begins in the cleaned text.")
    end_char: int = Field(description="Where it ends in the cleaned text, exclusive.")
    date: str | None = Field(
        description="The day (YYYY-MM-DD) or the days (first/last); null when the day of "
        "publication is not known."
    )


class Language(_Output):
    """The language of the text."""

    code: str = Field(description="ISO 639-1, or und where it cannot be told.")
    confidence: float = Field(description="Between 0 and 1.")


class CleanedArticle(_Output):
    """An article, cleaned and enriched, with every change of its text."""

    document_id: str = Field(description="As in the input.")
    version: str = Field(default=SCHEMA_VERSION, description="The version of this schema.")
    original_text: str = Field(
        description="The text as it came; lone surrogates, which no file can hold, are U+FFFD."
    )
    cleaned_text: str = Field(description="The repaired text.")
    cleaned_title: str | None = None
    cleaned_excerpt: str | None = None
    cleaned_author: str | None = None
    cleaned_publication_date: str | None = Field(
        None, description="ISO 8601; as it came where it is no date that can be read."
    )
    cleaned_revision_date: str | None = Field(None, description="As the date of publication.")
    cleaned_source_url: str | None = None
    cleaned_categories: tuple[str, ...] = ()
    cleaned_tags: tuple[str, ...] = ()
    cleaned_media_asset_urls: tuple[str, ...] = ()
    cleaned_geographical_data: Any = None
    cleaned_embargo_date: str | None = Field(None, description="As the date of publication.")
    cleaned_sentiment: Any = None
    cleaned_word_count: int = Field(description="Words of the cleaned text.")
    cleaned_publisher: str | None = None
    entities: tuple[Entity, ...] = ()
    temporal_metadata: tuple[TemporalExpression, ...] = ()
    language: Language
    reading_time_minutes: float = Field(description="At 200 words a minute.")
    cleaned_additional_metadata: dict[str, Any] = Field(default_factory=dict)
    changes: tuple[LoggedChange, ...] = Field((), description="Every edit of the text, in order.")

    @property
    def original_chars(self) -> int:
        """Characters of the original text."""
        return len(self.original_text)


def article_of(raw: Any) -> Article:
    """Return the article that a record holds; names that are unknown become additional metadata.

    Raises
    ------
    BadInput
        The record is no object, has no text, or a field is of the wrong type; all such fields are
        named.
    """
    if isinstance(raw, Article):
        return raw
    if not isinstance(raw, Mapping):
        raise pw.BadInput("not_an_object", f"the record is no object but {_kind(raw)}")
    if raw.get("text") is None:
        raise pw.BadInput("missing_text", "the record has no field 'text'")
    held = writable(dict(raw), str(raw.get("document_id", "")))
    try:
        return Article.model_validate(_sorted_out(held))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, row['loc']))}: {row['msg'].lower()}, "
            f"not {_kind(held.get(str(row['loc'][0])))}"
            for row in error.errors(include_url=False)
        )
        raise pw.BadInput("wrong_type", f"fields of the wrong type: {wrong}") from None


def _sorted_out(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with what has no field of its own in ``additional_metadata``."""
    known = {name: value for name, value in record.items() if name in Article.model_fields}
    extra = known.get("additional_metadata")
    if extra is not None and not isinstance(extra, dict):
        return known  # its type is the finding
    unknown = {name: value for name, value in record.items() if name not in known}
    both = unknown.keys() & (extra or {}).keys()
    renamed = {f"record.{name}" if name in both else name: unknown[name] for name in unknown}
    return {**known, "additional_metadata": {**renamed, **(extra or {})}}


def writable(value: Any, document_id: str = "") -> Any:
    """Return a JSON value that every encoder takes.

    Lone surrogates, which UTF-8 has not, become U+FFFD one for one, and are logged; numbers that
    JSON has not become null.
    """
    if isinstance(value, str):
        return _without_surrogates(value, document_id)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {
            _without_surrogates(str(name), document_id): writable(one, document_id)
            for name, one in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [writable(one, document_id) for one in value]
    return value


def _without_surrogates(text: str, document_id: str) -> str:
    if text.isascii() or not _SURROGATE.search(text):
        return text
    mended, number = _SURROGATE.subn("\ufffd", text)
    extra = {"item": _SURROGATE.sub("\ufffd", document_id), "surrogates": number}
    _LOG.warning("lone surrogates were replaced", extra=extra)
    return mended


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", tuple: "a list", str: "a text", bool: "true/false"}
    kinds |= {int: "a number", float: "a number", type(None): "null"}
    return kinds.get(type(value), type(value).__name__)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a result; the engine adds ``source`` and ``verdict`` to it."""
    schema = CleanedArticle.model_json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema


def schema_text() -> str:
    """Return the text of the schema file."""
    return json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
