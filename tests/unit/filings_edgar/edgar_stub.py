"""A small EDGAR on 127.0.0.1 that misbehaves as it is told to, and a clock that never waits."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RATE_PAGE = b"<html><head><title>SEC.gov | Request Rate Threshold Exceeded</title></head></html>"
START = datetime(2025, 11, 1, 12, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps (or by ``tick`` at every look)."""

    time: float = 0.0
    tick: float = 0.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        self.time += self.tick
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.time)


@dataclass
class Resource:
    """What lies under one path; each mishap is spent on one request, then it is served well."""

    body: bytes
    etag: str = ""
    last_modified: str = ""
    ranges: bool = True
    chunked: bool = False
    mishaps: deque[Mishap] = field(default_factory=deque)


Mishap = Callable[["Handler", Resource], None]


@dataclass(frozen=True)
class Seen:
    """One request, as the server saw it."""

    path: str
    headers: dict[str, str]
    #: The client's own clock, where the test shares it.
    at: float


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: EdgarStub

    def do_GET(self) -> None:
        stub = self.server
        headers = {name.lower(): value for name, value in self.headers.items()}
        stub.seen.append(Seen(self.path, headers, stub.clock.time))
        resource = stub.resources.get(self.path)
        if resource is None:
            answer(self, 404, b"<html>no such page</html>")
        elif resource.mishaps:
            resource.mishaps.popleft()(self, resource)
        else:
            serve(self, resource)

    def log_message(self, *args: object) -> None:
        """Stay silent."""


class EdgarStub(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.clock = clock
        self.resources: dict[str, Resource] = {}
        self.seen: list[Seen] = []
        #: Set when a stalled answer has sent what it will send.
        self.stalled = threading.Event()
        #: Set to let stalled answers end.
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of the server."""

    def put(self, path: str, body: Any, *mishaps: Mishap, **facts: Any) -> Resource:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.resources[path] = Resource(raw, mishaps=deque(mishaps), **facts)
        return self.resources[path]

    def company(self, cik: int, rows: list[dict[str, str]], /, **facts: Any) -> None:
        """Offer a company's record and, where it has none yet, a body for each document."""
        record = {"cik": str(cik), "name": "Widget & Sons, Inc.", "sic": "3571"}
        record |= {"sicDescription": "Electronic Computers", "fiscalYearEnd": "1231"}
        listing = {"recent": columns(rows), "files": []}
        self.put(f"/submissions/CIK{cik:010d}.json", record | {"filings": listing} | facts)
        for filing in rows:
            path = document_path(cik, filing)
            if path not in self.resources:
                self.put(path, document(filing["accessionNumber"]), etag='"v1"')

    def paths(self, containing: str = "") -> list[str]:
        return [seen.path for seen in self.seen if containing in seen.path]


def row(number: int, year: int, form: str = "10-K", **facts: str) -> dict[str, str]:
    return {
        "accessionNumber": f"0000000042-{year % 100:02d}-{number:06d}",
        "filingDate": f"{year + 1}-02-15",
        "reportDate": f"{year}-12-31",
        "form": form,
        "primaryDocument": f"widget-{year}.htm",
    } | facts


def columns(filings: list[dict[str, str]]) -> dict[str, list[str]]:
    names = ("accessionNumber", "filingDate", "reportDate", "form", "primaryDocument")
    return {name: [filing[name] for filing in filings] for name in names}


def document_path(cik: int, filing: dict[str, str]) -> str:
    accession = filing["accessionNumber"]
    name = filing["primaryDocument"] or f"{accession}.txt"
    return f"/Archives/edgar/data/{cik}/{accession.replace('-', '')}/{name}"


def document(accession: str, paragraphs: int = 200) -> bytes:
    text = "".join(f"<p>{n}: risks of {accession}</p>\n" for n in range(paragraphs))
    return f"<html><body>{text}</body></html>\n".encode()


def answer(handler: Handler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def serve(handler: Handler, resource: Resource) -> None:
    start, body = _range_start(handler, resource), resource.body
    handler.send_response(206 if start else 200)
    if start:
        whole = len(body)
        handler.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
    _send_head(handler, resource, len(body) - start)
    if resource.chunked:
        for piece in (body[start : start + 100], body[start + 100 :]):
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")
    else:
        handler.wfile.write(body[start:])


def _range_start(handler: Handler, resource: Resource) -> int:
    asked, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
    current = condition in {resource.etag, resource.last_modified}
    if not (asked and resource.ranges and current):
        return 0
    return int(asked.removeprefix("bytes=").removesuffix("-"))


def _send_head(handler: Handler, resource: Resource, length: int) -> None:
    if resource.etag:
        handler.send_header("ETag", resource.etag)
    if resource.last_modified:
        handler.send_header("Last-Modified", resource.last_modified)
    if resource.chunked:
        handler.send_header("Transfer-Encoding", "chunked")
    else:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()


# Mishaps ----------------------------------------------------------------------------------------


def status(code: int, body: bytes = b"", **headers: str) -> Mishap:
    return lambda handler, _: answer(handler, code, body, **headers)


def page(body: bytes, content_type: str = "text/html") -> Mishap:
    return lambda handler, _: answer(handler, 200, body, Content_Type=content_type)


def cut_after(count: int) -> Mishap:
    """State the whole length, send so many bytes, and close."""

    def cut(handler: Handler, resource: Resource) -> None:
        handler.send_response(200)
        _send_head(handler, resource, len(resource.body))
        piece = resource.body[:count]
        framed = f"{count:x}\r\n".encode() + piece + b"\r\n"
        handler.wfile.write(framed if resource.chunked else piece)
        handler.close_connection = True

    return cut


def reset_after(count: int) -> Mishap:
    """Like `cut_after`, but with a TCP reset."""

    def reset(handler: Handler, resource: Resource) -> None:
        cut_after(count)(handler, resource)
        linger = struct.pack("ii", 1, 0)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        handler.connection.close()

    return reset


def stall_after(count: int) -> Mishap:
    """Send so many bytes of the whole, then nothing until the test releases it."""

    def stall(handler: Handler, resource: Resource) -> None:
        cut_after(count)(handler, resource)
        handler.wfile.flush()
        handler.server.stalled.set()
        handler.server.released.wait(30)

    return stall


def without_length(body: bytes) -> Mishap:
    """State no length, send, and close: nobody can tell whether that was all."""

    def send(handler: Handler, resource: Resource) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return send


@contextmanager
def running(clock: FakeClock | None = None) -> Iterator[EdgarStub]:
    stub = EdgarStub(clock or FakeClock())
    thread = threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stub
    finally:
        stub.released.set()
        stub.shutdown()
        thread.join()
        stub.server_close()
