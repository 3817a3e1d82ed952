"""One signature for many versions: each has its own record, and all are linked."""

from __future__ import annotations

import pytest

from pipewarden.core.canonical import digest
from pipewarden.errors import UsageError
from pipewarden.models import approving, deploying
from pipewarden.models.outcome import Outcome
from pipewarden.store.state import ledger
from pipewarden.store.state.models import approvals, versions
from pipewarden.store.state.service.keys import ApiKey, Scope
from tiny_models import START


def key(scope: Scope = Scope.APPROVER) -> ApiKey:
    return ApiKey(
        id="k1", name="grace", scope=scope, hash="", created_at=START, created_by="ada"
    )  # fmt: skip


@pytest.fixture
def house(strict):
    """A house where a version of each of three models waits for an approval."""
    made = strict(cooldown_days=0, approval=True)
    for model in ("c", "a", "b"):
        made.train(model, 1, 9)
        deploying.deploy(made.context, model, "production", "latest", reason="better")
    return made


def sign(house, **which):
    return approving.approve_waiting(
        house.context, "production", meaning=" fit for use ", key=key(), **which
    )


def acts(house):
    with house.database.read() as conn:
        return list(ledger.entries(conn, action="model.approved"))


def test_every_version_that_waits_serves_and_has_a_record_of_its_own(house):
    done = sign(house)
    assert [one.approval.model for one in done.approved] == ["a", "b", "c"]
    assert {one.deployed.outcome for one in done.approved} == {Outcome.VERIFIED}
    assert [house.serving(model) for model in "abc"] == [1, 1, 1]
    with house.database.read() as conn:
        for model in "abc":
            (held,) = approvals.of_version(conn, model, 1)
            assert (held.signer, held.meaning, held.at) == (
                "grace",
                "fit for use",
                house.context.clock(),
            )
    assert house.sound()


def test_the_records_name_the_hash_of_all_that_was_signed(house):
    done = sign(house)
    with house.database.read() as conn:
        lines = [f"{m}@1 {versions.get(conn, m, 1).object_hash}\n" for m in "abc"]
    assert done.hash == digest("".join(lines).encode())
    assert {act.details["signed_together"] for act in acts(house)} == {done.hash}


def test_only_what_a_run_made_is_signed_where_a_run_is_named(house):
    with house.database.read() as conn:
        run_id = versions.get(conn, "b", 1).run_id
        same = [m for m in "abc" if versions.get(conn, m, 1).run_id == run_id]
    assert [one.approval.model for one in sign(house, run_id=run_id).approved] == same


@pytest.mark.parametrize("which", [{"family": "another"}, {"run_id": "no-run"}])
def test_where_nothing_waits_nothing_is_signed(house, which):
    with pytest.raises(UsageError, match="nothing of that waits"):
        sign(house, **which)
    assert acts(house) == []


def test_one_that_cannot_begin_is_not_signed_and_keeps_no_other_back(house, monkeypatch):
    from pipewarden.models.context import ModelContext

    has = ModelContext.has_object
    monkeypatch.setattr(
        ModelContext,
        "has_object",
        lambda self, version: version.model != "b" and has(self, version),
    )
    done = sign(house)
    assert [one.approval.model for one in done.approved] == ["a", "c"]
    assert done.left == ("b@1: the document of b@1 is gone",)
    assert [act.subject for act in acts(house)] == ["a@1", "c@1"]
    assert (house.serving("b"), house.sound()) == (None, True)


@pytest.mark.parametrize("scope", [Scope.VIEWER, Scope.OPERATOR])
def test_who_may_not_approve_one_may_not_approve_many(house, scope):
    with pytest.raises(UsageError, match="may not sign"):
        approving.approve_waiting(
            house.context, "production", meaning="fit", key=key(scope)
        )  # fmt: skip
    assert acts(house) == []


def test_a_signature_for_many_needs_a_meaning_too(house):
    with pytest.raises(UsageError, match="needs a meaning"):
        approving.approve_waiting(house.context, "production", meaning=" ", key=key())
