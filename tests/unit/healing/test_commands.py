"""``pipewarden heal`` over a clinic, carried out within this process."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

import tiny_healing
from pipewarden.app.cli import main


@pytest.fixture
def heal(made, monkeypatch, capsys):
    """Return a clinic that fell ill just now, and what carries a command out in it."""
    monkeypatch.setattr(tiny_healing, "START", datetime.now(UTC))
    held = made()
    held.hours = -1.5
    held.fall_ill()
    held.hours = 0
    home = held.home
    (home / "pipewarden.yaml").write_text(
        "researcher: ada\nexecutor: inline\nmodels:\n  tracking_uri: 'off'\n"
        "  environments: {production: {cooldown_days: 0}}\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(home)

    def run(*words):
        capsys.readouterr()
        code = main.carry_out(["heal", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return held, run


def test_a_round_heals_and_is_told_in_words_and_as_json(heal):
    held, run = heal
    code, said = run("explain")
    assert code == 0
    assert "This asks for a healing: performance.auc 0.5, limit 0.8" in said
    assert held.healings() == [], "to explain decides nothing"

    code, said = run("once")
    assert code == 0
    assert "collecting → retraining → evaluating → gating → promoting → verifying" in said
    told = json.loads(run("status", "--json")[1])
    assert [one["state"] for one in told["healings"]] == ["verifying"]
    assert "lease_owner" not in told["healings"][0]
    assert "goes on since" in run("explain", "--model", "mean")[1]
    told = json.loads(run("once", "--json")[1])
    assert told["advanced"][0]["waits"] == "0 of 4 labels of live answers came"


def test_people_pause_step_and_veto(heal):
    held, run = heal
    assert run("pause", "--reason", "month end")[0] == 0
    code, said = run("once")
    assert (code, "healing is paused: month end (ada)" in said) == (0, True)
    assert "paused: every model in production" in run("status")[1]
    assert run("resume")[0] == 0
    run("once")
    assert held.serving() == 2
    code, said = run("veto", "--reason", "not this one")
    assert code == 0
    assert "rolled back" in said
    assert held.serving() == 1
    assert run("veto", "--reason", "again")[0] == 3
    assert run("step")[0] == 3


def test_a_person_asks_and_the_policy_answers(heal):
    held, run = heal
    code, said = run("start", "--reason", "I know something")
    assert (code, "verifying" in said) == (0, True)
    assert held.healings()[0].actor == "ada"
    assert run("start", "--reason", "again")[0] == 1


def test_a_model_that_no_labels_were_told_of_is_told_apart_from_one_that_does_well(heal):
    _, run = heal
    run("once")
    said = run("explain", "--model", "mean")[1]
    assert "Version 2 of mean serves" in said
    assert (
        "How good its answers are cannot be said: "
        "no check of the last 24 hours measured version 2 on labels."
    ) in said


def test_a_round_in_which_nothing_asks_names_how_many_models_serve(heal):
    held, run = heal
    held.observe(good=True)
    assert run("once") == (0, "Nothing asks for a healing; 1 model serves.\n")


def test_the_status_tells_each_decision_in_lines_that_fit_a_terminal(heal):
    _, run = heal
    run("once")
    name, when, why = run("status")[1].splitlines()
    assert name == "healing/1 of mean: verifying"
    assert when.endswith(" UTC, performance, version 1 → 2")
    assert why == "  version 2 serves in production"
