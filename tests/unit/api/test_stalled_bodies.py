"""A body that stops coming is given up, with an answer that says so."""

from __future__ import annotations

import socket

from pipewarden.app.api.edge import bodies


def test_a_body_that_stalls_ends_with_a_problem(api, monkeypatch):
    monkeypatch.setattr(bodies, "_SILENCE", 0.05)
    address = (api.base_url.host, api.base_url.port)
    with socket.create_connection(address, timeout=60.0) as held:
        held.sendall(
            b"POST /v1/preprocess HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            b'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"pipeline": '
        )
        with held.makefile("rb") as answer:
            status = answer.readline()
            headers, body = answer.read().split(b"\r\n\r\n", 1)
    assert status.split()[1] == b"408"
    assert b"content-type: application/problem+json" in headers.lower()
    assert b"urn:pipewarden:problem:body_timeout" in body
