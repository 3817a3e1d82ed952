"""How a document process and the service speak: a header of plain values, and bytes as they are."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import IO, Any, Protocol

import orjson

#: The lengths of header and payload, 32 bits each, big-endian.
_LENGTHS = struct.Struct(">II")


class Reader(Protocol):
    """What an asyncio stream reader is to this module."""

    async def readexactly(self, n: int) -> bytes:
        """Return exactly ``n`` bytes, or raise EOFError."""
        ...


def frame(header: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """Return a message as it travels."""
    held = orjson.dumps(header)
    return _LENGTHS.pack(len(held), len(payload)) + held + payload


def read(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Return the next message.

    Raises
    ------
    EOFError
        The other side has closed.
    """
    header, payload = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    return orjson.loads(_exactly(stream, header)), _exactly(stream, payload)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


async def receive(stream: Reader) -> tuple[dict[str, Any], bytes]:
    """Return the next message of an asyncio stream.

    Raises
    ------
    EOFError
        The other side has closed.
    """
    header, payload = _LENGTHS.unpack(await stream.readexactly(_LENGTHS.size))
    return orjson.loads(await stream.readexactly(header)), await stream.readexactly(payload)
