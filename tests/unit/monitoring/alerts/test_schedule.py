"""When an incident is told, told again, and told to the next level."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given, strategies as st

from pipewarden.core.monitoring.alerts.conditions import Look, condition
from pipewarden.core.monitoring.alerts.incidents import IncidentState, Sighting, folded
from pipewarden.core.monitoring.alerts.rules import ALL, Level, Plan, Rule, Severity, fingerprint
from pipewarden.core.monitoring.alerts.schedule import (
    Mute,
    Purpose,
    due,
    last_digest,
    muted_until,
    next_digest,
)
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TIMES = st.integers(0, 10**7).map(lambda minutes: AT + minutes * MINUTE)
STEPS = st.lists(st.integers(1, 90), min_size=1, max_size=60)


def raised(severity=Severity.CRITICAL):
    rule = Rule(name="r", metric="*", condition=condition("> 1"), severity=severity)
    seen = Observation(
        check_id="c", at=AT, kind=SubjectKind.MODEL, subject="m", metric="x", value=2.0,
        status=ObservationStatus.OK,
    )  # fmt: skip
    name = fingerprint(seen, missing=False)
    held, _ = folded(None, Sighting(seen=seen, fingerprint=name, look=Look.BAD, rule=rule))
    return held


def plan(*patience, remind=None, digest=None):
    levels = [Level(channels=(f"c{n}",), unacknowledged=p) for n, p in enumerate(patience)]
    return Plan(levels=(*levels, Level(channels=("last",))), remind=remind, digest=digest)


def lived(held, how, steps, mutes=()):
    """Return what is told of an incident at ticks so many minutes apart."""
    now, told = AT, []
    for step in [0, *steps]:
        now += step * MINUTE
        while (found := due(held, how, now, mutes)) is not None:
            held = found[0]
            told.append((now, found[1]))
    return told


@given(steps=STEPS)
def test_it_is_told_once_and_each_level_once_in_order(steps):
    told = lived(raised(), plan(15 * MINUTE, 30 * MINUTE), steps)
    assert [one.purpose for _, one in told][:1] == [Purpose.RAISED]
    assert [one.level for _, one in told] == list(range(len(told)))
    for (before, _), (after, one) in pairwise(told):
        assert after - before >= (15 if one.level == 1 else 30) * MINUTE


@given(steps=STEPS)
def test_reminders_are_never_closer_than_the_plan_says(steps):
    told = lived(raised(), plan(remind=60 * MINUTE), steps)
    assert [one.purpose for _, one in told[1:]] == [Purpose.REMINDED] * (len(told) - 1)
    for (before, _), (after, _) in pairwise(told):
        assert after - before >= 60 * MINUTE


@given(steps=STEPS)
def test_with_a_look_every_minute_nothing_is_late(steps):
    total = sum(steps)
    told = lived(raised(), plan(15 * MINUTE, remind=60 * MINUTE), [1] * total)
    expected = [0, *([15] if total >= 15 else []), *range(75, total + 1, 60)]
    assert [int((at - AT) / MINUTE) for at, _ in told] == expected


@given(steps=STEPS)
def test_of_what_is_acknowledged_or_over_nobody_is_reminded(steps):
    how = plan(15 * MINUTE, remind=60 * MINUTE)
    held, _ = due(raised(), how, AT)
    for state in (IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED, IncidentState.WITHDRAWN):
        assert lived(replace(held, state=state), how, steps) == []


@given(steps=STEPS, begin=st.integers(0, 600), length=st.integers(1, 600))
def test_while_it_is_muted_nothing_is_told(steps, begin, length):
    since = AT + begin * MINUTE
    mute = Mute(since=since, until=since + length * MINUTE, actor="ada", reason="why", subject="m")
    how = plan(15 * MINUTE, remind=60 * MINUTE)
    for at, one in lived(raised(), how, steps, [mute]):
        assert not since <= at < mute.until
        if one.purpose is Purpose.ESCALATED and at >= mute.until:
            assert at - mute.until >= 15 * MINUTE


def test_of_two_mutes_the_longer_holds_and_one_that_was_taken_back_does_not():
    held = replace(raised(), id=7)
    base = Mute(since=AT, until=AT + 10 * MINUTE, actor="ada", reason="why", incident=7)
    longer = replace(base, incident=None, metric="x*", until=AT + 20 * MINUTE)
    assert muted_until(held, [base, longer], AT) == longer.until
    assert muted_until(held, [replace(longer, ended_at=AT)], AT) is None
    assert muted_until(held, [replace(base, incident=8)], AT) is None


@given(at=TIMES, hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_the_last_digest_is_at_most_a_day_ago_and_the_next_follows_it(at, hour, minute):
    clock = time(hour, minute)
    last, following = last_digest(clock, at), next_digest(clock, at)
    assert last <= at < following
    assert following - last == timedelta(days=1)
    assert (last.hour, last.minute) == (hour, minute)


@given(steps=st.lists(st.integers(1, 900), min_size=1, max_size=40))
def test_a_warning_is_told_in_each_digest_once(steps):
    told = lived(raised(Severity.WARNING), plan(digest=time(7)), steps)
    digests = [one.occasion for _, one in told]
    assert len(set(digests)) == len(digests)
    for at, one in told:
        assert one.purpose is Purpose.DIGEST
        assert datetime.fromisoformat(one.occasion) == last_digest(time(7), at)
        assert datetime.fromisoformat(one.occasion) >= AT


def test_all_stands_for_every_channel_and_the_console_is_the_last_resort():
    levels = (Level(channels=("b", ALL)), Level(channels=("call",)))
    held = Plan(levels=levels)
    assert held.channels(0, ["a", "b"]) == ("b", "a")
    assert held.channels(9, ["a", "b"]) == ("call",)
    assert held.order(["a", "b"]) == ("b", "a", "call", "console")
