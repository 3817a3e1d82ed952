"""Going back: never to what was fled from, all at once, backed up before and tried out after."""

from __future__ import annotations

import hashlib
import json

import pytest

from pipewarden.core.models.deployments import DeploymentKind, DeploymentState
from pipewarden.errors import Conflict, UnknownName, UsageError
from pipewarden.models import choosing, deploying, rolling_back, verifying
from pipewarden.models.outcome import Outcome
from pipewarden.store.files.objects import object_path
from pipewarden.store.state import ledger
from pipewarden.store.state.models import versions
from pipewarden.store.state.models.past import Stint
from tiny_models import EVIL


def deploy(house, *asked, model="a"):
    for one in asked:
        done = deploying.deploy(house.context, model, "production", str(one), reason="")
        assert done.outcome is Outcome.VERIFIED


def back(house, models=("a",), asked="previous", reason="it misbehaves"):
    return rolling_back.rollback(house.context, models, "production", asked, reason=reason)


@pytest.fixture
def three(house):
    """A house where three versions served one after the other."""
    for spread in (9, 6, 3):
        house.train("a", 0, spread)
        deploy(house, "latest")
    return house


def test_the_previous_version_serves_again_and_is_found_good(three):
    done = back(three)
    assert done.good
    assert [(m.before, m.version, m.verified) for m in done.moves] == [(3, 2, True)]
    assert three.states()[-2:] == [(3, "rolled_back"), (2, "verified")]
    assert three.events()[-1] == ("rolled_back", "a@3")
    assert three.acts()[-2:] == [("model.rolled_back", "a@3"), ("model.verified", "a@2")]
    assert three.sound()


def test_a_second_rollback_goes_on_backwards_and_not_forth(three):
    back(three)
    back(three)
    assert three.serving() == 1
    with pytest.raises(Conflict, match="no version to go back to"):
        back(three)
    assert three.serving() == 1


def test_after_a_rollback_and_a_new_deployment_the_way_back_is_what_served_before(three):
    back(three)
    three.train("a", 1, 2)
    deploy(three, 4)
    back(three)
    assert three.serving() == 2


def test_a_version_that_served_there_can_be_named_and_no_other(three):
    three.train("a", 1, 2)
    assert back(three, asked="1").moves[0].version == 1
    with pytest.raises(Conflict, match="version 4 never served there"):
        back(three, asked="4")
    with pytest.raises(Conflict, match="version 1 serves already"):
        back(three, asked="1")
    assert back(three, asked="3").moves[0].version == 3, "even one that was taken back"


def test_after_an_automatic_rollback_the_way_back_leads_behind_it(three):
    three.train("a", EVIL)
    assert deploying.deploy(
        three.context, "a", "production", "latest", reason=""
    ).outcome is Outcome.ROLLED_BACK  # fmt: skip
    assert three.serving() == 3
    back(three)
    assert three.serving() == 2


def test_what_serves_before_is_backed_up_and_the_ledger_knows_the_file(three):
    three.train("b", 1, 1)
    deploy(three, 1, model="b")
    done = back(three)
    held = json.loads(done.backup.read_text())
    assert [(row["model"], row["version"]) for row in held["serving"]] == [("a", 3), ("b", 1)]
    assert (held["environment"], held["by"]) == ("production", "ada")
    with three.database.read() as conn:
        act = next(iter(ledger.entries(conn, action="model.rolled_back")))
    assert act.details["backup"] == done.backup.name
    assert act.details["backup_sha256"] == hashlib.sha256(done.backup.read_bytes()).hexdigest()
    assert (act.reason, act.details["serves"]) == ("it misbehaves", 2)


def test_all_go_back_at_once_and_those_that_cannot_are_told(three):
    three.train("b", 1, 9)
    three.train("b", 1, 3)
    deploy(three, 1, 2, model="b")
    three.train("c", 1, 3)
    deploy(three, 1, model="c")
    done = back(three, None)
    assert [(m.model, m.version) for m in done.moves] == [("a", 2), ("b", 1)]
    assert list(done.left) == ["c"]
    assert not done.good
    assert (three.serving("b"), three.serving("c")) == (1, 1)


