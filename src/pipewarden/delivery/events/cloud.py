"""From a row of the outbox to a CloudEvent, and from there to the bytes of a binding.

The official SDK writes the JSON format and the HTTP, Kafka and RabbitMQ bindings. NATS follows the
CloudEvents NATS protocol binding, whose headers obey the rules of HTTP's. Redis Streams has no
binding: its fields are named as Kafka's headers are.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipewarden.store.state.outbox import SOURCE, TYPE_PREFIX, OutboxEvent

if TYPE_CHECKING:
    from cloudevents.core.v1.event import CloudEvent

#: What HTTP's binding leaves as it is: all printable ASCII but space, quote and percent (3.1.3.2).
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


def full_type(event: OutboxEvent, prefix: str) -> str:
    """Return an event's type as receivers see it, under the prefix of the settings."""
    head, own, rest = event.type.partition(TYPE_PREFIX)
    return f"{prefix}{rest}" if own and not head else event.type


def wanted(event_type: str, patterns: Sequence[str]) -> bool:
    """Whether a full type matches a pattern such as ``io.pipewarden.job.*``; ``*`` spans dots."""
    return any(fnmatchcase(event_type, pattern) for pattern in patterns)


def cloud_event(event: OutboxEvent, prefix: str = TYPE_PREFIX) -> CloudEvent:
    """Return the CloudEvent of an outbox row: the same row gives the same event, id and all.

    Parameters
    ----------
    prefix
        What the event's type begins with in place of ``io.pipewarden``.

    Raises
    ------
    cloudevents.core.exceptions.CloudEventValidationError
        It breaks a rule of CloudEvents 1.0, such as an empty subject.
    """
    from cloudevents.core.v1.event import CloudEvent

    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": SOURCE,
        "type": full_type(event, prefix),
        "subject": event.subject,
        "time": event.at,
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes, dict(event.data))


def json_of(event: CloudEvent) -> bytes:
    """Return an event in the JSON event format."""
    from cloudevents.core.formats.json import JSONFormat

    return JSONFormat().write(event)


def in_header(value: str) -> str:
    """Return a value as HTTP's binding, and NATS' after it, writes it into a header."""
    return quote(value, safe=_PLAIN)


def nats_message(event: CloudEvent, *, structured: bool) -> tuple[dict[str, str], bytes]:
    """Return headers and payload by the CloudEvents NATS protocol binding.

    Unlike the other bindings' binary mode, ``datacontenttype`` is a header like any attribute:
    a content type stands for the structured mode.
    """
    if structured:
        return {"content-type": "application/cloudevents+json"}, json_of(event)
    return {f"ce-{name}": in_header(text) for name, text in _texts(event)}, _data(event)


def redis_fields(event: CloudEvent, *, structured: bool) -> dict[str, bytes]:
    """Return the fields of a stream entry: Kafka's headers by their names, and ``data``."""
    if structured:
        return {"content-type": b"application/cloudevents+json", "data": json_of(event)}
    fields = {
        "content-type" if name == "datacontenttype" else f"ce_{name}": text.encode()
        for name, text in _texts(event)
    }
    return {**fields, "data": _data(event)}


def _texts(event: CloudEvent) -> list[tuple[str, str]]:
    texts = []
    for name, value in event.get_attributes().items():
        text = value.isoformat().replace("+00:00", "Z") if name == "time" else str(value)
        texts.append((name, text))
    return texts


def _data(event: CloudEvent) -> bytes:
    from cloudevents.core.formats.json import JSONFormat

    return JSONFormat().write_data(event.get_data(), event.get_datacontenttype())
