"""Character references of HTML, such as ``&amp;`` and ``&#146;``, escaped however often."""

from __future__ import annotations

import html
import re
from html.entities import html5, name2codepoint

from pipewarden.pipelines.articles.text.edits import Edit
from pipewarden.pipelines.articles.text.markup import tags_of

_REFERENCE = re.compile(
    r"&(?:(?:amp|AMP|#38|#x26);)*"
    r"(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
    r"|(?:nbsp|quot|amp|lt|gt)(?![\w;=]))"
)


def references(text: str) -> list[Edit]:
    """Return an edit for each reference; one that no standard names stays, as in ``a&b;``.

    References to 128-159 mean Windows-1252, as in browsers (HTML standard, 13.2.5.80). What was
    escaped twice is decoded twice. Inside tags nothing is decoded: they go as they are.

    Parameters
    ----------
    text
        Any text.
    """
    if "&" not in text:
        return []
    found = [(match, _character(match, text)) for match in _REFERENCE.finditer(text)]
    edits = [Edit(m.start(), m.end(), after) for m, after in found if after is not None]
    if not edits or "<" not in text:
        return edits
    return _outside(edits, [(tag.start, tag.end) for tag in tags_of(text)])


def _character(match: re.Match[str], text: str) -> str | None:
    name = match[1]
    if name is None:
        return html.unescape("&" + match[0].rpartition(";")[2].lstrip("&") + ";")
    if not name.startswith("#"):
        glued = text[match.start() - 1 : match.start()].isalnum()
        if name not in name2codepoint and (glued or f"{name};" not in html5):
            # What is no reference may still have been escaped: &amp;a1;
            return f"&{name};" if len(match[0]) > len(name) + 2 else None
    return html.unescape(f"&{name};")


def _outside(edits: list[Edit], spans: list[tuple[int, int]]) -> list[Edit]:
    """Return the edits that begin in none of the spans; both are sorted."""
    kept, number = [], 0
    for edit in edits:
        while number < len(spans) and spans[number][1] <= edit.start:
            number += 1
        if number == len(spans) or edit.start < spans[number][0]:
            kept.append(edit)
    return kept
