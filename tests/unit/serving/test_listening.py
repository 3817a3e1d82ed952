"""The socket that the service listens at."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_its_protocol_is_named_so_that_answers_are_sent_at_once(host):
    from pipewarden.app.api.serving import _listening

    with _listening(host, 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP  # asyncio sets TCP_NODELAY only then
