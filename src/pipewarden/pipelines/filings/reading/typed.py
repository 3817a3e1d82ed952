# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""The lines and paragraphs of a filing that was typed: plain text, or HTML around ``<PRE>``."""

from __future__ import annotations

import html
import re

from pipewarden.pipelines.filings.reading.lines import Line
from pipewarden.pipelines.filings.reading.paragraphs import Paragraph, Run
from pipewarden.pipelines.filings.reading.styles import Style

_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_PAGE = re.compile(r"<PAGE>|\f", re.IGNORECASE)
#: What starts a paragraph of its own even without an empty line before it.
_OWN = re.compile(r"\s*(?:PART\s+[IV]+\b|ITEMS?\s+\d)", re.IGNORECASE)
#: What ends a line of a table of contents.
_LEADER = re.compile(r"(?:\.\s?){3,}\s*\S{0,8}\s*$|\s{3,}\d{1,3}\s*$")
_RULE = re.compile(r"^[\s_=*-]+$")
_PAGE_NUMBER = re.compile(
    r"^\s*(?:page\s+)?(?:[-–(]\s*)?(?:[A-Z]-)?\d{1,3}(?:\s*[-–)])?\s*$", re.IGNORECASE
)
#: The mark that `untagged` leaves for a page break.
PAGE_MARK = "\f"
_UNDERLINE = re.compile(r"\s*[-=_]{4,}\s*$")
_CENTRED = 18
_HEADLINE = 300


def untagged(source: str) -> str:
    """Return typed text without SGML and HTML tags; page breaks become form feeds."""
    text = _PAGE.sub(f"\n{PAGE_MARK}\n", source.replace("\r\n", "\n").replace("\r", "\n"))
    if "<" in text:
        text = _TAG.sub("", text)
    return html.unescape(text) if "&" in text else text


def typed_lines(text: str) -> list[Line]:
    """Return the paragraphs of typed text, hard line ends joined, as lines."""
    lines: list[Line] = []
    held: list[str] = []
    start = at = 0
    for raw in text.split("\n"):
        end = at + len(raw)
        content = raw.strip()
        alone = bool(_PAGE_NUMBER.match(raw) or _RULE.match(raw))
        if held and (not content or alone or _OWN.match(raw) or _LEADER.search(held[-1])):
            lines.append(Line(" ".join(" ".join(held).split()), start, at - 1))
            held = []
        if content and not _RULE.match(raw):
            start = start if held else at
            held.append(raw)
            if alone:
                lines.append(Line(" ".join(content.split()), start, end))
                held = []
        at = end + 1
    if held:
        lines.append(Line(" ".join(" ".join(held).split()), start, len(text)))
    return [line for line in lines if line.text]


def typed_paragraphs(text: str) -> list[Paragraph]:
    """Return the paragraphs of typed text; capitals, centring and underlines set headings off."""
    paragraphs: list[Paragraph] = []
    before = 0
    for line in typed_lines(text):
        page_break = PAGE_MARK in text[before : line.start + 1]
        raw = text[line.start : line.end]
        after = text[line.end : line.end + _HEADLINE].lstrip("\n").split("\n", 1)[0]
        style = Style(
            underline=bool(_UNDERLINE.match(after)) and len(line.text) < _HEADLINE,
            center=len(raw) - len(raw.lstrip()) >= _CENTRED,
        )
        paragraphs.append(Paragraph([Run(line.text, style)], page_break=page_break))
        before = line.end
    return paragraphs
