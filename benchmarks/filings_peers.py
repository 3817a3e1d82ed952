"""What others do with filings; run by `filings_speed.py`, the peers in their own environment.

``filings_peers.py TOOL FILE...`` prints, as JSON on its last line, the seconds it took to read and
answer every file, and its peak memory. Imports are not counted.

The tool ``naive`` is no peer but a bound on speed: the text of the blocks and one expression, no
outcome, no page furniture, no risk factor, no metadata, nothing written.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib
import io
import json
import logging
import re
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

_BLOCKS = frozenset(
    ("p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "br", "hr", "td", "th")
)
_ITEM_1A = re.compile(r"(?ims)^\s*item\s*1a\b.*?(?=^\s*item\s*(?:1b|1c|2|3)\b)")


def main() -> None:
    """Time one tool over all files."""
    tool, files = sys.argv[1], [Path(name) for name in sys.argv[2:]]
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    answer = _TOOLS[tool]()
    seconds, characters = 0.0, 0
    with contextlib.redirect_stdout(io.StringIO()):
        for file in files:
            began = time.perf_counter()
            characters += answer(_read(file), "10-Q" if "10-Q" in file.name else "10-K")
            seconds += time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "characters": characters}))


def _read(file: Path) -> str:
    data = file.read_bytes()
    return (gzip.decompress(data) if file.suffix == ".gz" else data).decode("utf-8", "replace")


def edgartools() -> Callable[[str, str], int]:
    """Return its answer to "Item 1A": parse, find the sections, take the text of one."""
    documents = importlib.import_module("edgar.documents")

    def item_1a(html: str, form: str) -> int:
        document = documents.parse_html(html, documents.ParserConfig(form=form))
        sections = document.sections
        name = next((name for name in sections if "1a" in name.lower()), None)
        return len(sections[name].text()) if name else 0

    return item_1a


def sec_parser() -> Callable[[str, str], int]:
    """Return its parse of a document into semantic elements; it knows no Items of a 10-K."""
    module = importlib.import_module("sec_parser")

    def parse(html: str, _form: str) -> int:
        return len(module.Edgar10QParser().parse(html))

    return parse


def naive() -> Callable[[str, str], int]:
    """Return the longest stretch from "Item 1A" to another Item, in the text of the blocks."""
    html = importlib.import_module("lxml.html")

    def longest(text: str, _form: str) -> int:
        parts: list[str] = []
        tree: Any = html.document_fromstring(text.encode())
        for element in tree.iter():
            if element.tag in _BLOCKS:
                parts.append("\n")
            if element.text and isinstance(element.tag, str):
                parts.append(element.text)
            if element.tail:
                parts.append(element.tail)
        return max((len(m.group()) for m in _ITEM_1A.finditer("".join(parts))), default=0)

    return longest


_TOOLS = {"naive": naive, "edgartools": edgartools, "sec-parser": sec_parser}


if __name__ == "__main__":
    main()
