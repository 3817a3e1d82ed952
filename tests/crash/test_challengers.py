"""A challenger killed in any window runs once or not at all, ends once, and leaves the champion.

This file is also the program that challenges: the harness's, in houses of tiny models.
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

from pipewarden.models.challenging import ending, judging
from pipewarden.store.state.models import challengers
from pipewarden.store.windows import ChallengeWindow
from tiny_challengers import both, right, start, two, unsure
from tiny_models import House

POLICIES = {"production": {"cooldown_days": 0}}
OF_START = (ChallengeWindow.START_OPEN, ChallengeWindow.STARTED)
OF_STOP = (ChallengeWindow.END_OPEN, ChallengeWindow.ENDED)
OF_JUDGEMENT = (ChallengeWindow.JUDGED, *OF_STOP)
#: Passed before the change is committed: nothing has happened.
BEFORE = (ChallengeWindow.START_OPEN, ChallengeWindow.JUDGED, ChallengeWindow.END_OPEN)


def test_every_window_is_covered():
    assert {*OF_START, *OF_JUDGEMENT} == set(ChallengeWindow)


def act(request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks, in this process."""
    house = House(Path(request["home"]), request["database_url"], POLICIES)
    house.later(days=0.01)
    what, model = request["what"], request["model"]
    if what == "start":
        said = str(start(house, model=model).state)
    else:
        (held,) = judging.running(house.context, model)
        if what == "stop":
            said = str(ending.stop(house.context, held.id, reason="enough").challenger.state)
        else:
            said = str(judging.judge(house.context, held.id).challenger.state)
    house.close()
    return {"said": said}


def warm_up(home: Home) -> None:
    """Live a whole life here, so that what is loaded late is loaded in every child."""
    import psycopg  # noqa: F401

    house = House(home.path, "", POLICIES)
    two(house, "warm")
    held = start(house, model="warm")
    both(house, held, 120, unsure, right)
    judging.judge(house.context, held.id)
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


def killed(launcher: Launcher, home: Home, what: str, where: str, model: str) -> None:
    ended = launcher.do(home, what, crash_at=where, model=model)
    assert ended.killed, f"{where} was not passed: {ended}"


def states(house: House, model: str) -> list[str]:
    with house.database.read() as conn:
        return [str(one.state) for one in challengers.listed(conn, model=model)]


def as_told(house: House, model: str) -> None:
    """Ledger and events tell of every challenger what it is, once; the champion serves."""
    name, held = f"{model}@2", states(house, model)
    ends = [state for state in held if state != "running"]
    acts = [action for action, subject in house.acts() if subject == name]
    assert acts == [f"challenger.{word}" for word in (*["started"] * len(held), *ends)]
    told = [word for word, subject in house.events() if subject == name]
    assert told == ["started"] * len(held) + ["ended"] * len(ends)
    assert held.count("running") <= 1
    assert house.serving(model) == 1
    assert house.sound()


def test_a_start_killed_anywhere_is_done_or_was_not_begun(launcher, home, house):
    for where in OF_START:
        model = f"of {where}"
        two(house, model)
        killed(launcher, home, "start", where, model)
        assert states(house, model) == ([] if where in BEFORE else ["running"])
        as_told(house, model)
        again = launcher.do(home, "start", model=model)
        assert (again.code == 0) is (where in BEFORE), again
        assert states(house, model) == ["running"]
        as_told(house, model)


@pytest.mark.parametrize(("what", "windows", "end"), [
    ("stop", OF_STOP, "stopped"), ("judge", OF_JUDGEMENT, "won"),
])  # fmt: skip
def test_an_end_killed_anywhere_is_done_or_was_not_begun(launcher, home, house, what, windows, end):
    for where in windows:
        model = f"of {where}"
        two(house, model)
        held = start(house, model=model)
        if what == "judge":
            with house.database.write() as conn:
                conn.exec_driver_sql("DELETE FROM predictions")
                conn.exec_driver_sql("DELETE FROM labels")
            both(house, held, 120, unsure, right)
        killed(launcher, home, what, where, model)
        assert states(house, model) == ["running" if where in BEFORE else end]
        as_told(house, model)
        if where in BEFORE:
            assert launcher.do(home, what, model=model).said["said"] == end
        assert states(house, model) == [end]
        as_told(house, model)
