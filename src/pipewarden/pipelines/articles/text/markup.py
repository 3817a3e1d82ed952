"""Tags of HTML in a text, told from ticker tags, comparisons, placeholders and code.

Only the names of HTML elements are tags, and of those only what is written as one. ``<DD>`` in
capitals is a share's ticker unless the text also closes such tags; ``<source>`` is a placeholder
unless it is closed, or has attributes; ``vector<object>`` is code.
"""

# ruff: noqa: SIM905 - long lists of words are read best as text

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from pipewarden.pipelines.articles.text.edits import Edit

#: Elements that are set apart by an empty line, and those by a new line.
_PARAGRAPHS = frozenset("p h1 h2 h3 h4 h5 h6 blockquote pre ul ol dl table figure article".split())
_LINES = frozenset(
    "address aside body br caption center dd details dialog dir div dt fieldset figcaption footer "
    "form head header hr html legend li main menu nav noscript option optgroup section select "
    "summary tbody tfoot thead title tr video audio".split()
)
_CELLS = frozenset(("td", "th"))
#: Bare and in small letters, these mean nothing else: they are tags, closed or not.
_UNCLOSED = frozenset(
    "blockquote br dd del div dl dt figcaption figure font h1 h2 h3 h4 h5 h6 hr iframe img li "
    "nobr noscript ol p pre span strong table tbody td tfoot th thead tr ul wbr".split()
)
_OTHERS = frozenset(
    "a abbr acronym amp-img applet area b base basefont bdi bdo bgsound big blink button canvas "
    "cite code col colgroup data datalist dfn em embed fb:like frame frameset hgroup i image "
    "input ins kbd label link map mark marquee meta meter nobr noembed noframes o:p object "
    "output param picture plaintext progress q rb rp rt rtc ruby s samp script search slot "
    "small source spacer st1:city st1:country-region st1:place strike style sub sup svg "
    "template textarea time track tt u var xmp".split()
)
ELEMENTS = _PARAGRAPHS | _LINES | _CELLS | _UNCLOSED | _OTHERS
#: Elements whose content is not for readers.
_UNREAD = frozenset("script style template iframe svg".split())
_BARE_ATTRIBUTES = frozenset(
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled "
    "hidden ismap itemscope loop multiple muted noshade novalidate nowrap open playsinline "
    "readonly required reversed selected".split()
)

