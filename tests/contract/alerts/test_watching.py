"""What is wrong is said once, again on a clock, and to the next level; and that it is over."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from watch_house import WatchHouse

from pipewarden.core.jobs import JobStatus
from pipewarden.core.monitoring.alerts.incidents import Change, IncidentState
from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.core.monitoring.alerts.schedule import Mute
from pipewarden.core.monitoring.observations import ObservationStatus, SubjectKind
from pipewarden.errors import Conflict, IllegalTransition, UnknownName, UsageError
from pipewarden.monitoring.alerts.acting import acknowledge, end_mute, mute, resolve
from pipewarden.monitoring.alerts.watching import take, tick
from pipewarden.store.state.database import Database
from pipewarden.store.state.monitoring.alerts import incidents

BREACH = ObservationStatus.BREACH


def hushed(house, **about):
    fields = {"since": house.now, "until": house.now, "actor": "", "reason": "planned", **about}
    return mute(house.context, Mute(**fields))


def test_a_critical_alert_is_told_at_once_and_once(house):
    for _ in range(5):
        house.auc(0.6)
        house.after(minutes=1)
    assert house.boxes["mail"].subjects == [
        "[CRITICAL] credit in production: performance.auc is 0.6, limit 0.7"
    ]
    held = house.only()
    assert (held.count, held.state, held.severity) == (5, IncidentState.OPEN, Severity.CRITICAL)
    assert house.acts() == ["alert.raised"]
    assert house.events() == ["alert.raised"]


def test_a_message_says_what_since_when_how_much_and_what_to_do(house):
    house.auc(0.6, sample=2_000, window="24h", version=3, reason="it fell")
    (told,) = house.boxes["mail"].sent
    assert told.text == (
        "#1 CRITICAL  credit in production: performance.auc is 0.6, limit 0.7\n"
        "  since    2026-03-01 12:00 UTC (0 s), seen once\n"
        "  figure   0.6, limit 0.7; window 24h; from 2,000\n"
        "  why      it fell\n"
        "  version  3\n"
        "  rule     auc (< 0.7)\n"
        "  owner    risk\n"
        "  runbook  https://wiki.example.org/auc\n"
        '  next     pipewarden alerts show 1; then pipewarden alerts ack 1 --reason "…"\n'
        "  link     https://warden.example.org/v1/alerts/1\n"
    )


def test_all_of_one_check_is_one_message(house):
    latency = house.seen("label.coverage", 0.1)
    house.took(house.seen("performance.auc", 0.6), latency)
    assert house.boxes["mail"].subjects == [
        "[CRITICAL] credit in production: performance.auc is 0.6, limit 0.7 (and 1 more)"
    ]


def test_to_take_a_check_twice_changes_nothing(house):
    check = house.checked(house.seen("performance.auc", 0.6))
    assert [what for _, what in take(house.context, check).changes] == [Change.RAISED]
    assert take(house.context, check).changes == ()
    assert house.only().count == 1
    assert len(house.boxes["mail"].sent) == 1


def test_it_is_over_after_good_figures_in_a_row_and_says_so(house):
    for value in (0.6, 0.8, 0.6, 0.8):
        house.auc(value)
        house.after(minutes=1)
    assert house.only().good == 1
    house.auc(0.8)
    assert house.lasting() == []
    assert [subject.partition("]")[0] for subject in house.boxes["mail"].subjects] == [
        "[CRITICAL",
        "[RESOLVED",
    ]
    assert "2 good observations in a row" in house.boxes["mail"].sent[-1].text
    assert house.acts() == ["alert.raised", "alert.resolved"]
    assert house.events() == ["alert.raised", "alert.resolved"]


def test_a_figure_that_cannot_be_had_is_no_all_clear_and_no_alarm(house):
    house.auc(None)
    assert house.all() == []
    house.after(minutes=1)
    house.auc(0.6)
    for _ in range(5):
        house.after(minutes=1)
        house.auc(None)
    assert (house.only().good, house.only().count) == (0, 1)


def test_missing_data_is_an_alert_of_its_own_and_over_when_it_is_back(house):
    house.took(house.seen("label.coverage", None, reason="no label came"))
    assert house.boxes["mail"].subjects == [
        "[CRITICAL] credit in production: label.coverage is missing"
    ]
    house.after(minutes=1)
    house.took(house.seen("label.coverage", 0.4))
    assert [(one.rule, one.state) for one in house.all()] == [
        ("low", IncidentState.OPEN),
        ("blind", IncidentState.RESOLVED),
    ]


def test_a_figure_of_which_nothing_is_heard_is_an_alert(house):
    house.took(house.seen("drift.score", 0.01))
    house.watched(hours=6, every=30)
    assert house.lasting() == []
    house.watched(minutes=3)
    held = house.only()
    assert (held.rule, held.missing, held.count) == ("gone", True, 1)
    assert "nothing was observed since 2026-03-01 12:00 UTC" in house.boxes["mail"].sent[0].text
    house.took(house.seen("drift.score", 0.01))
    assert house.lasting() == []


def test_a_condition_must_hold_for_as_long_as_its_rule_says(house):
    def latency(value):
        seen = house.seen("serving.latency_p99_ms", value, kind=SubjectKind.SERVICE)
        return [what for _, what in house.took(seen).changes]

    assert latency(200) == [Change.BEGUN]
    house.after(minutes=9)
    assert latency(200) == [Change.REPEATED]
    house.after(minutes=1)
    assert latency(50) == [Change.WITHDRAWN]
    house.after(minutes=1)
    assert latency(200) == [Change.BEGUN]
    house.after(minutes=10)
    assert house.boxes["mail"].sent == []
    assert latency(200) == [Change.RAISED]
    assert len(house.boxes["mail"].sent) == 1


def test_a_change_is_relative_to_the_median_of_the_past_where_the_version_says_nothing(house):
    def rmse(value):
        taken = house.took(house.seen("forecast.rmse", value, subject="isbn", version=1))
        house.after(days=1)
        return taken

    assert rmse(500).unjudged == ("rmse: no figure of isbn to compare forecast.rmse with",)
    for value in (10, 10, 11, 9, 10, 12):
        assert rmse(value).changes == ()
    taken = rmse(12.01)
    assert [held.limit for held in taken.of(Change.RAISED)] == [12]
    assert house.boxes["mail"].subjects == [
        "[CRITICAL] isbn in production: forecast.rmse is 12.01, limit 12 (RMSE +20%)"
    ]


def test_nobody_acknowledges_so_the_next_level_is_told_and_reminded(house):
    house.auc(0.6)
    house.watched(minutes=14)
    assert house.boxes["call"].sent == []
    house.watched(minutes=1)
    assert house.boxes["call"].subjects == [
        "[CRITICAL, nobody acknowledged it] credit in production: performance.auc is 0.6, limit 0.7"
    ]
    house.watched(hours=8, every=30)
    assert [s.partition("]")[0] for s in house.boxes["call"].subjects[1:]] == [
        "[CRITICAL, still open",
        "[CRITICAL, still open",
    ]
    assert len(house.boxes["mail"].sent) == 1
    assert house.acts() == ["alert.raised", "alert.escalated"]
    assert house.events() == ["alert.raised", "alert.escalated"]


def test_who_acknowledges_ends_reminders_and_escalation_but_not_the_alert(house):
    house.auc(0.6)
    house.watched(minutes=10)
    held = acknowledge(house.context, 1, reason="looking into it")
    assert (held.state, held.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "ada")
    house.watched(hours=9, every=30)
    assert [len(box.sent) for box in house.boxes.values()] == [0, 0, 1]
    house.auc(0.8)
    house.after(minutes=1)
    house.auc(0.8)
    assert [s.partition("]")[0] for s in house.boxes["mail"].subjects] == [
        "[CRITICAL",
        "[RESOLVED",
    ]
    assert house.acts() == ["alert.raised", "alert.acknowledged", "alert.resolved"]


def test_of_two_who_acknowledge_one_wins_and_the_other_learns_it(house):
    house.auc(0.6)
    acknowledge(house.context, 1, reason="mine")
    with pytest.raises(IllegalTransition, match="is acknowledged by ada"):
        acknowledge(house.beside().context, 1, reason="mine, too")
    assert house.acts().count("alert.acknowledged") == 1
    with pytest.raises(UnknownName):
        acknowledge(house.context, 99, reason="what is it")
    with pytest.raises(UsageError):
        acknowledge(house.context, 1, reason=" ")


def test_a_change_of_what_another_changed_meanwhile_is_refused(house, database):
    house.auc(0.6)
    stale = house.only()
    acknowledge(house.context, 1, reason="mine")
    with pytest.raises(Conflict), database.write() as conn:
        incidents.save(conn, replace(stale, count=99))
    assert house.only().count == 1


def test_warnings_wait_for_the_daily_digest_and_stand_in_it_while_they_last(house):
    house.took(house.seen("drift.score", 0.5, status=BREACH))
    house.took(house.seen("drift.feature", 0.5, feature="income", status=BREACH))
    house.watched(hours=5, every=60)
    assert house.boxes["mail"].sent == []
    house.rules_without_silence()
    house.watched(hours=14, every=60)  # seven o'clock
    assert house.boxes["mail"].subjects == [
        "[DIGEST] credit in production: drift.score is 0.5 (and 1 more)"
    ]
    house.watched(hours=24, every=60)
    assert len(house.boxes["mail"].sent) == 2


def test_a_warning_that_came_and_went_stands_in_the_next_digest(house):
    house.rules_without_silence()
    for status in (BREACH, ObservationStatus.OK, ObservationStatus.OK):
        house.took(house.seen("drift.score", 0.5, status=status))
        house.after(minutes=1)
    tick(house.context)
    assert house.lasting() == []
    assert house.boxes["mail"].sent == []
    house.watched(hours=19, every=60)
    assert house.boxes["mail"].subjects == ["[RESOLVED] credit in production: drift.score is 0.5"]


def test_a_graver_rule_makes_the_same_alert_graver_and_tells_it_at_once(house):
    house.rules(
        house.text.replace(
            "rules:\n", 'rules:\n  - {name: wild, metric: "drift.*", condition: "> 0.9", '
            "severity: critical}\n"
        )
    )  # fmt: skip
    house.took(house.seen("drift.score", 0.5, status=BREACH))
    house.after(minutes=1)
    taken = house.took(house.seen("drift.score", 0.95, status=BREACH))
    assert [what for _, what in taken.changes] == [Change.WORSENED]
    assert house.only().id == 1
    assert house.boxes["mail"].subjects == [
        "[CRITICAL] credit in production: drift.score is 0.95, limit 0.9"
    ]
    assert house.events() == ["alert.raised", "alert.escalated"]


def test_while_it_is_muted_nobody_is_told_and_the_clock_stands(house):
    hushed(house, subject="credit", until=house.now + timedelta(hours=1))
    house.auc(0.6)
    house.watched(minutes=59)
    assert [box.asked for box in house.boxes.values()] == [0, 0, 0]
    assert house.only().state is IncidentState.OPEN
    house.watched(minutes=1)
    assert len(house.boxes["mail"].sent) == 1
    house.watched(minutes=14)
    assert house.boxes["call"].sent == []
    house.watched(minutes=1)
    assert len(house.boxes["call"].sent) == 1


def test_a_snooze_of_one_alert_holds_its_escalation_until_it_ends_or_is_taken_back(house):
    house.auc(0.6)
    made = hushed(house, incident=1, until=house.now.replace(hour=20))
    house.watched(hours=3, every=30)
    assert house.boxes["call"].sent == []
    end_mute(house.context, made.id, reason="it is worse than we thought")
    house.watched(minutes=15)
    assert len(house.boxes["call"].sent) == 1
    assert house.acts() == ["alert.raised", "alert.muted", "alert.unmuted", "alert.escalated"]
    with pytest.raises(UnknownName):
        end_mute(house.context, made.id, reason="again")


def test_a_mute_has_an_end_a_reason_and_a_subject(house):
    with pytest.raises(UsageError, match="later than now"):
        hushed(house, subject="credit")
    with pytest.raises(UsageError, match="what to mute"):
        hushed(house, until=house.now.replace(hour=20))
    with pytest.raises(UsageError, match="reason"):
        hushed(house, subject="credit", until=house.now.replace(hour=20), reason="")


def test_a_person_may_end_an_alert_and_who_knew_of_it_is_told(house):
    house.auc(0.6)
    held = resolve(house.context, 1, reason="the model was retired")
    assert (held.state, held.resolved_by) == (IncidentState.RESOLVED, "ada")
    assert "resolved by ada: the model was retired" in house.boxes["mail"].sent[-1].text
    with pytest.raises(IllegalTransition):
        resolve(house.context, 1, reason="again")


def test_what_is_over_and_begins_anew_is_a_new_alert(house):
    for value in (0.6, 0.8, 0.8, 0.6):
        house.auc(value)
        house.after(minutes=1)
    assert [(one.id, one.state) for one in house.all()] == [
        (2, IncidentState.OPEN),
        (1, IncidentState.RESOLVED),
    ]


@pytest.mark.parametrize("every", [1, 2, 4])
def test_a_job_that_fails_is_told_within_five_minutes(house, every):
    tick(house.context)
    house.after(seconds=17)
    house.job("run-1")
    failed_at = house.now
    while not house.boxes["mail"].sent:
        house.after(minutes=every)
        tick(house.context)
    assert (house.now - failed_at).total_seconds() <= 300
    (told,) = house.boxes["mail"].sent
    assert told.subject == (
        "[CRITICAL] invoices: job.failed of data/raw is 1"
    )  # fmt: skip
    assert "why      job run-1 failed: no disk; password=[redacted]" in told.text
    assert "next     pipewarden jobs status run-1; then" in told.text


def test_a_run_that_quarantines_too_much_is_told_and_one_that_does_not_is_not(house):
    house.job("run-1", JobStatus.COMPLETED, bad=2)
    house.job("run-2", JobStatus.COMPLETED, bad=3, source="data/other")
    house.watched(minutes=2)
    (told,) = house.boxes["mail"].sent
    assert "job run-2 quarantined 3 of 10 items" in told.text


def test_a_night_that_fails_ten_times_is_one_alert_and_a_good_run_ends_it(house):
    for night in range(10):
        house.job(f"run-{night}")
        house.watched(minutes=3)
        if night == 0:
            acknowledge(house.context, 1, reason="the disk is ordered")
    assert house.only().count == 10
    house.job("run-10", JobStatus.COMPLETED)
    house.watched(minutes=3)
    assert house.lasting() == []
    assert len(house.boxes["mail"].sent) == 2


def test_a_job_that_failed_is_told_even_if_it_was_resumed_before_anybody_looked(house, database):
    from pipewarden.store.state import jobs

    tick(house.context)
    house.job("run-1")
    with database.write() as conn:
        jobs.claim(conn, "run-1", owner="host:2", at=house.after(seconds=5), ttl_seconds=30)
    house.watched(minutes=1)
    assert house.only().rule == "failed"


def test_a_restart_changes_nothing(house, url):
    house.auc(0.6)
    house.watched(minutes=10)
    house.database.close()
    with closing(Database.open(url)) as fresh:
        again = house.beside(fresh)
        again.watched(minutes=5)
        assert len(again.boxes["mail"].sent) == 1
        assert len(again.boxes["call"].sent) == 1


def test_two_monitors_at_work_at_once_tell_everything_once(house, url):
    with closing(Database.open(url)) as second:
        other = house.beside(second)
        for round_ in range(4):
            check = house.checked(
                house.seen("performance.auc", 0.6), house.seen("label.coverage", 0.1)
            )
            both = [house, other]
            at_once([lambda one=one, check=check: take(one.context, check) for one in both])
            for one in both:
                one.after(minutes=5)
            at_once([lambda one=one: tick(one.context) for one in both])
            assert house.only_by_rule("auc").count == round_ + 1
    assert len(house.boxes["mail"].sent) == 1
    assert len(house.boxes["call"].sent) == 1
    assert house.acts() == ["alert.raised"] * 2 + ["alert.escalated"] * 2


def at_once(pieces):
    failures = []

    def guarded(piece):
        try:
            piece()
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(piece,)) for piece in pieces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_thirty_quiet_days_tell_nothing(house: WatchHouse):
    house.rules_without_silence()
    for _ in range(30):
        house.took(house.seen("performance.auc", 0.8), house.seen("drift.score", 0.01))
        house.after(days=1)
        tick(house.context)
    assert house.all() == []
