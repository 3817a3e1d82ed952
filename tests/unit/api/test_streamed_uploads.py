"""Lines that are uploaded bit by bit: answered on the way, and bounded though no length is said."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import httpx
import pytest

PATH = "/v1/preprocess/batch-file?pipeline=words"
LINES = {"content-type": "application/x-ndjson"}


class Upload:
    """A request whose body is sent in chunks, and whose answer is read meanwhile."""

    def __init__(self, wire: socket.socket, answer: IO[bytes]) -> None:
        self._wire, self._answer = wire, answer
        wire.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )

    def send(self, data: bytes) -> None:
        self._wire.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self._wire.sendall(b"0\r\n\r\n")

    def status(self) -> int:
        """Return the status, once the head of the answer is there; skip the head."""
        status = int(self._answer.readline().split()[1])
        while self._answer.readline().strip():
            pass
        return status

    def chunk(self) -> bytes:
        """Return the next chunk of the answer; empty at its end."""
        data = self._answer.read(int(self._answer.readline(), 16))
        self._answer.readline()
        return data


@contextmanager
def upload(api: httpx.Client) -> Iterator[Upload]:
    place = (api.base_url.host, api.base_url.port)
    with socket.create_connection(place, timeout=60) as wire, wire.makefile("rb") as answer:
        yield Upload(wire, answer)


def line(number: int) -> bytes:
    return json.dumps({"id": f"d{number}", "text": "one"}).encode() + b"\n"


def test_the_first_answer_is_there_before_the_last_line_is_sent(api: httpx.Client) -> None:
    with upload(api) as sent:
        for number in range(9):
            sent.send(line(number))
        assert sent.status() == 200
        first = sent.chunk()
        sent.send(line(9))
        sent.end()
        rest = b"".join(iter(sent.chunk, b""))
    told = [json.loads(one) for one in (first + rest).splitlines()]
    assert json.loads(first.splitlines()[0])["key"] == "d0"
    assert [(one["key"], one["outcome"]) for one in told] == [
        (f"d{number}", "accepted") for number in range(10)
    ]


def test_a_line_that_is_sent_in_halves_is_one(api: httpx.Client) -> None:
    with upload(api) as sent:
        whole = line(1) + line(2)
        for start in range(0, len(whole), 7):
            sent.send(whole[start : start + 7])
        sent.end()
        assert sent.status() == 200
        told = b"".join(iter(sent.chunk, b"")).splitlines()
    assert [json.loads(one)["key"] for one in told] == ["d1", "d2"]


def unsaid(data: bytes) -> Iterator[bytes]:
    """Yield a body in pieces, so that its length is not said."""
    for start in range(0, len(data), 50_000):
        yield data[start : start + 50_000]


def form(data: bytes) -> tuple[bytes, dict[str, str]]:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
    return head + data + b"\r\n--b--\r\n", {"content-type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize("shape", [lambda data: (data, LINES), form])
def test_more_than_may_be_uploaded_is_refused_though_no_length_is_said(
    api: httpx.Client, shape: Any
) -> None:
    content, headers = shape(b"x" * 200_001)
    answer = api.post(PATH, content=unsaid(content), headers=headers)
    assert answer.request.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in answer.request.headers
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_documents_for_a_job_are_bounded_though_no_length_is_said(api: httpx.Client) -> None:
    before = api.get("/v1/jobs").json()["total"]
    path = "/v1/documents/batch?pipeline=words"
    many = b"".join(line(number) for number in range(10)) + b"x" * 200_000
    answer = api.post(path, content=unsaid(many), headers=LINES)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert api.get("/v1/jobs").json()["total"] == before


def test_an_upload_that_turns_out_too_long_says_so_behind_what_was_answered(
    api: httpx.Client,
) -> None:
    with upload(api) as sent:
        for number in range(9):
            sent.send(line(number))
        assert sent.status() == 200
        first = sent.chunk()
        for _ in range(5):
            sent.send(b"x" * 50_000)
        sent.end()
        told = [json.loads(one) for one in (first + b"".join(iter(sent.chunk, b""))).splitlines()]
    assert [one["key"] for one in told[:9]] == [f"d{number}" for number in range(9)]
    assert told[-1]["reason"] == "body_too_large"
