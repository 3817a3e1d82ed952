"""What is written to people: harmless on one line, whatever foreign words it holds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from pipewarden.core.monitoring.alerts.incidents import Incident, IncidentState
from pipewarden.core.monitoring.alerts.messages import Part, facts, figure, lasting, message
from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.core.monitoring.alerts.schedule import Purpose
from pipewarden.core.monitoring.observations import SubjectKind

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HELD = Incident(
    id=1, fingerprint="f", state=IncidentState.OPEN, severity=Severity.CRITICAL, rule="r",
    condition="> 1", kind=SubjectKind.MODEL, subject="m", environment="", metric="x", feature="",
    missing=False, version=None, window="", value=2.0, limit=1.0, sample=None, reason="", owner="",
    runbook="", check_id="c", count=1, good=0, started_at=AT, seen_at=AT, bad_at=AT,
)  # fmt: skip


def written(*parts, at=AT):
    return message(parts, id="msg_1", at=at)


@given(words=st.text(), name=st.text())
def test_a_subject_is_one_line_and_every_line_of_the_text_is_ours(words, name):
    held = replace(HELD, reason=words, subject=name, owner=words, check_id=words)
    told = written(Part(incident=held, purpose=Purpose.RAISED))
    assert told.subject.isprintable()
    assert all(line.startswith(("#1 ", "  ")) for line in told.text.splitlines())
    json.dumps(told.facts)


def test_the_gravest_comes_first_and_what_is_over_last():
    grave, mild = HELD, replace(HELD, id=2, severity=Severity.WARNING, subject="n")
    over = replace(HELD, id=3, resolved_at=AT, resolved_by="ada", resolved_reason="done")
    told = written(
        Part(incident=over, purpose=Purpose.RESOLVED),
        Part(incident=mild, purpose=Purpose.RAISED),
        Part(incident=grave, purpose=Purpose.REMINDED),
    )
    assert told.subject == "[CRITICAL, still open] m: x is 2, limit 1 (and 2 more)"
    assert [line[:2] for line in told.text.splitlines() if line[0:1] == "#"] == ["#1", "#2", "#3"]


def test_a_flood_is_cut_and_says_where_the_rest_is():
    parts = [Part(incident=replace(HELD, id=n), purpose=Purpose.RAISED) for n in range(1, 41)]
    told = written(*parts)
    assert "… and 15 more: pipewarden alerts list" in told.text
    assert len(told.facts["incidents"]) == 40


def test_it_says_for_how_long_and_that_it_is_over():
    held = replace(
        HELD, count=1_200, resolved_at=AT + timedelta(hours=3), resolved_by="pipewarden",
        resolved_reason="2 good observations in a row",
    )  # fmt: skip
    text = written(Part(incident=held, purpose=Purpose.RESOLVED)).text
    assert "since    2026-03-01 12:00 UTC (3 h), seen 1,200 times, over at 2026-03-01 15:00" in text
    assert "next" not in text


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.61234, "0.6123"), (1204.0, "1,204"), (12.5, "12.5"), (12345.678, "12,345.68"), (0, "0")],
)
def test_figures_have_the_digits_that_mean_something(value, words):
    assert figure(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (90, "1 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_spans_are_told_in_their_largest_unit(seconds, words):
    assert lasting(AT + timedelta(seconds=seconds), AT) == words


def test_facts_are_plain_values():
    held = facts(HELD)
    assert held["severity"] == "critical"
    assert held["started_at"] == "2026-03-01T12:00:00+00:00"
    assert type(held["state"]) is str
