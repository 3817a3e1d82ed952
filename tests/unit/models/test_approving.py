"""Where the policy asks, a version serves only once somebody has signed for it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from pipewarden.errors import Conflict, UsageError
from pipewarden.models import approving, deploying, rolling_back
from pipewarden.models.outcome import Outcome
from pipewarden.store.state import ledger
from pipewarden.store.state.models import approvals, deployments, versions
from pipewarden.store.state.service import keys
from pipewarden.store.state.service.keys import ApiKey, Scope
from tiny_models import EVIL, START


def key_of(house, name="grace", scope=Scope.APPROVER, **also) -> ApiKey:
    made = ApiKey(
        id=hashlib.sha256(name.encode()).hexdigest()[:12],
        name=name,
        scope=scope,
        hash="",
        created_at=START,
        created_by="ada",
        **also,
    )
    with house.database.write() as conn:
        keys.create(conn, made)
    return made


@pytest.fixture
def house(strict):
    """A house whose production asks for approval, with two good versions."""
    made = strict(cooldown_days=0, approval=True)
    made.train("a", 1, 9)
    made.train("a", 1, 3)
    return made


def deploy(house, asked="latest"):
    return deploying.deploy(house.context, "a", "production", asked, reason="better")


def sign(house, version=1, key=None, meaning="approved for production"):
    key = key or key_of(house)
    return approving.approve(house.context, "a", version, "production", meaning=meaning, key=key)


def test_a_deployment_waits_until_somebody_signs_and_then_begins_at_once(house):
    assert deploy(house, "1").outcome is Outcome.AWAITING
    assert house.serving() is None
    assert house.states() == [(1, "awaiting")]
    done = sign(house)
    assert done.deployed.outcome is Outcome.VERIFIED
    assert house.serving() == 1
    assert house.acts() == [
        ("model.deployment_requested", "a@1"),
        ("model.approved", "a@1"),
        ("model.deployed", "a@1"),
        ("model.verified", "a@1"),
    ]
    assert house.sound()


def test_the_signature_says_who_when_and_what_it_means_and_is_linked_to_the_document(house):
    key = key_of(house)
    sign(house, key=key, meaning=" reviewed and approved ")
    with house.database.read() as conn:
        (held,) = approvals.of_version(conn, "a", 1)
        act = next(iter(ledger.entries(conn, action="model.approved")))
        version = versions.get(conn, "a", 1)
    assert (held.signer, held.meaning, held.at) == ("grace", "reviewed and approved", START)
    assert (held.key_id, act.actor, act.reason) == (key.id, "grace", "reviewed and approved")
    assert act.details["object"] == version.object_hash


def test_what_was_signed_before_does_not_wait(house):
    assert sign(house).deployed is None
    assert deploy(house, "1").outcome is Outcome.VERIFIED


def test_a_signature_is_of_one_version_only(house):
    sign(house)
    deploy(house, "1")
    assert deploy(house, "2").outcome is Outcome.AWAITING
    assert house.serving() == 1


def test_a_signature_ends_when_the_version_is_taken_back(house):
    key = key_of(house)
    for version in (1, 2):
        sign(house, version, key)
        deploy(house, str(version))
    house.later(days=1)
    rolling_back.rollback(house.context, ["a"], "production", reason="bad")
    assert deploy(house, "2").outcome is Outcome.AWAITING
    house.later(days=1)
    assert sign(house, 2, key).deployed.outcome is Outcome.VERIFIED


def test_what_fails_its_trial_is_taken_back_though_it_was_signed(house):
    house.train("a", EVIL)
    deploy(house)
    assert sign(house, 3).deployed.outcome is Outcome.ROLLED_BACK
    assert house.serving() is None


def test_to_ask_anew_takes_the_place_of_what_waits(house):
    deploy(house, "1")
    deploy(house, "2")
    assert house.states() == [(1, "withdrawn"), (2, "awaiting")]


def test_nothing_is_signed_where_something_else_serves_than_was_judged(house):
    key = key_of(house)
    deploy(house, "2")
    with house.database.write() as conn:  # as if another had been let in meanwhile
        (waiting,) = deployments.awaiting(conn, "a")
        other = deployments.request(conn, replace(waiting, id=0, version=1))
        deployments.begin(
            conn, other.id, at=house.now, ended=deployments.DeploymentState.SUPERSEDED
        )
    with pytest.raises(Conflict, match="came between"):
        sign(house, 2, key)
    with house.database.read() as conn:
        assert approvals.of_version(conn, "a", 2) == []


@pytest.mark.parametrize(
    ("also", "words"),
    [({"scope": Scope.OPERATOR}, "has the scope operator"), ({"revoked_at": START}, "was revoked")],
)
def test_a_key_that_may_not_decide_signs_nothing(house, also, words):
    key = key_of(house, **also)
    with pytest.raises(UsageError, match=words):
        sign(house, key=key)
    with pytest.raises(UsageError, match=words):
        approving.release(house.context, "a", 1, reason="I looked", key=key)
    assert house.acts() == []


def test_a_signature_needs_a_meaning_and_a_version_that_may_serve(house):
    house.train("a", 2, deployable=False)
    key = key_of(house)
    with pytest.raises(UsageError, match="needs a meaning"):
        sign(house, key=key, meaning=" ")
    with pytest.raises(Conflict, match="is quarantined"):
        sign(house, 3, key)
    assert house.acts() == []


def test_where_there_are_keys_a_release_needs_one(house):
    house.train("a", 2, deployable=False)
    key = key_of(house)
    with pytest.raises(UsageError, match="needs a key"):
        approving.release(house.context, "a", 3, reason="I looked", key=None)
    approving.release(house.context, "a", 3, reason="I looked", key=key)
    with house.database.read() as conn:
        act = next(iter(ledger.entries(conn, action="model.released")))
    assert (act.actor, act.details["refused_for"]) == ("grace", "too_few")
