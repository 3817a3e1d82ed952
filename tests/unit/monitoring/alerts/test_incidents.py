"""The life of an incident, whatever it sees in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from pipewarden.core.monitoring.alerts.conditions import Look, condition
from pipewarden.core.monitoring.alerts.incidents import Change, IncidentState, Sighting, folded
from pipewarden.core.monitoring.alerts.rules import Rule, Severity, fingerprint
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RULE = Rule(name="r", metric="*", condition=condition("> 1"), severity=Severity.WARNING)
GRAVE = replace(RULE, name="g", severity=Severity.CRITICAL)
LOOKS = st.lists(st.tuples(st.sampled_from(list(Look)), st.integers(0, 120), st.booleans()))
RULES = st.tuples(st.integers(0, 60), st.integers(1, 4))


def sighting(look, minutes, *, rule=RULE, window=""):
    seen = Observation(
        check_id=f"c{minutes}", at=AT + timedelta(minutes=minutes), kind=SubjectKind.MODEL,
        subject="m", metric="x", value=2.0, window=window, status=ObservationStatus.OK,
    )  # fmt: skip
    name = fingerprint(seen, missing=False)
    return Sighting(seen=seen, fingerprint=name, look=look, rule=rule, limit=1.0)


def lived(looks, hold=0, m=1):
    """Return every change of an incident, each with the incident after it."""
    held, changes, minutes = None, [], 0
    for look, wait, grave in looks:
        minutes += wait
        about = {"holds_for": timedelta(minutes=hold), "resolve_after": m}
        rule = replace(GRAVE if grave else RULE, **about)
        change = folded(held, sighting(look, minutes, rule=rule))
        if change is not None:
            held = change[0]
            changes.append((look, held, change[1]))
    return changes


@given(looks=LOOKS, about=RULES)
def test_only_what_was_raised_is_resolved_and_only_what_was_not_is_withdrawn(looks, about):
    raised = False
    for _, held, change in lived(looks, *about):
        if change is Change.RAISED:
            assert not raised
            raised = True
        if change in (Change.RESOLVED, Change.WORSENED, Change.EASED):
            assert raised
        if change is Change.WITHDRAWN:
            assert not raised
        raised = raised and change is not Change.RESOLVED
        assert held.state.told == raised


@given(looks=LOOKS, about=RULES)
def test_what_is_unknown_changes_nothing(looks, about):
    # Times stay what they are, since how long it was bad counts.
    kept, wait = [], 0
    for look, minutes, grave in looks:
        wait += minutes
        if look is not Look.UNKNOWN:
            kept.append((look, wait, grave))
            wait = 0
    assert lived(looks, *about) == lived(kept, *about)


@given(looks=LOOKS, about=RULES)
def test_it_is_over_only_after_m_good_ones_without_a_bad_one_between(looks, about):
    row = 0
    for look, _, change in lived(looks, *about):
        row = row + 1 if look is Look.GOOD else 0
        if change is Change.RESOLVED:
            assert row >= about[1]


@given(looks=LOOKS, about=RULES)
def test_nothing_is_raised_before_it_was_bad_for_long_enough(looks, about):
    for _, held, change in lived(looks, *about):
        if change is Change.RAISED:
            assert held.raised_at - held.started_at >= timedelta(minutes=about[0])


@given(looks=LOOKS, about=RULES)
def test_it_never_becomes_less_grave_and_its_count_is_that_of_the_bad(looks, about):
    before, bad = None, 0
    for look, held, _ in lived(looks, *about):
        begins = before is None or not before.state.lasting
        bad = (0 if begins else bad) + (look is Look.BAD)
        assert held.count == bad
        if not begins:
            assert not before.severity.graver_than(held.severity)
            assert held.started_at == before.started_at
        before = held


@given(looks=LOOKS, about=RULES, again=st.integers(0, 200))
def test_what_is_not_later_than_what_was_seen_changes_nothing(looks, about, again):
    changes = lived(looks, *about)
    if changes:
        held = changes[-1][1]
        old = sighting(Look.BAD, again)
        if old.seen.at <= held.seen_at:
            assert folded(held, old) is None


def test_neither_window_nor_version_makes_it_another_incident():
    one = sighting(Look.BAD, 0, window="1h").seen
    for same in (replace(one, window="24h"), replace(one, version=4), replace(one, value=9.0)):
        assert fingerprint(same, missing=False) == fingerprint(one, missing=False)
    names = ("subject", "environment", "metric", "feature")
    others = [replace(one, **{name: "other"}) for name in names]
    found = {fingerprint(other, missing=False) for other in [one, *others]}
    assert len(found | {fingerprint(one, missing=True)}) == 6


def test_one_that_is_over_stays_over():
    held, _ = folded(None, sighting(Look.BAD, 0))
    held, change = folded(held, sighting(Look.GOOD, 1, rule=replace(RULE, resolve_after=1)))
    assert (change, held.state) == (Change.RESOLVED, IncidentState.RESOLVED)
    assert folded(held, sighting(Look.GOOD, 2)) is None
    again, change = folded(held, sighting(Look.BAD, 3))
    assert (change, again.id, again.count) == (Change.RAISED, 0, 1)
