"""What a tag does to the text within it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_NAME = re.compile(r"<(/?)([A-Za-z][\w:-]*)")
_STYLE = re.compile(r"\bstyle\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_WEIGHT = re.compile(r"font-weight\s*:\s*(\w+)")
_SLANT = re.compile(r"font-style\s*:\s*(\w+)")
_LINED = re.compile(r"text-decoration(?:-line)?\s*:\s*([\w\s]+)")
_SIZE = re.compile(r"font-size\s*:\s*([\d.]+)\s*(pt|px|em|%)?")
_SHORT = re.compile(r"\bfont\s*:\s*([^;]*)")
_SHORT_SIZE = re.compile(r"([\d.]+)\s*(pt|px)")
_FONT_SIZE = re.compile(r"\bsize\s*=\s*[\"']?\s*([+-]?\d)", re.IGNORECASE)
_CENTER = re.compile(r"text-align\s*:\s*center|\balign\s*=\s*[\"']?center", re.IGNORECASE)
_LOCAL = re.compile(r"\bhref\s*=\s*[\"']?\s*#", re.IGNORECASE)
_CAPS = re.compile(r"text-transform\s*:\s*uppercase|font-variant\s*:\s*small-caps")
_PAGE = re.compile(
    r"page-break-(?:before|after)\s*:\s*always|\bbreak-(?:before|after)\s*:\s*page", re.IGNORECASE
)
_BREAKING = frozenset(
    [
        "p",
        "div",
        "tr",
        "td",
        "th",
        "table",
        "tbody",
        "thead",
        "tfoot",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "li",
        "ul",
        "ol",
        "dl",
        "dt",
        "dd",
        "center",
        "pre",
        "page",
        "blockquote",
        "hr",
        "body",
        "html",
        "section",
        "article",
        "header",
        "footer",
        "caption",
        "address",
        "form",
    ]
)
_VOID = frozenset(["br", "hr", "img", "input", "meta", "link", "col", "page", "wbr"])
_POINTS = {"pt": 1.0, "px": 0.75, "em": 10.0, "%": 0.1}
#: Points of the seven sizes of ``<font size>``.
_FONT_POINTS = (0.0, 7.5, 10.0, 12.0, 13.5, 18.0, 24.0, 36.0)


class Tag(NamedTuple):
    """A tag, read once and then known by its source."""

    name: str = ""
    closing: bool = False
    void: bool = False
    breaks: bool = False
    page_break: bool = False
    bold: bool | None = None
    italic: bool | None = None
    underline: bool | None = None
    size: float | None = None
    center: bool | None = None
    caps: bool | None = None
    link: bool | None = None


class Style(NamedTuple):
    """How a run of text looks; sizes in points, 0 where unknown."""

    bold: bool = False
    italic: bool = False
    underline: bool = False
    size: float = 0.0
    center: bool = False
    caps: bool = False
    link: bool = False

    @property
    def emphasis(self) -> tuple[bool, bool, bool]:
        """Bold, italic, underlined."""
        return self.bold, self.italic, self.underline

    def within(self, tag: Tag) -> Style:
        """Return the style of text inside ``tag``."""
        if tag[5:] == _PLAIN:
            return self
        return Style(
            self.bold if tag.bold is None else tag.bold,
            self.italic if tag.italic is None else tag.italic,
            self.underline if tag.underline is None else tag.underline,
            tag.size or self.size,
            self.center if tag.center is None else tag.center,
            self.caps if tag.caps is None else tag.caps,
            self.link or bool(tag.link),
        )


_PLAIN = (None,) * 7


def read_tag(source: str) -> Tag:
    """Return what a tag means, given as it stands in the source; ``<!`` and ``<?`` have no name."""
    named = _NAME.match(source)
    if named is None:
        return Tag()
    name = named.group(2).lower()
    tag = Tag(name, void=name in _VOID, breaks=name in _BREAKING)
    if named.group(1):
        return tag._replace(closing=True)
    styled = _STYLE.search(source)
    style = (styled.group(1) or styled.group(2) or "").lower() if styled else ""
    tag = tag._replace(**_by_name(name, source))._replace(**_by_style(style))
    if _CENTER.search(source) or name == "center":
        tag = tag._replace(center=True)
    elif tag.breaks and "align" in source.lower():
        tag = tag._replace(center=False)
    page_break = name in ("hr", "page") or bool(_PAGE.search(source))
    return tag._replace(void=tag.void or source.endswith("/>"), page_break=page_break)


def _by_name(name: str, source: str) -> dict[str, Any]:
    if name in ("b", "strong") or name in ("h1", "h2", "h3", "h4", "h5", "h6"):
        return {"bold": True}
    if name in ("i", "em"):
        return {"italic": True}
    if name == "u":
        return {"underline": True}
    if name == "a":
        return {"link": True} if _LOCAL.search(source) else {}
    if name == "font" and (sized := _FONT_SIZE.search(source)) and sized.group(1)[0] not in "+-":
        return {"size": _FONT_POINTS[min(7, int(sized.group(1)))]}
    return {}


def _by_style(style: str) -> dict[str, Any]:
    look: dict[str, Any] = {}
    if weight := _WEIGHT.search(style):
        look["bold"] = weight.group(1) in ("bold", "bolder", "600", "700", "800", "900")
    if slant := _SLANT.search(style):
        look["italic"] = slant.group(1) in ("italic", "oblique")
    if (lined := _LINED.search(style)) and "inherit" not in lined.group(1):
        look["underline"] = "underline" in lined.group(1)
    if sized := _SIZE.search(style):
        look["size"] = float(sized.group(1).strip(".") or 0) * _POINTS[sized.group(2) or "pt"]
    if short := _SHORT.search(style):
        look.update(_by_short(short.group(1)))
    if _CAPS.search(style):
        look["caps"] = True
    return look


def _by_short(font: str) -> dict[str, Any]:
    look: dict[str, Any] = {"bold": "bold" in font, "italic": "italic" in font}
    if sized := _SHORT_SIZE.search(font):
        look["size"] = float(sized.group(1).strip(".") or 0) * _POINTS[sized.group(2)]
    return look
