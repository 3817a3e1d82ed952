"""What the gate asks of a cleaned article; thresholds stand in ``gate.yaml``."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from pathlib import Path

import pipewarden as pw
from pipewarden.pipelines.articles.enrich.dates import day_of
from pipewarden.pipelines.articles.records import CleanedArticle, Entity, TemporalExpression

GATE_FILE = Path(__file__).with_name("gate.yaml")
#: What can hardly be anything but markup: end tags, tags with attributes, the bare tags that mean
#: nothing else, comments, character references. Tickers, placeholders and generics are none of it.
_MARKUP = re.compile(
    r"</(?:a|b|i|u|p|body|head|html|section|article|main|figure|svg|iframe|title|h[1-6]|div|span|em"
    r"|strong|font|table|t[drh]|tbody|li|ul|ol|blockquote|script|style)\s?>"
    r"|<(?:a|img|p|div|span|font|table|t[drh]|link|meta|iframe|input|object|svg|script|style|h[1-6])"
    r"\s+[a-z-]{1,40}\s?=[^<>]{1,2000}>"
    r"|<(?:br|hr|p|div|span|strong|font|blockquote|li|ul|ol|table|t[drh]|tbody|h[1-6]|script|style)"
    r"\s?/?>"
    r"|<!--|<!DOCTYPE\b"
    r"|&(?:nbsp|amp|lt|gt|quot|apos|[lr][sd]quo|[mn]dash|hellip|#\d{2,5}|#x[0-9a-fA-F]{2,5});"
)
#: UTF-8 that was read as Windows-1252 or Latin-1: a lead byte's letter, and what cannot follow it.
_MOJIBAKE = re.compile(
    "\u00c3[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
    "|\u00e2(?:\u20ac|\u0080|\u201a)[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
    "|\u00c2[\u0080-\u00bf]|\u00f0\u0178[\u0080-\u00bf\u2013-\u203a]|\u00ef\u00bf\u00bd|\u201a\u00c4[\u00ee\u00ec\u00fa\u00f4]"
)
#: The rules that take away what was never part of the text.
_FRAME = frozenset({"markup", "boilerplate"})
_MOST_EVIDENCE, _AROUND = 5, 40


def id_present(article: CleanedArticle) -> bool:
    """Return whether the article has a name."""
    return bool(article.document_id.strip())


def text_present(article: CleanedArticle) -> bool:
    """Return whether any text is left."""
    return any(not char.isspace() for char in article.cleaned_text)


def markup_left(article: CleanedArticle) -> pw.Measurement:
    """Return the number of tags and character references in the text."""
    return _counted(_MARKUP, article.cleaned_text, "tags or character references are left")


def replacement_characters(article: CleanedArticle) -> pw.Measurement:
    """Return the number of characters that stand for what could not be read."""
    return _counted(re.compile("\ufffd"), article.cleaned_text, "characters could not be read")


def mojibake_left(article: CleanedArticle) -> pw.Measurement:
    """Return the number of character sequences that wrongly decoded text has."""
    return _counted(_MOJIBAKE, article.cleaned_text, "sequences look wrongly decoded")


def _counted(pattern: re.Pattern[str], text: str, what: str) -> pw.Measurement:
    hits, evidence = 0, []
    for match in pattern.finditer(text):
        hits += 1
        if hits <= _MOST_EVIDENCE:
            around = text[max(0, match.start() - _AROUND) : match.end() + _AROUND]
            evidence.append(f"{match.start()}: …{around}…")
    return pw.Measurement(hits, f"{hits} {what}", tuple(evidence))


def length_ratio(article: CleanedArticle) -> float:
    """Return the length of the cleaned text in that of the original without its markup."""
    frame = sum(
        max(0, len(change.before) - len(change.after))
        for change in article.changes
        if not _FRAME.isdisjoint(change.rule.split("+"))
    )
    left = len(article.original_text) - frame
    if left <= 0:
        raise pw.NotComputable("the original is nothing but markup")
    return round(len(article.cleaned_text) / left, 4)


def language_known(article: CleanedArticle) -> bool:
    """Return whether it can be told which language it is."""
    return article.language.code != "und"


def offsets_valid(article: CleanedArticle) -> pw.Measurement:
    """Return whether every span holds the characters that are told of it."""
    text, original = article.cleaned_text, article.original_text
    spans: list[Entity | TemporalExpression] = [*article.entities, *article.temporal_metadata]
    wrong = [
        f"{span.start_char}-{span.end_char}: {span.text}"
        for span in spans
        if span.start_char < 0 or text[span.start_char : span.end_char] != span.text
    ]
    wrong += [
        f"change {change.start_char}-{change.end_char}: {change.before[:_AROUND]}"
        for change in article.changes
        if original[change.start_char : change.end_char] != change.before
    ]
    wrong += [
        f"changes {one.end_char} and {two.start_char}"
        for one, two in pairwise(article.changes)
        if one.end_char > two.start_char
    ]
    return pw.Measurement(
        not wrong, f"{len(wrong)} offsets are wrong", tuple(wrong[:_MOST_EVIDENCE])
    )


def corrected_share(article: CleanedArticle) -> pw.Measurement:
    """Return the share of words that were corrected as misspelt."""
    if not article.cleaned_word_count:
        raise pw.NotComputable("there are no words")
    corrected = [c for c in article.changes if "typos" in c.rule.split("+")]
    evidence = tuple(f"{c.before} → {c.after}" for c in corrected[:_MOST_EVIDENCE])
    share = round(len(corrected) / article.cleaned_word_count, 4)
    return pw.Measurement(share, f"{len(corrected)} words were corrected", evidence)


def dates_readable(article: CleanedArticle) -> pw.Measurement:
    """Return whether every date that is given could be read."""
    given = {
        "publication_date": article.cleaned_publication_date,
        "revision_date": article.cleaned_revision_date,
        "embargo_date": article.cleaned_embargo_date,
    }
    wrong = tuple(f"{name}: {raw}" for name, raw in given.items() if raw and day_of(raw) is None)
    return pw.Measurement(not wrong, f"{len(wrong)} dates could not be read", wrong)


def text_identity(article: CleanedArticle) -> str | None:
    """Return what articles with the same text have in common, however it is set."""
    words = " ".join(article.cleaned_text.split())
    if not words:
        return None
    return "text:" + hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()


_MEASURES = (
    id_present,
    text_present,
    markup_left,
    length_ratio,
    offsets_valid,
    replacement_characters,
    mojibake_left,
    language_known,
    corrected_share,
    dates_readable,
)


def articles_gate(file: Path | None = None) -> pw.Gate:
    """Return the gate with the thresholds of a gate file, the shipped one by default.

    Raises
    ------
    InvalidSettings
        The gate file does not read or names what does not exist.
    """
    checks = [pw.Check(name=measure.__name__, measure=measure) for measure in _MEASURES]
    unique = pw.Unique(name="duplicate_text", identity=text_identity)
    return pw.load_gate(pw.Gate(checks, unique), file or GATE_FILE)
