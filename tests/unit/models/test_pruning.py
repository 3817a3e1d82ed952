"""Clean-up takes old documents, and none that anybody needs."""

from __future__ import annotations

import os
from dataclasses import replace

import orjson
import pytest

from pipewarden.core.models.deployments import Approval
from pipewarden.errors import Conflict, UsageError
from pipewarden.models import deploying, pruning, rolling_back
from pipewarden.models.outcome import Outcome
from pipewarden.store.files.objects import object_path, objects_in
from pipewarden.store.state.models import approvals, deployments, predictions, versions
from pipewarden.store.state.models.predictions import Prediction
from tiny_models import START, document


def prune(house, keep=1, **also):
    return pruning.prune(house.context, keep=keep, reason="space", **also)


def there(house, model="a") -> list[int]:
    """Return the versions whose documents lie in the object store."""
    with house.database.read() as conn:
        return sorted(v.version for v in versions.listed(conn, model=model)
                      if house.context.has_object(v))  # fmt: skip


@pytest.fixture
def many(house):
    for number in range(1, 6):
        house.train("a", number, number)
    return house


def test_the_newest_stay_and_the_others_go_and_the_ledger_knows(many):
    done = prune(many, 2)
    assert done.versions == (("a", 3), ("a", 2), ("a", 1))
    assert done.freed > 0
    assert there(many) == [4, 5]
    assert many.acts() == [("model.pruned", f"a@{n}") for n in (3, 2, 1)]
    assert prune(many, 2).versions == ()
    assert len(many.acts()) == 3


def test_quarantined_versions_are_counted_apart(many):
    many.train("a", 8, 8, deployable=False)
    many.train("a", 9, 9, deployable=False)
    prune(many)
    assert there(many) == [5, 7]


def test_what_was_deployed_waits_was_signed_for_or_has_answered_stays(many):
    for version in ("1", "2"):
        deploying.deploy(many.context, "a", "production", version, reason="")
    with many.database.write() as conn:
        held = deployments.serving(conn, "a", "production")
        approval = Approval(
            model="a", version=3, environment="production", signer="grace", meaning="fine",
            key_id="k", at=START,
        )  # fmt: skip
        approvals.sign(conn, approval)
        row = Prediction(
            id="p", at=START, model="a", version=4, environment="production", role="champion",
            entity="", inputs={}, answer={}, request_id="",
        )  # fmt: skip
        predictions.append(conn, [row])
    many.train("a", 7, 7)
    many.train("a", 8, 8)
    with many.database.write() as conn:
        waiting = replace(held, id=0, version=6, environment="staging", evidence={})
        deployments.request(conn, replace(waiting, state=deployments.DeploymentState.AWAITING))
    prune(many)
    assert there(many) == [1, 2, 3, 4, 6, 7]


def test_a_document_that_another_version_needs_stays(many):
    with many.database.read() as conn:
        first = versions.get(conn, "a", 1)
    many.train("b", 1, 1)
    with many.database.write() as conn:  # the same document under another name
        values = {"object_hash": first.object_hash}
        table = versions.model_versions
        conn.execute(versions.update(table).where(table.c.model == "b").values(**values))
    prune(many)
    assert there(many) == [1, 5]


def test_one_model_alone_can_be_cleaned_up(many):
    for number in (1, 2):
        many.train("b", number, number)
    prune(many, model="a")
    assert (there(many), there(many, "b")) == ([5], [1, 2])


def test_what_was_cleaned_up_cannot_be_deployed_and_says_so_until_it_is_trained_again(many):
    prune(many)
    with pytest.raises(Conflict, match=r"the document of a@1 was removed by ada at 2026-03-01"):
        deploying.deploy(many.context, "a", "production", "1", reason="")
    with many.database.read() as conn:
        version = versions.get(conn, "a", 1)
    path = object_path(many.context.objects, version.object_hash)
    path.write_bytes(orjson.dumps(document("a", (1, 1))))
    done = deploying.deploy(many.context, "a", "production", "1", reason="")
    assert (done.outcome, many.serving()) == (Outcome.VERIFIED, 1)


def test_what_crashes_left_goes_when_it_is_a_day_old(many):
    orphan = object_path(many.context.objects, f"sha256:{'ab' * 32}")
    fresh = object_path(many.context.objects, f"sha256:{'cd' * 32}")
    staged = orphan.with_name(".pipewarden-00000000-1-00.tmp")
    for path, age in ((orphan, 2), (fresh, 0), (staged, 2)):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"{}")
        os.utime(path, (START.timestamp() - age * 86_400,) * 2)
    done = prune(many, 9)
    assert done.orphans == 2
    assert (orphan.exists(), fresh.exists(), staged.exists()) == (False, True, False)
    assert many.acts()[-1][0] == "model.orphans_removed"


def test_what_comes_into_use_meanwhile_is_kept(many, monkeypatch):
    def deploy_now(window) -> None:
        monkeypatch.undo()
        deploying.deploy(many.context, "a", "production", "2", reason="")

    monkeypatch.setattr(pruning, "passing", deploy_now)
    done = prune(many)
    assert done.versions == (("a", 4), ("a", 3), ("a", 1))
    assert there(many) == [2, 5]
    assert many.acts()[-1] == ("model.kept", "a@2")


def test_a_clean_up_needs_a_reason_and_keeps_at_least_one(many):
    with pytest.raises(UsageError, match="at least 1"):
        prune(many, 0)
    with pytest.raises(UsageError, match="needs a reason"):
        pruning.prune(many.context, keep=1, reason="")
    assert len(list(objects_in(many.context.objects))) == 5


def test_a_version_that_one_can_go_back_to_is_never_cleaned_up(many):
    for version in ("1", "2"):
        deploying.deploy(many.context, "a", "production", version, reason="")
    prune(many)
    assert rolling_back.rollback(many.context, ["a"], "production", reason="bad").good
