"""Which of several labels of a prediction holds: a law, whatever the order of their arrival."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from pipewarden.core.monitoring.labels import Arrival, LabelReport, canonical, settle

START = datetime(2026, 3, 1, tzinfo=UTC)
values = st.one_of(st.booleans(), st.integers(0, 2), st.sampled_from([0.0, 1.0, 0.5, "bad", "1"]))
#: Reports of one prediction, each for a time of its own.
reports = st.dictionaries(st.integers(0, 50), values, min_size=1, max_size=8).map(
    lambda told: [
        LabelReport(prediction_id="p", value=value, at=START + timedelta(hours=hour))
        for hour, value in told.items()
    ]
)


def arrived(order):
    """Return what holds in the end, and what each report turned out to be."""
    held, settled = None, []
    for place, report in enumerate(order):
        done = settle(held, report, at=START + timedelta(days=3, seconds=place), source="s")
        held = done.label
        settled.append(done)
    return held, settled


@given(reports, st.randoms())
def test_the_newest_holds_in_whatever_order_they_arrive(told, random):
    shuffled = random.sample(told, len(told))
    held, _ = arrived(shuffled)
    newest = max(told, key=lambda report: report.at)
    assert (held.value, held.at) == (canonical(newest.value), newest.at)
    assert held.reports == len(told)


@given(reports)
def test_every_report_is_counted_as_one_thing_and_nothing_that_differs_is_lost(told):
    held, settled = arrived(told)
    kinds = [done.arrival for done in settled]
    assert kinds.count(Arrival.NEW) == 1
    assert kinds.count(Arrival.CONFLICTING) == held.conflicts
    assert kinds.count(Arrival.REPEATED) == held.reports - 1 - held.conflicts
    lost = [done.lost.value for done in settled if done.lost is not None]
    assert {held.value, *lost} == {canonical(report.value) for report in told}
    assert len(lost) == held.conflicts


def test_of_two_for_one_time_the_first_to_arrive_holds():
    both = [LabelReport(prediction_id="p", value=value, at=START) for value in (0, 1)]
    assert arrived(both)[0].value == 0
    assert arrived(both[::-1])[0].value == 1


@given(values, values)
def test_labels_that_mean_the_same_are_the_same(one, other):
    alike = one == other
    assert (canonical(one) == canonical(other)) == alike
    assert canonical(canonical(one)) == canonical(one)
