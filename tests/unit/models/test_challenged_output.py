"""What is printed of challengers says what a person needs, and types no control characters."""

from __future__ import annotations

import json

import pytest

from pipewarden.app.cli.output.models import challenged
from pipewarden.core.models.challengers import ChallengerMode
from pipewarden.core.models.comparisons import Figures
from pipewarden.models.challenging import ending, judging
from pipewarden.models.challenging.ending import Changed
from tiny_challengers import both, now, right, start, two, unsure, wrong


@pytest.fixture
def said(capsys):
    """Return what tells what was printed since it was last asked."""

    def read() -> str:
        return capsys.readouterr().out

    return read


@pytest.fixture
def pair(house):
    two(house)
    return house


def test_a_beginning_says_what_decides_and_how_to_look(pair, said):
    held = start(pair, mode=ChallengerMode.CANARY, share=0.25)
    challenged.say_started(Changed(challenger=held, notices=("MLflow is down",)), json=False)
    told = said()
    assert "a@2 answers 25% beside version 1 in production, as challenger 1" in told
    assert "100 labelled predictions, within 24 hours" in told
    assert "two sample bootstrap" in told
    assert "note: MLflow is down" in told
    assert "pipewarden challenge judge 1" in told


def test_a_list_says_how_each_ended(pair, said):
    challenged.say_challengers([], json=False)
    assert "No version was tried" in said()
    held = start(pair)
    ending.stop(pair.context, held.id, reason="enough \x1b[31m of it")
    challenged.say_challengers([now(pair, held)], json=False)
    told = said()
    assert "stopped" in told
    assert "\x1b[31m of it" not in told


def test_one_that_won_is_told_with_how_to_promote_it(pair, said):
    held = start(pair)
    both(pair, held, 120, unsure, right)
    challenged.say_judgements([judging.judge(pair.context, held.id)], json=False)
    told = said()
    assert "challenger 1, a@2 beside version 1 in production: won" in told
    assert "brier 0.0100 against 0.1600, improvement +0.1500" in told
    assert "pipewarden challenge promote 1" in told


def test_one_that_did_harm_says_which(pair, said):
    held = start(pair)
    both(pair, held, 60, right, wrong)
    challenged.say_judgements([judging.judge(pair.context, held.id)], json=False)
    assert "worse by more than 0.2" in said()
    figures = Figures(asked=60, failed=1, skipped=3, seconds=0.06, champion_rows=60,
                      champion_seconds=0.03)  # fmt: skip
    challenged.say_challenger(now(pair, held), figures, json=False)
    told = said()
    assert "60 rows, 1 without an answer, 3 skipped" in told
    assert "1.000 ms a row, the champion 0.500 ms" in told
    assert "harmed" in told


def test_json_has_everything_as_plain_values(pair, said):
    held = start(pair)
    challenged.say_judgements([judging.judge(pair.context, held.id)], json=True)
    (told,) = json.loads(said())
    assert told["challenger"]["plan"] == held.plan.as_document()
    assert (told["challenger"]["test"], told["labelled"]) == ("paired_bootstrap", 0)
    challenged.say_challenger(held, Figures(asked=3), json=True)
    assert json.loads(said())["figures"]["asked"] == 3
    challenged.say_stopped(Changed(challenger=held), json=True)
    assert json.loads(said())["challenger"]["id"] == held.id
