"""How long the items of a job took, and the stages that its pipeline told."""

from __future__ import annotations

import pytest

from pipewarden.core.items import Outcome
from pipewarden.store.state import apply
from pipewarden.store.state.service import timings
from pipewarden.store.state.service.timings import Timing


@pytest.fixture
def filled(database, lease, records):
    with database.write() as conn:
        batch = [
            *records(1, 2, seconds=1.0, stages={"parse": 0.25, "locate": 0.5}),
            *records(3, 3, Outcome.REJECTED, seconds=4.0, stages={"parse": 2.0}),
            *records(4, 4, Outcome.ERRORED, seconds=8.0),
            *records(5, 5, Outcome.DEFERRED, seconds=16.0, stages={"parse": 16.0}),
        ]
        apply.apply_records(conn, batch, manifest="m", lease=lease)


def test_the_whole_comes_first_and_then_the_stages_the_longest_before_the_others(database, filled):
    with database.read() as conn:
        found = timings.of_job(conn, "run-1", (0.25, 1.0, 5.0))
    assert list(found) == ["work", "parse", "locate"]
    assert found["work"] == Timing(number=4, seconds=14.0, within=(0, 2, 3))
    assert found["parse"] == Timing(number=3, seconds=2.5, within=(2, 2, 3))
    assert found["locate"] == Timing(number=2, seconds=1.0, within=(0, 2, 2))


def test_an_item_that_is_decided_again_counts_once(database, filled, records):
    with database.write() as conn:
        again = records(
            6, 6, keys=["item-0001"], seconds=3.0, stages={"parse": 1.0, "segment": 1.5}
        )
        apply.apply_records(conn, again, manifest="m")
        found = timings.of_job(conn, "run-1")
    assert {stage: held.number for stage, held in found.items()} == {
        "work": 4, "parse": 3, "segment": 1, "locate": 1,
    }  # fmt: skip
    assert found["parse"].seconds == 3.25


def test_a_job_without_decided_items_has_no_time(database, lease):
    with database.read() as conn:
        assert timings.of_job(conn, "run-1", (1.0,)) == {}
