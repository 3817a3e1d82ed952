"""The store of challengers keeps its promises on both databases, whoever races whom."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # tiny_models

from pipewarden.core.models.challengers import (
    CHALLENGER,
    CHAMPION,
    ChallengerMode,
    ChallengerState,
)
from pipewarden.core.models.comparisons import Figures
from pipewarden.errors import Conflict, IllegalTransition, UnknownName
from pipewarden.models.challenging import ending, judging
from pipewarden.store.state.models import challengers
from tiny_challengers import PLAN, both, now, right, start, two, unsure, wrong
from tiny_models import House

STOPPED = ChallengerState.STOPPED


@pytest.fixture
def house(tmp_path: Path, url: str) -> Iterator[House]:
    """Return a house in which version 1 of each of two models serves."""
    made = House(tmp_path / "home", url, {"production": {"cooldown_days": 0}})
    two(made)
    two(made, "b")
    yield made
    made.close()


def at_once(acts: list[Callable[[], object]]) -> list[object]:
    """Do all at once; return what each returned, or the conflict that it ran into."""
    gate, ends = threading.Barrier(len(acts)), []

    def do(act: Callable[[], object]) -> None:
        gate.wait()
        try:
            ends.append(act())
        except Conflict as conflict:
            ends.append(conflict)

    threads = [threading.Thread(target=do, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def test_a_challenger_comes_back_as_it_was_written(house):
    held = start(house, mode=ChallengerMode.CANARY, share=0.25)
    assert now(house, held) == held
    assert (held.share, held.plan, held.started_at) == (0.25, PLAN, house.now)
    with house.database.read() as conn, pytest.raises(UnknownName, match="no challenger 99"):
        challengers.get(conn, 99)


def test_of_many_that_are_started_at_once_one_runs(house):
    ends = at_once([lambda: start(house)] * 4)
    assert sum(isinstance(end, Conflict) for end in ends) == 3
    assert len(judging.running(house.context, "a")) == 1
    assert house.acts().count(("challenger.started", "a@2")) == 1
    assert house.events().count(("started", "a@2")) == 1
    assert house.sound()


def test_each_model_and_each_environment_has_its_own(house):
    start(house)
    start(house, model="b")
    with house.database.read() as conn:
        assert [one.model for one in challengers.running(conn)] == ["b", "a"]
        assert [one.model for one in challengers.running(conn, "a", "production")] == ["a"]
        assert challengers.running(conn, environment="staging") == []
        assert [one.model for one in challengers.listed(conn, limit=1)] == ["b"]


def test_of_many_that_end_it_at_once_one_does(house):
    held = start(house)
    ends = at_once([lambda: ending.stop(house.context, held.id, reason="enough")] * 3)
    assert sum(isinstance(end, IllegalTransition) for end in ends) == 2
    assert house.acts().count(("challenger.stopped", "a@2")) == 1
    assert house.events().count(("ended", "a@2")) == 1
    assert house.sound()


def test_of_many_that_judge_it_at_once_all_tell_the_same_end(house):
    held = start(house)
    both(house, held, 120, unsure, right)
    ends = at_once([lambda: judging.judge(house.context, held.id).challenger] * 3)
    assert [end.state for end in ends] == ["won"] * 3
    assert house.acts().count(("challenger.won", "a@2")) == 1


def test_what_ended_is_neither_ended_again_nor_judged_again(house):
    held = start(house)
    ending.stop(house.context, held.id, reason="enough")
    with house.database.write() as conn:
        challengers.note(conn, held.id, {"reason": "late"})
        with pytest.raises(IllegalTransition):
            challengers.end(conn, held.id, ChallengerState.WON, at=house.now, by="ada", reason="")
    assert (now(house, held).state, now(house, held).evidence) == ("stopped", {})


def test_every_beginning_and_every_end_shows_in_the_generation(house):
    seen = []

    def look() -> None:
        with house.database.read() as conn:
            seen.append(challengers.generation(conn))

    look()
    held = start(house)
    look()
    ending.stop(house.context, held.id, reason="enough")
    look()
    start(house)
    look()
    assert len(set(seen)) == 4


def test_what_many_processes_count_adds_up(house):
    held = start(house)

    def count() -> None:
        for _ in range(10):
            with house.database.write() as conn:
                challengers.count(conn, held.id, Figures(asked=2, failed=1, seconds=0.5))

    at_once([count] * 4)
    with house.database.read() as conn:
        assert challengers.figures_of(conn, held.id) == Figures(asked=80, failed=40, seconds=20.0)
        assert challengers.figures_of(conn, 99) == Figures()


@pytest.mark.parametrize("mode", ChallengerMode)
def test_labelled_answers_of_both_are_compared_however_many(house, mode):
    held = start(house, mode=mode, share=0.5)
    both(house, held, 1_300, right, wrong)
    found = judging.judge(house.context, held.id)
    assert found.harm
    rows = 1_300 if mode is ChallengerMode.SHADOW else found.comparison.rows
    assert found.labelled == rows > 500


def test_the_newest_answers_of_a_role_are_read(house):
    held = start(house)
    both(house, held, 20, unsure, right)
    with house.database.read() as conn:
        own = challengers.recent(conn, held, CHALLENGER, 5)
        assert [one["probability"] in (0.1, 0.9) for one in own] == [True] * 5
        assert len(challengers.recent(conn, held, CHAMPION, 100)) == 20
