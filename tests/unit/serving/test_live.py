"""Which models answer: exchanged while in use, and never taken away by what fails."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipewarden.errors import DatabaseUnavailable, DependencyUnavailable, UnknownName, UsageError
from pipewarden.jobs.serving.opening import Opener
from pipewarden.models.serving.live import AGAIN, LiveModels


@pytest.fixture
def live(site):
    opener = Opener(site.workspace)
    return LiveModels(
        lambda: site.workspace.database, "production", opener.opened, site.workspace.clock
    )


def score(live: LiveModels) -> float:
    (answer,) = live.find("risk", predicts=True).opened.predict([{"age": 30, "income": None}])
    return float(answer["score"])


def test_before_the_first_look_nothing_answers_and_says_so(live):
    with pytest.raises(DependencyUnavailable, match="being opened"):
        live.find("risk", predicts=True)


def test_a_deployment_takes_the_place_of_the_one_before_and_a_request_ends_as_it_began(site, live):
    site.train("1")
    site.train("2 2")
    site.deploy("risk", 1)
    live.look()
    begun = live.find("risk", predicts=True)
    assert (begun.version, score(live)) == (1, 31.0)
    site.deploy("risk", 2)
    live.look()
    assert live.find("risk", predicts=True).version == 2
    assert score(live) == 32.0
    assert begun.opened.predict([{"age": 30, "income": None}]) == [{"score": 31.0}]


def test_what_waits_for_approval_answers_once_it_begins(site, live):
    from pipewarden.core.models.deployments import DeploymentState
    from pipewarden.store.state.models import deployments

    site.train("1")
    made = site.deploy("risk", 1)
    live.look()
    site.train("2 2")
    with site.workspace.database.write() as conn:
        held = deployments.get(conn, made)
        from dataclasses import replace

        waiting = deployments.request(
            conn, replace(held, version=2, state=DeploymentState.AWAITING, started_at=None)
        )
    live.look()
    assert live.find("risk", predicts=True).version == 1
    with site.workspace.database.write() as conn:
        deployments.begin(conn, waiting.id, at=site.now, ended=DeploymentState.SUPERSEDED)
    live.look()
    assert live.find("risk", predicts=True).version == 2


def test_only_its_own_environment_answers(site, live):
    site.train("1")
    site.deploy("risk", 1, "staging")
    live.look()
    with pytest.raises(UnknownName, match="not deployed in production"):
        live.find("risk", predicts=True)


def test_nothing_is_read_of_the_database_when_a_model_is_asked(site, live):
    site.train("1")
    site.deploy("risk", 1)
    live.look()
    site.workspace.database.read = None
    assert score(live) == 31.0


def test_a_version_that_does_not_open_leaves_the_one_before_and_is_told_and_tried_again(site, live):
    site.train("1")
    site.train("2 broken")
    site.deploy("risk", 1)
    live.look()
    site.deploy("risk", 2)
    live.look()
    assert live.find("risk", predicts=True).version == 1
    unopened = live.standing().unopened["risk"]
    assert (unopened.version, unopened.message) == (2, "the artifact does not read")
    first = unopened.at
    site.now += timedelta(seconds=AGAIN - 1)
    live.look()
    assert live.standing().unopened["risk"].at == first
    site.now += timedelta(seconds=2)
    live.look()
    assert live.standing().unopened["risk"].at > first


def test_a_first_version_that_does_not_open_is_no_unknown_model(site, live):
    site.train("2 broken")
    site.deploy("risk", 1)
    live.look()
    with pytest.raises(DependencyUnavailable, match="cannot be opened"):
        live.find("risk", predicts=True)


def test_an_object_that_was_changed_is_not_served(site, live):
    site.train("1")
    site.deploy("risk", 1)
    (path,) = (site.workspace.objects_dir).rglob("*.json")
    path.write_text(path.read_text().replace("1.0", "9.0"))
    live.look()
    assert "was changed" in live.standing().unopened["risk"].message


def test_a_database_that_does_not_answer_is_told_and_the_models_answer_on(site, live, monkeypatch):
    site.train("1")
    site.deploy("risk", 1)
    live.look()
    looked = live.standing().looked_at

    def down():
        raise DatabaseUnavailable("it does not answer")

    site.now += timedelta(seconds=60)
    with monkeypatch.context() as patch:
        patch.setattr(live, "_database", down)
        live.look()
    assert live.standing().failure == "it does not answer"
    assert live.standing().looked_at == looked
    assert score(live) == 31.0
    live.look()
    assert live.standing().failure == ""
    assert live.standing().looked_at == site.now


def test_a_model_is_found_by_its_kind_or_its_series_and_a_choice_is_never_made_silently(site, live):
    site.train("1")
    site.train("1 2 3", "9780140449136.series")
    site.deploy("risk", 1)
    site.deploy("repeat/9780140449136", 1)
    live.look()
    assert live.find("", predicts=True).model == "risk"
    assert live.of_series("978-0-14-044913-6").model == "repeat/9780140449136"
    assert live.find("", predicts=False).model == "repeat/9780140449136"
    with pytest.raises(UsageError, match="asked by /predict"):
        live.find("risk", predicts=False)
    site.train("1 2", "b.series")
    site.deploy("repeat/b", 1)
    live.look()
    with pytest.raises(UsageError, match="several"):
        live.find("", predicts=False)
    with pytest.raises(UnknownName):
        live.of_series("c")
