"""Golden messages: what each transport carries, to the byte, in both modes."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from cloudevents.core.exceptions import CloudEventValidationError
from hypothesis import given, strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from cloudevents_schema import SCHEMA

from pipewarden.delivery.events.cloud import (
    cloud_event,
    full_type,
    in_header,
    json_of,
    nats_message,
    redis_fields,
    wanted,
)
from pipewarden.delivery.events.targets import kafka, rabbitmq, webhook
from pipewarden.store.state.outbox import OutboxEvent

ROW = OutboxEvent(
    type="io.pipewarden.item.quarantined",
    subject='run 1/Zoë "100%".htm',
    data={"n": 1, "reason": "café"},
    at=datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC),
    id="run 1/record/7",
)
EVENT = cloud_event(ROW)
DATA = b'{"n": 1, "reason": "caf\\u00e9"}'
WHOLE = (
    b'{"specversion": "1.0", "id": "run 1/record/7", "source": "/pipewarden", '
    b'"type": "io.pipewarden.item.quarantined", '
    b'"subject": "run 1/Zo\\u00eb \\"100%\\".htm", "time": "2026-03-01T12:00:00.250000Z", '
    b'"datacontenttype": "application/json", "data": {"n": 1, "reason": "caf\\u00e9"}}'
)
STRUCTURED = "application/cloudevents+json"


def attributes(prefix, subject='run 1/Zoë "100%".htm', identity="run 1/record/7"):
    return {
        f"{prefix}specversion": "1.0",
        f"{prefix}id": identity,
        f"{prefix}source": "/pipewarden",
        f"{prefix}type": "io.pipewarden.item.quarantined",
        f"{prefix}subject": subject,
        f"{prefix}time": "2026-03-01T12:00:00.250000Z",
    }


#: As HTTP's binding has it: UTF-8, and all but printable ASCII, quotes, spaces and "%" encoded.
IN_HEADERS = {"subject": "run%201/Zo%C3%AB%20%22100%25%22.htm", "identity": "run%201/record/7"}


def encoded(named):
    return {name: text.encode() for name, text in named.items()}


def test_a_file_has_the_json_event_format():
    assert json_of(EVENT) == WHOLE


def test_http_binary():
    message = webhook.message(EVENT, "binary")
    expected = {**attributes("ce-", **IN_HEADERS), "content-type": "application/json"}
    assert (message.headers, message.body) == (expected, DATA)


def test_http_structured():
    message = webhook.message(EVENT, "structured")
    assert (message.headers, message.body) == ({"content-type": STRUCTURED}, WHOLE)


def test_kafka_binary():
    expected = encoded({**attributes("ce_"), "content-type": "application/json"})
    assert kafka.message(EVENT, "binary") == (expected, ROW.subject, DATA)


def test_kafka_structured():
    expected = {"content-type": STRUCTURED.encode()}
    assert kafka.message(EVENT, "structured") == (expected, ROW.subject, WHOLE)


def test_rabbitmq_binary():
    message = rabbitmq.message(EVENT, "binary")
    assert (message.headers, message.content_type) == (attributes("ce-"), "application/json")
    assert message.body == DATA


def test_rabbitmq_structured():
    message = rabbitmq.message(EVENT, "structured")
    assert (message.headers, message.content_type, message.body) == ({}, STRUCTURED, WHOLE)


def test_nats_binary_keeps_the_content_type_among_the_attributes():
    expected = {**attributes("ce-", **IN_HEADERS), "ce-datacontenttype": "application/json"}
    assert nats_message(EVENT, structured=False) == (expected, DATA)


def test_nats_structured():
    assert nats_message(EVENT, structured=True) == ({"content-type": STRUCTURED}, WHOLE)


def test_redis_binary_names_its_fields_as_kafka_its_headers():
    expected = encoded({**attributes("ce_"), "content-type": "application/json"})
    assert redis_fields(EVENT, structured=False) == {**expected, "data": DATA}


def test_redis_structured():
    expected = {"content-type": STRUCTURED.encode(), "data": WHOLE}
    assert redis_fields(EVENT, structured=True) == expected


def test_the_same_row_gives_the_same_event():
    assert json_of(cloud_event(ROW)) == json_of(cloud_event(ROW))


@given(
    subject=st.text(min_size=1, max_size=30),
    identity=st.text(min_size=1, max_size=30),
    data=st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())),
    at=st.datetimes(timezones=st.just(UTC)),
)
def test_every_event_keeps_the_specification(subject, identity, data, at):
    row = OutboxEvent(
        type="io.pipewarden.job.started", subject=subject, data=data, at=at, id=identity
    )
    told = json.loads(json_of(cloud_event(row)))
    jsonschema.validate(told, SCHEMA)
    assert (told["id"], told["subject"], told["data"]) == (identity, subject, data)


@pytest.mark.parametrize("attribute", ["id", "subject", "type"])
def test_an_empty_attribute_is_no_cloud_event(attribute):
    row = {"type": "t", "subject": "s", "data": {}, "at": ROW.at, "id": "i", attribute: ""}
    with pytest.raises(CloudEventValidationError):
        cloud_event(OutboxEvent(**row))
    told = json.loads(json_of(EVENT)) | {attribute: ""}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(told, SCHEMA)


@given(st.text())
def test_a_header_is_printable_ascii(text):
    held = in_header(text)
    assert held.isascii()
    assert all("!" <= sign <= "~" for sign in held)


@pytest.mark.parametrize(
    ("prefix", "type_", "shown"),
    [
        ("io.pipewarden", "io.pipewarden.job.started", "io.pipewarden.job.started"),
        ("org.example.news", "io.pipewarden.job.started", "org.example.news.job.started"),
        ("org.example", "com.other.thing", "com.other.thing"),
    ],
)
def test_the_prefix_stands_in_place_of_our_own(prefix, type_, shown):
    row = OutboxEvent(type=type_, subject="s", data={}, at=ROW.at, id="i")
    assert full_type(row, prefix) == shown
    assert cloud_event(row, prefix).get_type() == shown


@pytest.mark.parametrize(
    ("patterns", "matches"),
    [
        (["*"], True),
        (["io.pipewarden.job.*"], True),
        (["io.pipewarden.*"], True),
        (["io.pipewarden.job.completed"], True),
        (["io.pipewarden.item.*", "*.completed"], True),
        (["job.completed"], False),  # types are full types
        (["completed"], False),
        (["io.pipewarden.job"], False),
        (["IO.PIPEWARDEN.JOB.*"], False),
        ([], False),
    ],
)
def test_patterns_are_of_full_types(patterns, matches):
    assert wanted("io.pipewarden.job.completed", patterns) is matches
