"""What a check prints: also what it could not compute, and what it did not look at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipewarden.app.cli.output.monitoring.checks import say_checked
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.jobs.monitoring.checking import Checked

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WELL = ObservationStatus.OK
BEYOND = ObservationStatus.BREACH
MISSING = ObservationStatus.NOT_COMPUTABLE
NONE_SERVES = "no model was looked at: none serves in the environments that are watched"
UNSEEN = "credit in production: nothing it answered was looked at; no window has ended yet"


def seen(metric, status=WELL, *, subject="credit", kind=SubjectKind.MODEL, reason="", feature=""):
    return Observation(
        check_id="check-1", at=AT, kind=kind, subject=subject, metric=metric, status=status,
        value=1.0 if status is WELL else None, reason=reason, feature=feature,
        environment="production" if kind is SubjectKind.MODEL else "",
    )  # fmt: skip


@pytest.fixture
def said(capsys):
    """Return what prints a check of observations; it gives the lines."""

    def run(*standing):
        checked = Checked(check_id="check-1", at=AT, observations=standing, standing=standing)
        say_checked(checked, page=None, problems={})
        return capsys.readouterr().out.splitlines()

    return run


def test_that_no_model_serves_where_the_settings_look_is_said(said):
    disk = seen("disk.free_share", subject="disk", kind=SubjectKind.SERVICE)
    assert said(disk) == [NONE_SERVES, "check-1: 1 ok"]


def test_a_model_of_which_only_the_age_is_known_was_not_looked_at(said):
    assert said(seen("model.age_days")) == [UNSEEN, "check-1: 1 ok"]
    assert UNSEEN not in said(seen("model.age_days"), seen("drift.score"))


def test_what_cannot_be_computed_is_named_with_each_reason_once(said):
    reason = "12 rows; 30 are asked"
    found = [
        seen("drift.feature", MISSING, reason=reason, feature=name) for name in ("age", "debt")
    ]
    assert said(*found) == [
        f"not computable: drift.feature and 1 more of credit in production: {reason}",
        "check-1: 2 not computable",
    ]


def test_what_is_beyond_its_limit_fits_a_terminal_and_breaks_no_name(said):
    reason = "wasserstein 1.02; from 0.1 on it counts; adjusted p 2.6e-65; so in 3 of the last 3"
    long = replace(
        seen("drift.feature", BEYOND, feature="NumberOfOpenCreditLinesAndLoans", reason=reason),
        value=1.0233, threshold=0.1, window="n=600",
    )  # fmt: skip
    own = seen("disk.free_share", BEYOND, subject="disk", kind=SubjectKind.SERVICE, reason="full")
    assert said(long, own)[:6] == [
        "credit in production",
        "  breach   drift.feature NumberOfOpenCreditLinesAndLoans n=600: 1.0233, limit",
        "           0.1",
        "           wasserstein 1.02; from 0.1 on it counts; adjusted p 2.6e-65; so in 3",
        "           of the last 3",
        "disk",
    ]
    assert max(map(len, said(long, own))) <= 80


def test_many_reasons_are_left_to_the_report(said):
    found = [
        seen("drift.score", MISSING, subject=f"m{number}", reason="no") for number in range(10)
    ]
    assert said(*found)[-2] == "not computable: 2 more reasons stand in the report"
