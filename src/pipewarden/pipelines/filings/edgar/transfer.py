"""One document, from EDGAR to a complete file: streamed, resumed, verified.

The bytes gather in ``.<name>.part``; ``.<name>.part.json`` says which version of which document
they begin. Nothing under the final name is ever touched here.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipewarden.pipelines.filings.edgar.answers import (
    HEAD_BYTES,
    TAIL_BYTES,
    BadAnswer,
    Refused,
    Retriable,
    judge_document,
)
from pipewarden.pipelines.filings.edgar.client import EdgarClient
from pipewarden.pipelines.filings.edgar.storage import storage_errors

if TYPE_CHECKING:
    import httpx

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Version:
    """Which version of a document a part belongs to."""

    url: str
    #: A strong ETag or a Last-Modified date, for ``If-Range`` (RFC 9110, section 13.1.5); or empty.
    validator: str
    #: The whole length in bytes, where the server states it.
    length: int | None
    #: Whether the protocol shows where the body ends (a stated length, or chunks).
    delimited: bool


class Part:
    """The bytes of a document that are here already; survives a kill at any instant."""

    def __init__(self, folder: Path, name: str, url: str) -> None:
        self.path = folder / f".{name}.part"
        self._facts = folder / f".{name}.part.json"
        self.version = self._load(url)
        if self.version is None:
            self.discard()

    def _load(self, url: str) -> Version | None:
        try:
            version = Version(**json.loads(self._facts.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return version if version.url == url and version.validator and self.path.exists() else None

    @property
    def size(self) -> int:
        """How many bytes are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def complete(self) -> bool:
        """Whether the stated length is reached."""
        return self.version is not None and self.size == self.version.length

    @property
    def resumable(self) -> bool:
        """Whether the server can be asked for the rest of the very same version."""
        return self.version is not None and bool(self.version.validator) and self.size > 0

    def begin(self, version: Version) -> None:
        """Start again from nothing, for this version."""
        self.discard()
        self.path.touch()
        # Not forced to disk: facts that are torn or lost only mean to start again.
        self._facts.write_text(json.dumps(asdict(version)), encoding="utf-8")
        self.version = version

    def discard(self) -> None:
        """Forget the bytes; the facts go first, because they vouch for the bytes."""
        self.version = None
        self._facts.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


def fetch(client: EdgarClient, url: str, part: Part) -> None:
    """Bring a part to completion, and verify that it is the document.

    Raises
    ------
    EdgarError
        The document cannot be had; what came of it stays where it can be resumed.
    DestinationUnusable
        The disk is full, or the folder cannot be written.
    """

    def ask() -> dict[str, str]:
        # Without compression a stated length and a range count the very bytes that are stored.
        headers = {"Accept-Encoding": "identity"}
        if part.version is not None and part.resumable:
            headers |= {"Range": f"bytes={part.size}-", "If-Range": part.version.validator}
        return headers

    def read(response: httpx.Response) -> None:
        _receive(client, response, url, part)
        _verify(url, part)

    with storage_errors(part.path.parent):
        if part.complete and _passes(url, part):
            return
        client.request(url, read, ask)


def _receive(client: EdgarClient, response: httpx.Response, url: str, part: Part) -> None:
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    if response.status_code == 200:
        part.begin(_version(response, url, encoded=encoded))
    elif encoded or not _continues(response, part):
        part.discard()
        raise BadAnswer(f"{url} answered with another range than was asked for")
    size, limit = part.size, client.settings.max_document_bytes
    stated = part.version.length if part.version else None
    body = response.iter_bytes() if encoded else response.iter_raw()
    with part.path.open("ab") as file:
        for piece in client.pieces(response, body):
            size += len(piece)
            if max(size, stated or 0) > limit:
                part.discard()
                raise Refused(f"{url} is larger than {limit:,} bytes", reason="too_large")
            file.write(piece)
            file.flush()  # a kill must not take what has come


def _version(response: httpx.Response, url: str, *, encoded: bool) -> Version:
    headers = response.headers
    if encoded:  # decoded bytes have no address in the server's representation: no resuming
        return Version(url, "", None, delimited=True)
    etag = headers.get("ETag", "")
    strong = etag if etag.startswith('"') else ""
    stated = headers.get("Content-Length", "")
    length = int(stated) if stated.isdecimal() else None
    chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
    validator = strong or headers.get("Last-Modified", "")
    return Version(url, validator, length, delimited=chunked or length is not None)


def _continues(response: httpx.Response, part: Part) -> bool:
    """Return whether a 206 answer is the rest of the very version that the part begins."""
    version, headers = part.version, response.headers
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if response.status_code != 206 or version is None or match is None:
        return False
    start, last, length = (int(number) for number in match.groups())
    if start != part.size or last + 1 != length or version.length not in {None, length}:
        return False
    etag = headers.get("ETag", "")
    return not (etag and version.validator.startswith('"')) or etag == version.validator


def _verify(url: str, part: Part) -> None:
    version = part.version
    assert version is not None, "a received part has a version"
    try:
        size = part.size
        if version.length is not None and size != version.length:
            raise BadAnswer(f"{url} gave {size:,} of {version.length:,} bytes")
        with part.path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            file.seek(max(0, size - TAIL_BYTES))
            tail = file.read()
        judge_document(url, head, tail, size, length_known=version.delimited)
    except Retriable:
        part.discard()
        raise


def _passes(url: str, part: Part) -> bool:
    """Return whether a part that a killed run completed is the document; else discard it."""
    try:
        _verify(url, part)
    except Retriable:
        return False
    return True