_OPENING = re.compile(
    r"<(?:(/?)([A-Za-z][A-Za-z0-9]*(?:[:-][A-Za-z0-9-]{1,20})?)(?=[\s/>])|[!?])|\]\]>"
)
#: An attribute; the bounds keep the search linear where a quote is never closed.
_ATTRIBUTE = re.compile(
    r"""\s+([^\s=<>"'/]{1,80})(?:\s{0,20}=\s{0,20}"""
    r"""(?:"[^"]{0,20000}"|'[^']{0,20000}'|[^\s"'<>]{1,4000}))?|\s{0,20}/(?=\s{0,20}>)"""
)
_END = re.compile(r"\s{0,200}>")
_SPACES_BEFORE, _SPACES = re.compile(r"\s{0,40}\Z"), re.compile(r"\s*")
_CDATA_MARK = re.compile(r"<!\[CDATA\[|\]\]>")
_DECLARATION = re.compile(
    r"<!(?:doctype|\[if|\[endif|entity)[^<>]{0,2000}>|<\?xml[^<>]{0,2000}>", re.IGNORECASE
)
#: What stands before a share's ticker.
_COMPANY = re.compile(r"\b(?:Inc|Corp|Co|Cos|Ltd|Plc|PLC|AG|SA|NV|Group)[.,]?\s\Z")
_MAX_ATTRIBUTES = 200


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag, a comment or a declaration; ``name`` is empty for the latter two.

    Parameters
    ----------
    start, end
        Its span; that of an element whose content nobody reads goes to the end of its closing tag.
    name
        The element's name in small letters.
    written
        The name as it stands.
    closing
        Whether it is a closing tag.
    attributes
        Whether it has attributes with values.
    """

    start: int
    end: int
    name: str = ""
    written: str = ""
    closing: bool = False
    attributes: bool = False


def markup(text: str) -> list[Edit]:
    """Return an edit for each tag; a block's tags become line breaks.

    Parameters
    ----------
    text
        Any text.
    """
    tags = tags_of(text)
    edits: list[Edit] = []
    first = 0
    for number, tag in enumerate(tags):
        following = tags[number + 1] if number + 1 < len(tags) else None
        if following and _SPACES.fullmatch(text, tag.end, following.start):
            continue
        run = tags[first : number + 1]
        edits.append(Edit(run[0].start, run[0].end, _break(text, run)))
        edits.extend(Edit(one.start, one.end, "") for one in run[1:])
        first = number + 1
    return edits


def _break(text: str, run: list[Tag]) -> str:
    """Return what stands for a run of tags, given the space that is there already."""
    start, end = run[0].start, run[-1].end
    before = start - len(_SPACES_BEFORE.search(text, max(0, start - 40), start)[0])  # type: ignore[index]
    after = _SPACES.match(text, end).end()  # type: ignore[union-attr]
    if before == 0 or after == len(text):
        return ""
    names = {tag.name for tag in run}
    lines = 2 if names & _PARAGRAPHS else 1 if names & _LINES else 0
    gaps = [text[before:start], text[end:after]]
    gaps += [text[one.end : two.start] for one, two in pairwise(run)]
    if lines:
        return "\n" * max(0, lines - sum(gap.count("\n") for gap in gaps))
    return " " if names & _CELLS and not any(gaps) else ""


def tags_of(text: str) -> list[Tag]:
    """Return the tags of a text in order; what is written between brackets otherwise is none."""
    if "<" not in text:
        return []
    found = list(_candidates(text))
    closed = {tag.written for tag in found if tag.closing}
    shouted = any(
        tag.written.isupper() and (tag.closing or tag.attributes) and tag.name for tag in found
    )
    marked = any(_is_certain(tag, text) for tag in found)
    page = any(tag.name in ("html", "body") for tag in found)
    tags: list[Tag] = []
    for tag in found:
        if tags and tag.start < tags[-1].end:
            continue  # in a comment or a script
        if page or _is_tag(tag, text, closed, shouted, marked):
            tags.append(_with_content(tag, text) if tag.name in _UNREAD else tag)
    return tags


def _is_certain(tag: Tag, text: str) -> bool:
    if not tag.name or tag.closing or tag.attributes:
        return True
    return tag.written in _UNCLOSED and not text[tag.start - 1 : tag.start].isalnum()


def _is_tag(tag: Tag, text: str, closed: set[str], shouted: bool, marked: bool) -> bool:
    if not tag.name or tag.closing or tag.attributes or tag.written in closed:
        return True
    if _COMPANY.search(text, max(0, tag.start - 8), tag.start):
        return False
    if not tag.written.islower():
        return shouted and tag.written.isupper()
    if tag.start and text[tag.start - 1].isalnum() and tag.name not in ("br", "p", "wbr"):
        return False  # code, such as vector<object>
    return tag.name in _UNCLOSED or (marked and tag.name not in ("a", "q", "s"))


def _candidates(text: str) -> Iterator[Tag]:
    """Yield what is written like a tag of HTML, comments and declarations among it."""
    at, sections = 0, "<![CDATA[" in text
    comments = text.rfind("-->")
    while match := _OPENING.search(text, at):
        start = match.start()
        at = match.end()
        if match[2] is None:
            tag = _declaration(text, start, comments, sections)
        else:
            tag = _element(text, match) if match[2].lower() in ELEMENTS else None
        if tag is not None:
            at = max(at, tag.end)
            yield tag


def _declaration(text: str, start: int, last_end: int, sections: bool) -> Tag | None:
    """Return a comment, a declaration, or a mark of a section; None where it has no end."""
    if text.startswith("<!--", start):
        end = text.find("-->", start + 2) if start < last_end else -1
        return Tag(start, end + 3) if end >= 0 else None
    if not sections and text[start] == "]":
        return None
    match = _CDATA_MARK.match(text, start) or _DECLARATION.match(text, start)
    return Tag(start, match.end()) if match else None


def _element(text: str, match: re.Match[str]) -> Tag | None:
    at, valued = match.end(), False
    for _ in range(_MAX_ATTRIBUTES):
        attribute = _ATTRIBUTE.match(text, at)
        if attribute is None:
            break
        if attribute[1]:
            has_value = "=" in attribute[0]
            if not has_value and attribute[1].lower() not in _BARE_ATTRIBUTES:
                return None  # words, as in <A and B>
            valued = valued or has_value
        elif not match[1]:
            valued = True  # <br/> is nothing but a tag
        at = attribute.end()
    end = _END.match(text, at)
    if end is None:
        return None
    name = match[2].lower()
    return Tag(match.start(), end.end(), name, match[2], bool(match[1]), valued)


def _with_content(tag: Tag, text: str) -> Tag:
    """Return a tag that takes in all to its closing one, within a bound."""
    if tag.closing:
        return tag
    closing = re.compile(rf"</{tag.name}\s{{0,20}}>", re.IGNORECASE)
    end = closing.search(text, tag.end, tag.end + 2_000_000)
    return Tag(tag.start, end.end(), tag.name, tag.written) if end else tag
