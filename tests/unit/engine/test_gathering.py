"""How many items are committed, and handed to sinks, together."""

from __future__ import annotations

import itertools

import pytest

from pipewarden.jobs.runners.publishing import (
    BATCH_BYTES,
    BATCH_ITEMS,
    BATCH_SECONDS,
    HANDED_ITEMS,
    HANDED_SECONDS,
    Gathering,
)


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.mark.parametrize(("handed", "most"), [(False, BATCH_ITEMS), (True, HANDED_ITEMS)])
def test_many_at_once_go_in_batches_of_the_most(time, handed, most):
    batch = Gathering(time, handed=handed)
    full = [number for number in range(1, most + 1) if batch.is_full(number)]
    assert full == [most]


def test_few_wait_for_a_moment_only_and_none_for_nothing(time):
    batch = Gathering(time, handed=True)
    assert not batch.is_full(1)
    time.now = BATCH_SECONDS
    assert batch.is_full(1)
    assert not batch.is_full(0)


def test_large_documents_are_not_gathered_in_memory(time):
    batch = Gathering(time, handed=True)
    batch.took(BATCH_BYTES - 1)
    assert not batch.is_full(1)
    batch.took(1)
    assert batch.is_full(2)
    batch.committed(0.0)
    assert not batch.is_full(1)


def test_a_batch_gathers_for_as_long_as_the_last_took_to_be_handed_over(time):
    batch = Gathering(time, handed=True)
    time.now = 0.4  # the hand-over took so long
    batch.committed(0.4)
    time.now = 0.79
    assert not batch.is_full(1)
    time.now = 0.8
    assert batch.is_full(1)


def test_a_sink_that_takes_long_makes_no_item_wait_for_long(time):
    batch = Gathering(time, handed=True)
    batch.committed(60.0)
    time.now = HANDED_SECONDS
    assert batch.is_full(1)


@pytest.mark.parametrize("handed", [False, True])
def test_items_that_come_while_a_batch_is_committed_are_not_committed_one_by_one(time, handed):
    """However long a commit takes, what has come meanwhile is a batch again."""
    batch, sizes, size = Gathering(time, handed=handed), [], 0
    for _ in itertools.repeat(None, 300):
        size += 1
        if batch.is_full(size):
            sizes.append(size)
            size = 0
            time.now += 0.2
            batch.committed(0.2)
        time.now += 0.002
    assert min(sizes) >= 20
