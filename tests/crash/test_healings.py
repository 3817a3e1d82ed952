"""A healing killed in any window of any state goes on where it was, and does everything once.

This file is also the program that heals: the harness's, in clinics of a tiny model.
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

from pipewarden.core.healing.states import HealingState
from pipewarden.healing.looping import once
from pipewarden.store.windows import HealingWindow
from tiny_healing import HEALTHY, Clinic, clinic

W, S = HealingWindow, HealingState
#: The states that a healing passes in one round, from the decision to a version that is proved.
WAY = (S.COLLECTING, S.RETRAINING, S.EVALUATING, S.GATING, S.PROMOTING, S.VERIFYING)
#: Passed before anything is written of the decision.
BEFORE = (W.HEAL_JUDGED, W.HEAL_OPEN)
IN_EVERY_STATE = (W.HEAL_WORKED, W.HEAL_MOVING, W.HEAL_MOVED)


def test_every_window_is_covered():
    assert {*BEFORE, W.HEAL_CLAIMED, *IN_EVERY_STATE} == set(W)


def act(request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks, in this process."""
    held = Clinic(Path(request["home"]), request["database_url"], hours=request["hours"])
    done = once(held.healer())
    held.close()
    return {"said": [str(one.healing.state) for one in done.advanced]}


def warm_up(home: Home) -> None:
    """Live a whole life here, so that what is loaded late is loaded in every child."""
    import psycopg  # noqa: F401

    held = clinic(home.path)
    held.fall_ill()
    once(held.healer())
    held.ask(10, HEALTHY)
    once(held.healer())
    held.close()


if __name__ == "__main__":
    harness.act, harness._warm_up = act, warm_up
    harness.serve()


launcher, home = launcher_of(__file__), home_on_each


@pytest.fixture
def ill(home: Home) -> Iterator[Clinic]:
    """Return a clinic whose model has fallen ill, and nobody has noticed."""
    held = clinic(home.path, home.database_url)
    held.fall_ill()
    yield held
    held.close()


def killed(launcher: Launcher, home: Home, held: Clinic, where: str) -> None:
    ended = launcher.do(home, "heal", crash_at=where, hours=held.hours)
    assert ended.killed, f"{where} was not passed: {ended}"


def go_on(launcher: Launcher, home: Home, held: Clinic) -> None:
    ended = launcher.do(home, "heal", hours=held.hours)
    assert ended.code == 0, ended


def all_windows() -> Iterator[str]:
    """Yield every window before the proof, as often as it is passed."""
    yield from map(str, BEFORE)
    yield str(W.HEAL_CLAIMED)
    for window in IN_EVERY_STATE:
        yield from (f"{window}:{n}" for n in range(1, len(WAY) + 1))


@pytest.mark.parametrize("where", [*all_windows()])
def test_a_healing_killed_anywhere_is_finished_by_the_next_healer_once(launcher, home, ill, where):
    killed(launcher, home, ill, where)
    go_on(launcher, home, ill)

    (healing,) = ill.healings()
    assert healing.state is S.VERIFYING
    assert ill.acts() == ["decided", *map(str, WAY)], "each state once, in order"
    assert ill.versions() == {1: "deployable", 2: "deployable"}, "one job trained one version"
    assert ill.acts("model.deployed") == ["", ""]
    assert ill.acts("run.submitted") == [""]
    assert ill.serving() == 2
    assert ill.sound()


@pytest.mark.parametrize("where", [f"{window}:{n}" for window in IN_EVERY_STATE for n in (1, 2)])
def test_a_healing_killed_while_it_is_undone_is_undone_once(launcher, home, ill, where):
    go_on(launcher, home, ill)
    ill.ask(10, HEALTHY)
    killed(launcher, home, ill, where)
    go_on(launcher, home, ill)

    healing = ill.healings()[-1]
    assert healing.state is S.ROLLED_BACK
    assert ill.serving() == 1
    assert ill.versions()[2] == "quarantined"
    undone = [one for one in ill.acts() if one != "declined"][-2:]  # the next waits for a while
    assert undone == ["rolling_back", "rolled_back"]
    assert len(ill.acts("model.rolled_back")) == 1
    assert len(ill.acts("model.quarantined")) == 1
    assert ill.sound()
