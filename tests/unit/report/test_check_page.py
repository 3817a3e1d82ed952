"""The page of a check says what needs somebody first, shows the past, is deaf to what it tells."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

from pipewarden.core.monitoring.observations import (
    Observation,
    ObservationStatus as Status,
    SubjectKind,
)
from pipewarden.report.monitoring.facts import CheckFacts, as_document, key_of
from pipewarden.report.monitoring.page import check_page

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def observation(metric: str = "drift.feature", status: Status = Status.OK, **also) -> Observation:
    fields = {"check_id": "check_1", "at": AT, "kind": SubjectKind.MODEL, "subject": "credit/m"}
    return Observation(**{**fields, "metric": metric, "status": status, **also})


def facts(*standing: Observation, **also) -> CheckFacts:
    return CheckFacts(check_id="check_1", at=AT, standing=standing, **also)


BREACH = observation(
    status=Status.BREACH, value=0.31, threshold=0.1, feature="income", window="24h",
    environment="production", version=3, sample=2_000, reason="it moved",
)  # fmt: skip


def test_what_is_beyond_its_limit_comes_first_and_says_by_how_much():
    page = check_page(facts(observation("queue.depth", value=3.0), BREACH))
    assert "1 figure beyond its limit" in page
    card = page[page.index("Needs attention") : page.index('<h2 id="section-1"')]
    for words in ("0.31", "limit 0.1", "sample 2,000", "income · 24h", "it moved", "production"):
        assert words in card
    assert "queue.depth" not in card


def test_the_past_is_drawn_with_its_limit():
    past = [(AT - timedelta(hours=n), n / 100) for n in range(10, 0, -1)]
    page = check_page(facts(BREACH, past={key_of(BREACH): past}))
    assert page.count("<svg") >= 3  # a card's chart, a sparkline, the bars of columns
    assert "limit</text>" in page


def test_a_page_without_trouble_says_so():
    page = check_page(facts(observation("queue.depth", value=3.0)))
    assert "Everything that could be checked is well" in page
    assert "Needs attention" not in page


def test_a_part_that_failed_is_never_well():
    page = check_page(facts(failures={"sinks": "its spool does not read"}))
    assert "Everything" not in page
    assert "its spool does not read" in page


def test_whatever_is_observed_renders_as_text_and_nothing_is_loaded():
    evil = '<script>alert(1)</script>"\u202e'
    held = observation(
        status=Status.BREACH, value=1.0, threshold=0.1, feature=evil, reason=evil, window=evil,
        subject=evil, environment=evil,
    )  # fmt: skip
    past = [(AT - timedelta(hours=1), 0.0), (AT, 1.0)]
    page = check_page(facts(held, past={key_of(held): past}, failures={evil: evil}))
    assert "<script" not in page
    assert "\u202e" not in page
    assert not re.search(r"(src|href)=", page)
    assert "default-src 'none'" in page


def test_the_json_has_every_observation_with_its_unit():
    told = json.loads(json.dumps(as_document(facts(BREACH, failures={"a": "b"}))))
    assert told["counts"] == {"breach": 1, "warn": 0, "not_computable": 0, "ok": 0}
    assert told["failures"] == {"a": "b"}
    (one,) = told["observations"]
    assert (one["metric"], one["value"], one["unit"], one["status"]) == (
        "drift.feature", 0.31, "1", "breach",
    )  # fmt: skip
