"""What a line of an alert rule means, and what it makes of figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from pipewarden.core.monitoring.alerts.conditions import Look, condition, span
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.errors import InvalidSettings

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIGURES = st.floats(allow_nan=False, allow_infinity=False, width=32)
VALUED = ["> 0.3", ">= 1", "< 0.7", "<= 2", "== 0", "!= 0", "RMSE +20%", "AUC -5%"]
ALL = [*VALUED, "status breach", "status warn", "status missing", "silent 6h"]


def seen(value, status=ObservationStatus.OK):
    return Observation(
        check_id="c", at=AT, kind=SubjectKind.MODEL, subject="m", metric="x", value=value,
        status=status,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value", "reference", "look"),
    [
        ("> 0.3", 0.31, None, Look.BAD),
        ("> 0.3", 0.3, None, Look.GOOD),
        (">= 0.3", 0.3, None, Look.BAD),
        ("< -1e-3", -0.002, None, Look.BAD),
        ("== 0", 0.0, None, Look.BAD),
        ("!= 0", 0.0, None, Look.GOOD),
        ("RMSE +20%", 12.0, 10.0, Look.GOOD),
        ("RMSE +20%", 12.1, 10.0, Look.BAD),
        ("mape +15 %", 0.24, 0.2, Look.BAD),
        ("AUC -5%", 0.75, 0.8, Look.BAD),
        ("AUC -5%", 0.77, 0.8, Look.GOOD),
        ("+20%", -7.0, -10.0, Look.BAD),
        ("+20%", 0.0, 0.0, Look.GOOD),
        ("RMSE +20%", 99.0, None, Look.UNKNOWN),
        ("RMSE +20%", 99.0, float("nan"), Look.UNKNOWN),
        ("> 0.3", float("nan"), None, Look.UNKNOWN),
        ("> 0.3", None, None, Look.UNKNOWN),
    ],
)
def test_a_figure_is_beyond_a_limit_or_not(text, value, reference, look):
    assert condition(text).look(seen(value), reference) is look


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("status breach", {"breach"}),
        ("status warn", {"breach", "warn"}),
        ("status missing", {"not_computable"}),
    ],
)
def test_a_status_is_bad_or_good(text, bad):
    held = condition(text)
    found = {s: held.look(seen(None, s)) for s in ObservationStatus}
    assert {s.value for s, look in found.items() if look is Look.BAD} == bad


@given(text=st.sampled_from(ALL), value=FIGURES | st.none(), reference=FIGURES | st.none())
def test_a_figure_that_could_not_be_had_is_no_all_clear(text, value, reference):
    held = condition(text)
    look = held.look(seen(value, ObservationStatus.NOT_COMPUTABLE), reference)
    if text == "status missing":
        assert look is Look.BAD
    elif text != "silent 6h":
        assert look is Look.UNKNOWN


@given(
    percent=st.integers(0, 500),
    reference=st.floats(0.01, 1e6),
    small=st.floats(-1e6, 1e6),
    more=st.floats(0, 1e6),
)
def test_a_larger_figure_is_never_less_of_a_rise(percent, reference, small, more):
    held = condition(f"+{percent}%")
    looks = [held.look(seen(value), reference) for value in (small, small + more)]
    assert looks != [Look.BAD, Look.GOOD]


@pytest.mark.parametrize(
    "text",
    ["", "0.3", "> x", "RMSE 20%", "status", "status good", "silent", "silent x", "+-3%", "> 1 2"],
)
def test_what_says_nothing_is_refused(text):
    with pytest.raises(InvalidSettings):
        condition(text)


def test_spans():
    found = [span(text) for text in ("90s", "15m", "6h", "2d", " 0m ")]
    assert found == [
        timedelta(seconds=90), timedelta(minutes=15), timedelta(hours=6), timedelta(days=2),
        timedelta(0),
    ]  # fmt: skip
    for text in ("", "m", "1w", "-1m", "1.5h", "9999999d"):
        with pytest.raises(InvalidSettings):
            span(text)
