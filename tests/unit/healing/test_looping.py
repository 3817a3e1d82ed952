"""Round after round: until it is told to stop, past rounds that fail, with others' runners."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator

import pytest

from pipewarden.app.cli import main
from pipewarden.core.healing.states import HealingState
from pipewarden.core.jobs import JobStatus
from pipewarden.core.monitoring.alerts.incidents import IncidentState
from pipewarden.healing import looping
from pipewarden.healing.controlling import resume as resume_healing
from pipewarden.healing.looping import Round, once, run
from pipewarden.jobs.run import Silent, resume
from pipewarden.store.state import jobs
from pipewarden.store.state.monitoring.alerts import incidents
from tiny_healing import PLACE, UGLY


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put back what signals do."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_round_that_fails_is_told_and_the_next_one_heals(made, monkeypatch):
    held = made()
    held.fall_ill()
    stop, told = threading.Event(), []

    def hear(done):
        told.append(done)
        if len(told) == 1:
            monkeypatch.setattr(looping, "once", once)
        else:
            stop.set()

    monkeypatch.setattr(looping, "once", lambda _: 1 / 0)
    run(held.healer(), stop, hear, interval=0, clock=lambda: 0.0)

    failed, healed = told
    assert failed.failures == ["ZeroDivisionError: division by zero"]
    assert healed.advanced[0].healing.state is HealingState.VERIFYING


def test_nothing_begins_after_it_was_told_to_stop(made):
    held = made()
    held.fall_ill()
    stop = threading.Event()
    stop.set()
    run(held.healer(), stop, pytest.fail, interval=0)
    assert held.healings() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.usefixtures("handlers")
def test_a_signal_lets_the_round_in_work_end_and_then_the_command(
    made, monkeypatch, capsys, number
):
    monkeypatch.chdir(made().home)
    ended = []

    def interrupted(context):
        signal.raise_signal(number)
        ended.append(context)
        return Round(failures=["the round went on"])

    monkeypatch.setattr(looping, "once", interrupted)
    assert main.carry_out(["heal", "run", "--interval", "3600", "--json"]) == 0
    assert len(ended) == 1
    assert json.loads(capsys.readouterr().out)["failures"] == ["the round went on"]


def test_training_is_left_to_a_runner_service_where_the_settings_say_so(made):
    held = made(settings={"healing": {"run_jobs": False}})
    held.fall_ill()
    healer = held.healer()

    for _ in range(2):
        (advanced,) = once(healer).advanced
        assert advanced.healing.state is HealingState.RETRAINING
        assert held.versions().keys() == {1}
    with held.workspace.database.read() as conn:
        (job,) = [one for one in jobs.page(conn, limit=9).jobs if one.parent_id]
    assert job.status is JobStatus.QUEUED
    assert job.id in advanced.waits

    resume(job.id, held.workspace, Silent())  # what a runner does
    (advanced,) = once(healer).advanced
    assert advanced.healing.state is HealingState.VERIFYING


def test_an_open_breaker_is_a_critical_alert_by_the_rules_of_the_package(made, capsys):
    held = made({"breaker": 2})
    for lost in (1, 2):
        held.fall_ill(UGLY)
        (advanced,) = once(held.healer()).advanced
        assert advanced.healing.state is HealingState.REJECTED
        with held.workspace.database.read() as conn:
            raised = incidents.page(conn, [IncidentState.OPEN])[0]
        assert [(one.rule, one.severity) for one in raised] == [("healing-stopped", "critical")] * (
            lost == 2
        )
        held.hours += 2
    assert "CRITICAL  mean in production: healing.lost_in_a_row is 2" in capsys.readouterr().err
    assert once(held.healer()).advanced == []


def test_to_close_the_breaker_ends_the_alert_of_it(made):
    held = made({"breaker": 1})
    held.fall_ill(UGLY)
    once(held.healer())
    held.hours += 2
    resume_healing(held.healer(), "", PLACE, reason="the feed is mended")
    with held.workspace.database.read() as conn:
        assert incidents.page(conn, [IncidentState.OPEN])[0] == []
        (over,) = incidents.page(conn, [IncidentState.RESOLVED])[0]
    assert over.rule == "healing-stopped"
    held.fall_ill()
    assert len(once(held.healer()).advanced) == 1, "it heals again"


@pytest.mark.parametrize("window", ["n=600", "batch"])
def test_rows_of_the_window_in_which_it_was_first_seen_are_learnt_from(made, window):
    held = made()
    begun = held.now
    held.ask(20, 10.0)
    held.observe(window=window, evidence={"since": begun.isoformat()})
    once(held.healer())
    (healing,) = held.healings()
    assert healing.decision["facts"]["labelled"] == 20
    assert healing.state is HealingState.VERIFYING
