"""The store of deployments keeps its promises on both databases, whoever races whom."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

sys.path.insert(0, str(Path(__file__).parents[2]))  # tiny_models

from pipewarden.core.models.deployments import Deployment, DeploymentKind, DeploymentState
from pipewarden.errors import Conflict, IllegalTransition
from pipewarden.models import deploying, rolling_back
from pipewarden.models.outcome import Outcome
from pipewarden.store.state.models import deployments, past, versions
from tiny_models import START, House

SUPERSEDED = DeploymentState.SUPERSEDED


@pytest.fixture
def house(tmp_path: Path, url: str) -> Iterator[House]:
    """Return a house with three versions of two models."""
    made = House(tmp_path / "home", url, {"production": {"cooldown_days": 0}})
    for spread in (9, 6, 3):
        for model in ("a", "b"):
            made.train(model, 0, spread)
    yield made
    made.close()


def wanted(version: int, model: str = "a") -> Deployment:
    return Deployment(
        id=0,
        model=model,
        environment="production",
        version=version,
        kind=DeploymentKind.DEPLOY,
        state=DeploymentState.AWAITING,
        actor="ada",
        reason="",
        created_at=START,
    )


def begin(house: House, version: int, model: str = "a") -> Deployment:
    with house.database.write() as conn:
        made = deployments.request(conn, wanted(version, model))
        deployments.begin(conn, made.id, at=START, ended=SUPERSEDED)
        return deployments.get(conn, made.id)


def test_what_begins_ends_what_served_and_names_it(house):
    first, second = begin(house, 1), begin(house, 2)
    with house.database.read() as conn:
        ended = deployments.get(conn, first.id)
        assert (ended.state, ended.ended_reason) == (SUPERSEDED, f"deployment {second.id}")
        assert deployments.serving(conn, "a", "production") == second
        assert second.replaced == first.id


def test_a_second_serving_version_is_impossible_even_by_hand(house):
    begin(house, 1)
    with pytest.raises(IntegrityError), house.database.write() as conn:
        deployments.request(conn, replace(wanted(2), state=DeploymentState.CURRENT))
    assert house.serving() == 1


def test_an_ended_deployment_never_serves_again(house):
    first = begin(house, 1)
    begin(house, 2)
    with pytest.raises(IllegalTransition), house.database.write() as conn:
        deployments.begin(conn, first.id, at=START, ended=SUPERSEDED)
    assert house.serving() == 2


def test_many_are_taken_over_at_once_or_none_is(house):
    a, b = begin(house, 2), begin(house, 2, "b")
    new = [
        replace(wanted(1, model), kind=DeploymentKind.ROLLBACK, replaced=one.id)
        for model, one in (("b", b), ("a", a))
    ]
    with house.database.write() as conn:
        made = deployments.take_over(conn, new, at=START, reason="bad")
        held = [deployments.get(conn, one.id) for one in made]
    assert made == held
    assert [(one.model, one.version, one.state) for one in held] == [
        ("b", 1, "current"),
        ("a", 1, "current"),
    ]
    stale = [replace(new[0], replaced=a.id)]
    with pytest.raises(Conflict), house.database.write() as conn:
        deployments.take_over(conn, stale, at=START, reason="bad")
    assert (house.serving("a"), house.serving("b")) == (1, 1)


def test_only_what_is_current_is_verified(house):
    first, second = begin(house, 1), begin(house, 2)
    with house.database.write() as conn:
        found = {first.id: {"rows": 1}, second.id: {"rows": 2}}
        assert deployments.verify(conn, found, at=START) == {second.id}
        assert deployments.verify(conn, found, at=START) == set()
        assert deployments.get(conn, second.id).evidence == {"rows": 2}
        assert deployments.unverified(conn) == []


def test_what_is_needed_to_go_back_is_read_newest_first(house):
    begin(house, 1)
    begin(house, 2)
    begin(house, 3, "b")
    with house.database.read() as conn:
        of_a = past.stints(conn, "production", "a")
        of_all = past.stints(conn, "production")
        assert past.stints(conn, "staging") == []
    assert [(one.version, one.state, one.verified) for one in of_a] == [
        (2, "current", False),
        (1, "superseded", False),
    ]
    assert [one.model for one in of_all] == ["b", "a", "a"]


def test_what_served_at_a_time_is_known(house):
    for version in ("1", "2"):
        deploying.deploy(house.context, "a", "production", version, reason="")
        house.later(days=1)
    deploying.deploy(house.context, "b", "production", "1", reason="")

    def then(days: float, **only: str) -> list[tuple[str, int]]:
        with house.database.read() as conn:
            found = deployments.at_time(conn, START + timedelta(days=days), **only)
        return [(one.model, one.version) for one in found]

    assert (then(-1), then(0), then(0.5), then(1)) == ([], [("a", 1)], [("a", 1)], [("a", 2)])
    assert then(9) == [("a", 2), ("b", 1)]
    assert then(9, model="b") == [("b", 1)]
    assert then(9, environment="staging") == []


def test_every_change_of_what_serves_shows_in_the_generation(house):
    seen = []
    for act in (lambda: begin(house, 1), lambda: begin(house, 2)):
        act()
        with house.database.read() as conn:
            seen.append(deployments.generation(conn))
    rolling_back.rollback(house.context, ["a"], "production", "1", reason="bad")
    with house.database.read() as conn:
        seen.append(deployments.generation(conn))
    assert len(set(seen)) == 3


def test_a_whole_life_is_the_same_on_both_databases(house):
    for version in ("1", "2", "3"):
        deploying.deploy(house.context, "a", "production", version, reason="")
    rolling_back.rollback(house.context, None, "production", reason="bad")
    assert house.states() == [
        (1, "superseded"),
        (2, "superseded"),
        (3, "rolled_back"),
        (2, "verified"),
    ]
    assert house.sound()
    with house.database.read() as conn:
        assert versions.referenced(conn) == {("a", 1), ("a", 2), ("a", 3)}
        assert versions.models(conn) == ["a", "b"]
        assert versions.families(conn) == ["means"]


def test_of_deployments_that_race_one_wins_and_the_others_learn_it(house, monkeypatch):
    """All are judged before any begins: each then finds that another came between, but one."""
    racers = 3
    judged = threading.Barrier(racers)
    compare = house.family.compare

    def together(*documents):
        judged.wait(60)
        return compare(*documents)

    monkeypatch.setattr(house.family, "compare", together)
    ends: list[str] = []

    def race(version: int) -> None:
        try:
            done = deploying.deploy(house.context, "a", "production", str(version), reason="")
        except Conflict:
            ends.append("conflict")
        else:
            ends.append(str(done.outcome))

    threads = [threading.Thread(target=race, args=(n,)) for n in range(1, racers + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(ends) == ["conflict", "conflict", str(Outcome.VERIFIED)]
    assert house.serving() is not None
    assert house.sound()


def test_a_version_finds_its_deployments_however_many_of_others_came_since(house):
    first = begin(house, 1)
    for version in (2, 3, 2, 3):
        begin(house, version)
    begin(house, 1, model="b")
    with house.database.read() as conn:
        found = deployments.history(conn, model="a", version=1, limit=2)
        assert [one.id for one in found] == [first.id]
        assert deployments.times_deployed(conn, "a", 1) == 1
        assert deployments.times_deployed(conn, "a", 3) == 2


def test_the_versions_of_a_run_are_told_with_what_their_parents_measured(house):
    with house.database.read() as conn:
        (newest,) = versions.listed(conn, model="a", limit=1)
        parent = versions.get(conn, "a", newest.parent)
        told = versions.with_parents(conn, newest.run_id)
        first = versions.get(conn, "a", 1)
        alone = [row for row in versions.with_parents(conn, first.run_id) if row[0] == "a"]
    assert ("a", dict(newest.metrics), dict(parent.metrics)) in told
    assert alone[0] == ("a", dict(first.metrics), {})
