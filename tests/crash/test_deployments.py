"""A deployment killed in any window leaves exactly one serving version, and can be finished.

This file is also the program that deploys: the harness's, in houses of tiny models.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import harness
from harness import Home, Launcher
from programs import home_on_each, launcher_of

from pipewarden.models import deploying, pruning, rolling_back, verifying
from pipewarden.store.files.objects import objects_in
from pipewarden.store.windows import ModelWindow
from tiny_models import EVIL, House

POLICIES = {"production": {"cooldown_days": 0}}
#: Passed before the change is committed: nothing has happened.
BEFORE = (ModelWindow.DEPLOY_JUDGED, ModelWindow.DEPLOY_OPEN)
OF_DEPLOY = (
    *(*BEFORE, ModelWindow.DEPLOY_BEGUN, ModelWindow.DEPLOY_TRIED, ModelWindow.DEPLOY_VERIFIED),
)
#: Passed by a deployment whose version does not hold what it promised.
OF_UNDO = (
    *(ModelWindow.DEPLOY_BEGUN, ModelWindow.DEPLOY_TRIED, ModelWindow.UNDO_OPEN),
    ModelWindow.UNDO_DONE,
)
OF_ROLLBACK = (
    *(ModelWindow.ROLLBACK_BACKED_UP, ModelWindow.ROLLBACK_OPEN, ModelWindow.ROLLBACK_DONE),
    *(ModelWindow.DEPLOY_TRIED, ModelWindow.DEPLOY_VERIFIED),
)
OF_PRUNE = (ModelWindow.PRUNE_RECORDED, ModelWindow.PRUNE_BEGUN)


def test_every_window_is_covered():
    assert {*OF_DEPLOY, *OF_UNDO, *OF_ROLLBACK, *OF_PRUNE} == set(ModelWindow)


def act(request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks, in this process."""
    house = House(Path(request["home"]), request["database_url"], POLICIES)
    context, model, what = house.context, request.get("model", ""), request["what"]
    said: Any
    if what == "deploy":
        done = deploying.deploy(context, model, "production", request["version"], reason="better")
        said = str(done.outcome)
    elif what == "rollback":
        said = rolling_back.rollback(context, [model], "production", reason="bad").good
    elif what == "prune":
        said = pruning.prune(context, keep=1, reason="space").versions
    else:
        said = verifying.reconcile(context).good
    house.close()
    return {"said": said}


def trained(house: House, where: str) -> str:
    """Make a model of its own: the first of two good versions serves; the third is bad."""
    model = f"of {where}"
    house.train(model, 0, 9)
    house.train(model, 0, 3)
    house.train(model, EVIL)
    deploying.deploy(house.context, model, "production", "1", reason="")
    return model


def warm_up(home: Home) -> None:
    """Live a whole life here, so that what is loaded late is loaded in every child."""
    import psycopg  # noqa: F401

    house = House(home.path, "", POLICIES)
    deploying.deploy(house.context, trained(house, "warm-up"), "production", "2", reason="")
    house.close()


if __name__ == "__main__":
    harness.act, harness._warm_up = act, warm_up
    harness.serve()


launcher, home = launcher_of(__file__), home_on_each


@pytest.fixture
def house(home: Home) -> Iterator[House]:
    """Return an empty house."""
    made = House(home.path, home.database_url, POLICIES)
    yield made
    made.close()


def killed(launcher: Launcher, home: Home, what: str, where: str, **request: Any) -> None:
    ended = launcher.do(home, what, crash_at=where, **request)
    assert ended.killed, f"{where} was not passed: {ended}"


def go_on(
    launcher: Launcher, home: Home, house: House, how: str, model: str, version: str = ""
) -> None:
    """Reconcile or deploy again; then nothing is left half done, and nothing was told twice."""
    ended = launcher.do(home, how, model=model, version=version)
    assert ended.code == 0, ended
    assert "current" not in {state for _, state in house.states(model)}
    told = house.events()
    assert len(told) == len(set(told)), told


@pytest.mark.parametrize("how", ["deploy", "reconcile"])
def test_a_deployment_killed_anywhere_is_done_or_was_not_begun(launcher, home, house, how):
    for where in OF_DEPLOY:
        model = trained(house, where)
        killed(launcher, home, "deploy", where, model=model, version="2")
        assert house.serving(model) == (1 if where in BEFORE else 2), where
        go_on(launcher, home, house, how, model, "2")
        undone = where in BEFORE and how == "reconcile"
        assert house.serving(model) == (1 if undone else 2), where
    assert house.sound()


@pytest.mark.parametrize("how", ["deploy", "reconcile"])
def test_a_bad_one_killed_anywhere_is_taken_back_by_whoever_comes(launcher, home, house, how):
    for where in OF_UNDO:
        model = trained(house, where)
        killed(launcher, home, "deploy", where, model=model, version="3")
        assert house.serving(model) == (1 if where is ModelWindow.UNDO_DONE else 3), where
        go_on(launcher, home, house, how, model, "1")
        assert house.serving(model) == 1, where
        assert house.states(model)[1:] == [(3, "rolled_back"), (1, "verified")], where
    assert house.sound()


def test_a_rollback_killed_anywhere_is_done_or_was_not_begun(launcher, home, house):
    for where in OF_ROLLBACK:
        model = trained(house, where)
        deploying.deploy(house.context, model, "production", "2", reason="")
        killed(launcher, home, "rollback", where, model=model)
        begun = where not in (ModelWindow.ROLLBACK_BACKED_UP, ModelWindow.ROLLBACK_OPEN)
        assert house.serving(model) == (1 if begun else 2), where
        go_on(launcher, home, house, "reconcile", model)
        if not begun:
            assert launcher.do(home, "rollback", model=model).said["said"] is True
        assert house.states(model) == [(1, "superseded"), (2, "rolled_back"), (1, "verified")]
    assert house.sound()


def test_a_clean_up_killed_anywhere_is_finished_by_the_next(launcher, home, house):
    for where in OF_PRUNE:
        model = trained(house, where)
        for number in (21, 22, 23):
            house.train(model, number)
        killed(launcher, home, "prune", where)
        assert launcher.do(home, "prune").code == 0
        assert house.serving(model) == 1
    assert len(list(objects_in(house.context.objects))) == 2 * len(OF_PRUNE)
    assert house.sound()
