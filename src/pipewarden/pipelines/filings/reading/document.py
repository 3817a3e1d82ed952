"""The document that all later stages read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pipewarden as pw
from pipewarden.pipelines.filings.reading.contents import read_contents
from pipewarden.pipelines.filings.reading.decoding import decode
from pipewarden.pipelines.filings.reading.lines import Line, html_lines
from pipewarden.pipelines.filings.reading.submission import open_submission
from pipewarden.pipelines.filings.reading.typed import typed_lines, untagged
from pipewarden.pipelines.filings.reading.visible import lowered, visible

_MARKUP = re.compile(r"<(?:html|body|div|p|font|span|br|td)\b", re.IGNORECASE)
_TYPED_SHARE = 0.5
_SNIFFED = 400_000


@dataclass(frozen=True)
class Document:
    """One filing, decoded.

    Parameters
    ----------
    header
        Fields of the SGML header of a full submission; empty for a bare document.
    document_type
        The form type that the submission gives the document, or an empty string.
    raw
        The document as filed, hidden inline-XBRL facts included.
    source
        What offsets of lines count in: the visible source, or the typed text.
    is_html
        Whether ``source`` is HTML; otherwise it is typed text.
    lines
        Every line of text, in order.
    n_bytes
        Size of the whole file, decompressed.
    """

    header: dict[str, str]
    document_type: str
    raw: str
    source: str
    is_html: bool
    lines: tuple[Line, ...]
    n_bytes: int

    @cached_property
    def n_chars(self) -> int:
        """Characters of text, white space normalised."""
        return sum(len(line.text) + 1 for line in self.lines)


def read_document(path: Path, *, max_bytes: int, max_tags: int) -> Document:
    """Return the document in a file.

    Parameters
    ----------
    path
        An HTML document, a full submission or plain text; gzip of any.
    max_bytes
        The largest number of decompressed bytes.
    max_tags
        The largest number of tags.

    Raises
    ------
    BadInput
        The bytes cannot be a filing: empty, binary, too large, or damaged gzip.
    """
    data = read_contents(path, max_bytes)
    return document_of(decode(data), len(data), max_tags=max_tags)


def document_of(text: str, n_bytes: int, *, max_tags: int) -> Document:
    """Return the document in decoded text of ``n_bytes`` bytes.

    Raises
    ------
    BadInput
        There are more than ``max_tags`` tags.
    """
    submission = open_submission(text)
    raw = submission.body
    if raw.count("<") > max_tags:
        raise pw.BadInput(
            "too_many_tags", f"the document has more than {max_tags:,} tags (setting max_tags)"
        )
    is_html = bool(_MARKUP.search(raw, 0, _SNIFFED)) and not _is_typed(raw)
    if is_html:
        source = visible(raw)
        lines = html_lines(source)
    else:
        source = untagged(raw)
        lines = typed_lines(source)
    return Document(
        header=submission.header,
        document_type=submission.document_type,
        raw=raw,
        source=source,
        is_html=is_html,
        lines=tuple(lines),
        n_bytes=n_bytes,
    )


def _is_typed(raw: str) -> bool:
    """Whether most of an HTML document stands between ``<PRE>`` and ``</PRE>``."""
    lower = lowered(raw)
    inside, at = 0, lower.find("<pre")
    while at >= 0:
        closed = lower.find("</pre", at)
        stop = closed if closed >= 0 else len(lower)
        inside += stop - at
        at = lower.find("<pre", stop)
    return inside > _TYPED_SHARE * len(raw)
