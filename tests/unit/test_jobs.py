"""The table of a job's life."""

from __future__ import annotations

import pytest

from pipewarden.core.jobs import TRANSITIONS, JobStatus, Progress, sources_of


def test_every_status_has_its_row_and_none_follows_itself():
    assert set(TRANSITIONS) == set(JobStatus)
    assert all(status not in allowed for status, allowed in TRANSITIONS.items())


@pytest.mark.parametrize("target", list(JobStatus))
def test_sources_are_the_transitions_read_backwards(target):
    assert sources_of(target) == {s for s in JobStatus if target in TRANSITIONS[s]}


def test_what_was_stopped_resumes_exactly_as_what_failed():
    resumed = {JobStatus.RUNNING, JobStatus.QUEUED}
    for status in (JobStatus.PAUSED, JobStatus.FAILED, JobStatus.CANCELLED):
        assert resumed <= TRANSITIONS[status]


def test_what_is_completed_stays_so():
    assert TRANSITIONS[JobStatus.COMPLETED] == frozenset()


def test_only_a_running_job_completes_or_fails():
    for end in (JobStatus.COMPLETED, JobStatus.FAILED):
        assert sources_of(end) == {JobStatus.RUNNING}


def test_finished_are_the_three_ends():
    assert {status for status in JobStatus if status.finished} == {
        JobStatus.COMPLETED,
        JobStatus.FAILED,
        JobStatus.CANCELLED,
    }


def test_what_is_accounted_for_is_every_outcome_and_nothing_twice():
    progress = Progress(seen=20, skipped=1, published=2, quarantined=3, deferred=4, warned=2)
    assert progress.accounted == 10
