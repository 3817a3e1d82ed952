"""The settings of the ``articles`` pipeline, under ``pipelines.articles``."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import pipewarden as pw
from pipewarden.pipelines.articles.typos.settings import TypoSettings

#: The types of entities that are reported by default, by their names in OntoNotes 5.
ENTITY_TYPES = ("PERSON", "ORG", "GPE", "LOC", "DATE", "TIME", "MONEY", "PERCENT")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleSettings(_Part):
    """Which rules work; each is a switch of its own."""

    boilerplate: bool = Field(True, description="Of a whole page keep the article only.")
    references: bool = Field(True, description="Decode entities such as `&amp;`.")
    markup: bool = Field(True, description="Remove tags of HTML; ticker tags and `a < b` stay.")
    encoding: bool = Field(True, description="Repair text that was decoded wrongly (mojibake).")
    controls: bool = Field(True, description="Remove control and zero-width characters.")
    unicode: bool = Field(True, description="Compose characters (NFC); never fold to ASCII.")
    quotes: bool = Field(True, description="Write typographic quotes and dashes plainly.")
    ellipses: bool = Field(True, description="Write an ellipsis as three points.")
    repeated_punctuation: bool = Field(True, description="`!!!` to `!`.")
    wrapped_lines: bool = Field(True, description="Join lines that were wrapped at a width.")
    punctuation_spacing: bool = Field(True, description="A space after punctuation.")
    whitespace: bool = Field(True, description="One space between words, no space at line ends.")
    currency: bool = Field(True, description="`$100` to `USD 100`; ambiguous signs stay.")
    units: bool = Field(True, description="`5km` to `5 kilometers`.")
    typos: bool = Field(True, description="Correct misspelt words of English text.")
    title: bool = Field(True, description="Clean the title; its words are never corrected.")
    excerpt: bool = Field(True, description="Clean the excerpt; its words are never corrected.")
    author: bool = Field(True, description="Clean the author's name.")
    tags: bool = Field(True, description="Clean tags and categories, and drop repeated ones.")


class EntitySettings(_Part):
    """Which names are found, and by what."""

    enabled: bool = Field(True, description="Whether entities are found, and protected.")
    model: str = Field(
        "en_core_web_sm",
        description="The spaCy pipeline: a package's name or a folder. The default also takes a "
        "package with the same weights under another name.",
    )
    types: tuple[str, ...] = Field(
        ENTITY_TYPES, description="The types to report; entities of every type are protected."
    )
    gpu: bool = Field(False, description="Whether to require a GPU.")
    batch_size: int = Field(
        4, ge=1, le=256, description="Texts the recogniser is given at once; a GPU wants more."
    )
    piece_chars: int = Field(
        50_000,
        ge=1_000,
        le=1_000_000,
        description="Characters above which a text is given to the recogniser in pieces, cut "
        "between paragraphs.",
    )


class DateSettings(_Part):
    """How dates are read."""

    day_first: bool = Field(False, description="Whether 03/04/2024 is the third of April.")
    relative: bool = Field(True, description="Whether `yesterday` and the like are resolved.")


class ArticleSettings(_Part):
    """Every setting of the ``articles`` pipeline."""

    rules: RuleSettings = Field(RuleSettings.model_validate({}), description="Which rules work.")
    typos: TypoSettings = Field(TypoSettings.model_validate({}), description="Typo correction.")
    entities: EntitySettings = Field(EntitySettings.model_validate({}), description="Entities.")
    dates: DateSettings = Field(DateSettings.model_validate({}), description="Dates.")
    max_chars: int = Field(5_000_000, ge=1, description="Characters above which a text is refused.")
    language: str = Field(
        "",
        pattern=r"^([a-z]{2,3})?$",
        description="The language of all texts (ISO 639-1); empty: it is found for each.",
    )

    def output_settings(self) -> dict[str, Any]:
        """Return what changes every output, as plain values.

        Of the model and of the dictionary it is what they hold, not only their names.
        """
        plain = self.model_dump(mode="json", exclude={"entities": {"gpu", "batch_size"}})
        file = self.typos.dictionary_file
        if file is not None and file.is_file():
            plain["dictionary_sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
        if self.entities.enabled:
            plain["weights"] = _weights(self.entities.model)
        return plain


def _weights(model: str) -> str | None:
    """Return which weights are in use; None where there are none, which the first item tells."""
    from pipewarden.pipelines.articles.enrich.weights import find_weights

    try:
        weights = find_weights(model)
    except pw.PipewardenError:
        return None
    return weights.digest or weights.name


def article_settings(given: Mapping[str, Any] | None = None) -> ArticleSettings:
    """Return validated settings; a name may be a path such as ``rules.typos``.

    Raises
    ------
    InvalidSettings
        A name is unknown or a value does not hold.
    """
    return merged(ArticleSettings.model_validate({}), given or {})


def merged(settings: ArticleSettings, overrides: Mapping[str, Any]) -> ArticleSettings:
    """Return new settings with what is overridden, at any depth; the given ones stay as they are.

    Parameters
    ----------
    settings
        What holds where nothing is overridden.
    overrides
        Nested mappings, or paths such as ``rules.typos``, to values.

    Raises
    ------
    InvalidSettings
        A name is unknown or a value does not hold.
    """
    if not overrides:
        return settings
    plain = settings.model_dump()
    for path, value in overrides.items():
        nested = value
        for name in reversed(path.split(".")):
            nested = {name: nested}
        plain = _over(plain, nested)
    try:
        return ArticleSettings.model_validate(plain)
    except ValidationError as error:
        problems = "; ".join(
            _told(row) for row in error.errors(include_input=False, include_url=False)
        )
        raise pw.InvalidSettings(
            f"the articles settings do not hold: {problems}", next_step="pipewarden articles info"
        ) from None


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for name, value in above.items():
        held = result.get(name)
        both = isinstance(held, dict) and isinstance(value, Mapping)
        result[name] = _over(held, value) if both and held is not None else value
    return result


def _told(row: Any) -> str:
    """Return a problem in words; of an unknown name the nearest known one."""
    *parents, name = map(str, row["loc"]) if row["loc"] else ("settings",)
    path = ".".join((*parents, name))
    if row["type"] != "extra_forbidden":
        return f"{path}: {row['msg']}"
    known = list(_model_at(parents).model_fields)
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return f"{path}: no such setting; {hint}"


def _model_at(path: list[str]) -> type[BaseModel]:
    model: type[BaseModel] = ArticleSettings
    for name in path:
        part = model.model_fields[name].annotation
        assert isinstance(part, type)
        model = part
    return model
