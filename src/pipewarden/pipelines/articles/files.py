"""Records from files of a folder, and the look at a file of records before it is run."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pipewarden as pw
from pipewarden.pipelines.articles.records import article_of

PATTERNS = ("*.html", "*.htm", "*.txt", "*.json")
#: Bytes of a line, or of a file with one article, above which it is refused.
MAX_BYTES = 64 << 20
_GZIP = b"\x1f\x8b"


def record_of_file(path: Path, root: Path | None = None) -> Mapping[str, Any]:
    """Return the record that a file of a folder holds.

    A page or a plain text is the article's text, and its name the path below the folder; of a page
    also what it says of title, author, date and tags. A JSON file holds the record itself, which
    gets that name where it has none of its own.

    Parameters
    ----------
    path
        A file ``.html``, ``.htm``, ``.txt`` or ``.json``.
    root
        The folder that names are relative to; without it the file's own name is used.

    Raises
    ------
    BadInput
        The file is empty, too large, no text, or no JSON object.
    """
    name = (path.relative_to(root) if root is not None else Path(path.name)).as_posix()
    if path.stat().st_size > MAX_BYTES:
        raise pw.BadInput("too_large", f"the file has more than {MAX_BYTES:,} bytes")
    data = path.read_bytes()
    if not data.strip():
        raise pw.BadInput("empty_file", "the file is empty")
    if path.suffix.lower() != ".json":
        text = _decoded(data)
        return {"document_id": name, "text": text, **_said_of_itself(text)}
    record = parse_line(data)
    return record if record.get("document_id") else {**record, "document_id": name}


def _said_of_itself(text: str) -> dict[str, Any]:
    """Return what a whole page says of its article; nothing for other texts."""
    from pipewarden.pipelines.articles.text.pages import is_page, page_facts

    if not is_page(text):
        return {}
    facts = dataclasses.asdict(page_facts(text))
    return {name: value for name, value in facts.items() if value}


def _decoded(data: bytes) -> str:
    """Return text: UTF-8, UTF-16 by its mark, else Windows-1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if b"\x00" in data:
        raise pw.BadInput("binary_file", "the file is no text")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("utf-8-sig", "replace")


def parse_line(line: bytes) -> dict[str, Any]:
    """Return the record of one line of JSON.

    Raises
    ------
    BadInput
        The line is too long, no UTF-8, no JSON, or no object.
    """
    if len(line) > MAX_BYTES:
        raise pw.BadInput("too_large", f"the line has more than {MAX_BYTES:,} bytes")
    try:
        held = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise pw.BadInput("not_utf8", f"not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise pw.BadInput("not_json", f"not JSON: {error}") from None
    if not isinstance(held, dict):
        raise pw.BadInput("not_an_object", f"JSON, but no object: {type(held).__name__}")
    return held


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line that holds no article.

    Parameters
    ----------
    line
        Its number, from 1.
    reason
        A short machine-readable code.
    message
        The sentence for a person.
    """

    line: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Validation:
    """What a file of records holds.

    Parameters
    ----------
    lines
        Lines that are not blank.
    articles
        Those that hold an article.
    faults
        The others, and repeated ids.
    """

    lines: int
    articles: int
    faults: tuple[LineFault, ...]


def validate(path: Path) -> Validation:
    """Return what is wrong with the lines of a JSONL file; nothing is cleaned.

    The file is streamed, and may be compressed with gzip.

    Parameters
    ----------
    path
        The file; ``.gz`` or not is told by its first bytes.
    """
    lines = good = 0
    faults: list[LineFault] = []
    first_seen: dict[str, int] = {}
    for number, line in _lines(path):
        if isinstance(line, pw.BadInput):
            faults.append(LineFault(number, line.reason, line.message))
            break
        if not line.strip():
            continue
        lines += 1
        try:
            article = article_of(parse_line(line))
            if not article.document_id.strip():
                raise pw.BadInput("missing_document_id", "the record has no field 'document_id'")
            first = first_seen.setdefault(article.document_id, number)
            if first != number:
                raise pw.BadInput("repeated_document_id", f"the id is that of line {first}")
        except pw.BadInput as error:
            faults.append(LineFault(number, error.reason, error.message))
        else:
            good += 1
    return Validation(lines, good, tuple(faults))


def _lines(path: Path) -> Iterator[tuple[int, bytes | pw.BadInput]]:
    """Yield the lines with their numbers; a damaged archive ends them with what is wrong."""
    number = 0
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == _GZIP
        stream = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw
        try:
            while line := stream.readline(MAX_BYTES + 1):
                number += 1
                yield number, line
                while len(line) > MAX_BYTES and not line.endswith(b"\n"):
                    line = stream.readline(MAX_BYTES + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            yield number + 1, pw.BadInput("damaged_gzip", f"the archive is damaged: {error}")