def test_one_that_is_replaced_during_its_trial_keeps_no_other_and_the_registry_is_told(
    three, monkeypatch
):
    three.train("b", 1, 9)
    three.train("b", 1, 3)
    deploy(three, 1, 2, model="b")
    told = []

    class Registry:
        name = "the registry"

        def changed(self, models):
            told.extend(models)
            return []

    three.change(projections=(Registry(),))
    monkeypatch.setattr(verifying, "_TOGETHER", 1)
    smoke = three.family.smoke

    def while_tried(*given):
        monkeypatch.setattr(three.family, "smoke", smoke)
        deploy(three, 3)
        told.clear()
        return smoke(*given)

    monkeypatch.setattr(three.family, "smoke", while_tried)
    done = back(three, None)
    assert [(m.model, m.version, m.verified) for m in done.moves] == [
        ("a", 2, False),
        ("b", 1, True),
    ]
    assert "somebody else ended it" in done.moves[0].problems[0]
    assert not done.good
    assert (three.serving("a"), three.serving("b")) == (3, 1)
    assert told == ["a", "b"]


def test_nothing_is_written_where_nothing_can_go_back(house):
    house.train("a", 1, 3)
    deploy(house, 1)
    before = house.acts()
    assert back(house, None).left.keys() == {"a"}
    assert house.acts() == before
    assert not house.context.backups.exists()


def test_what_is_rolled_back_to_and_is_not_good_stays_and_is_told(three, monkeypatch):
    monkeypatch.setattr(three.family, "smoke", lambda *_: {"rows": 1, "problems": ["stale"]})
    done = back(three)
    assert not done.good
    assert done.moves[0].problems == ("stale",)
    assert three.serving() == 2
    assert three.acts()[-1] == ("model.not_verified", "a@2")


def test_a_version_whose_document_is_gone_is_nothing_to_go_back_to(three):
    with three.database.read() as conn:
        lost = versions.get(conn, "a", 2)
    object_path(three.context.objects, lost.object_hash).unlink()
    with pytest.raises(Conflict, match="the document of version 2 is gone"):
        back(three)
    assert three.serving() == 3


@pytest.mark.parametrize(
    ("models", "asked", "reason", "error", "words"),
    [
        (("x",), "previous", "why", UnknownName, "no model 'x'"),
        (("a",), "sideways", "why", UsageError, "'sideways' names no version"),
        (("a",), "previous", " ", UsageError, "needs a reason"),
    ],
)
def test_what_makes_no_sense_is_told(three, models, asked, reason, error, words):
    with pytest.raises(error, match=words):
        back(three, models, asked, reason)
    assert three.serving() == 3


# ── which version, in itself ─────────────────────────────────────────────────────────────────────


def stints(*told: tuple[int, str, str, bool]) -> list[Stint]:
    """Return stints, the newest first: version, kind, state, and whether it was found good."""
    return [
        Stint(
            id=number,
            model="a",
            version=version,
            kind=DeploymentKind(kind),
            state=DeploymentState(state),
            verified=verified,
        )
        for number, (version, kind, state, verified) in enumerate(told, 1)
    ][::-1]


def test_the_last_known_good_was_found_good():
    held = stints(
        (1, "deploy", "superseded", True),
        (2, "deploy", "superseded", False),
        (3, "deploy", "verified", True),
    )
    assert choosing.to_go_back_to(held, "previous") == 2
    assert choosing.to_go_back_to(held, "last-known-good") == 1


def test_where_nothing_serves_the_last_one_that_was_not_taken_back_is_meant():
    held = stints((1, "deploy", "superseded", True), (2, "deploy", "rolled_back", False))
    assert choosing.to_go_back_to(held, "previous") == 1


def test_a_version_deployed_anew_after_its_rollback_is_one_to_go_back_to():
    held = stints(
        (1, "deploy", "superseded", True),
        (2, "deploy", "rolled_back", True),
        (1, "rollback", "superseded", True),
        (2, "deploy", "superseded", True),
        (3, "deploy", "verified", True),
    )
    assert choosing.to_go_back_to(held, "previous") == 2
