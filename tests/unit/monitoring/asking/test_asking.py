"""An endpoint is well when it says so in time; whatever else happens is told in words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipewarden.errors import InvalidSettings
from pipewarden.jobs.monitoring.watching.asking import ask


class _Endpoint(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = int(self.path.strip("/").partition("?")[0])
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "well"), [(200, True), (204, True), (302, False), (503, False)])
def test_an_answer_of_the_200s_is_well(address, status, well):
    answer = ask(f"{address}/{status}?x=1", 10.0)
    assert (answer.well, answer.said) == (well, "" if well else f"it answered {status}")
    assert answer.seconds > 0


def test_nobody_there_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        port = taken.getsockname()[1]
        answer = ask(f"http://127.0.0.1:{port}/", 10.0)
    assert not answer.well
    assert "ConnectionRefusedError" in answer.said


def test_silence_ends_with_patience():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        answer = ask(f"http://127.0.0.1:{silent.getsockname()[1]}/", 0.05)
    assert (answer.well, answer.said) == (False, "no answer within 0.05 s")


@pytest.mark.parametrize("url", ["ftp://a/b", "http://", "/ready", "file:///etc/passwd"])
def test_what_is_no_http_address_is_refused(url):
    with pytest.raises(InvalidSettings, match="no HTTP address"):
        ask(url, 1.0)
