"""A delivery as bytes: as JSON with its document inside, and as a line of a spool."""

from __future__ import annotations

from typing import Any

import orjson

from pipewarden.core.canonical import digest
from pipewarden.core.sinks import Delivery

#: What stands between header and document in a spool; JSON never holds it bare.
_TAB = b"\t"


def envelope(delivery: Delivery) -> bytes:
    """Return a delivery as one JSON object: where it is from, and ``document`` or ``withdrawn``."""
    return orjson.dumps(_envelope(delivery))


def _envelope(delivery: Delivery) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": delivery.id,
        "pipeline": delivery.pipeline,
        "key": delivery.key,
        "version": delivery.version,
        "content_hash": delivery.content_hash,
        "fingerprint": delivery.fingerprint,
        "input_hash": delivery.input_hash,
        "run_id": delivery.run_id,
        "at": delivery.at,
    }
    if delivery.document is None:
        return {**told, "withdrawn": True}
    return {**told, "document": orjson.Fragment(delivery.document)}


def refusal(delivery: Delivery, reason: str, error: str, at: str) -> bytes:
    """Return the line that keeps what a sink will never take, and why."""
    refused = {"reason": reason, "error": error, "at": at}
    line = {"refused": refused, **_envelope(delivery)}
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def spool_line(delivery: Delivery) -> bytes:
    """Return a delivery as one line: its header, a tab, and the document byte for byte."""
    head = {
        "run_id": delivery.run_id,
        "pipeline": delivery.pipeline,
        "key": delivery.key,
        "input_hash": delivery.input_hash,
        "fingerprint": delivery.fingerprint,
        "at": delivery.at,
        "content_hash": delivery.content_hash,
        "withdrawn": delivery.document is None,
    }
    return orjson.dumps(head) + _TAB + (delivery.document or b"") + b"\n"


def header_of(line: bytes) -> dict[str, Any]:
    """Return the header of a spool's line; its document is not looked at.

    Raises
    ------
    ValueError
        The line is damaged.
    """
    head = orjson.loads(line.partition(_TAB)[0])
    if not isinstance(head, dict) or "withdrawn" not in head:
        raise ValueError("no header of a spool")
    return head


def from_spool_line(line: bytes) -> Delivery:
    """Return the delivery of a spool's line.

    Raises
    ------
    ValueError
        The line is damaged.
    """
    head = header_of(line)
    withdrawn = head.pop("withdrawn")
    document = None if withdrawn else line.rstrip(b"\n").partition(_TAB)[2]
    try:
        delivery = Delivery(**head, document=document)
    except TypeError as error:
        raise ValueError(f"no header of a spool: {error}") from error
    if document is not None and digest(document) != delivery.content_hash:
        raise ValueError("the document is not the one that was spooled")
    return delivery
