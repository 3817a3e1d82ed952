"""A version serves only through its gates; what does not hold its promise is taken back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipewarden.errors import (
    Conflict,
    DependencyUnavailable,
    MissingExtra,
    UnknownName,
    UsageError,
)
from pipewarden.models import approving, deploying, verifying
from pipewarden.models.outcome import Outcome
from pipewarden.store.files.objects import object_path
from pipewarden.store.state.models import deployments
from tiny_models import BROKEN, EVIL, START


def deploy(house, asked="latest", *, model="a", environment="production", reason="why not"):
    return deploying.deploy(house.context, model, environment, asked, reason=reason)


def test_the_first_version_serves_and_is_found_good(house):
    house.train("a", 1, 3)
    done = deploy(house)
    assert (done.outcome, done.serves, done.before) == (Outcome.VERIFIED, 1, None)
    assert house.states() == [(1, "verified")]
    assert house.acts() == [("model.deployed", "a@1"), ("model.verified", "a@1")]
    assert house.events() == [("deployed", "a@1")]
    assert house.sound()


def test_a_better_one_takes_its_place_and_is_told_as_promoted(house):
    house.train("a", 1, 9)
    deploy(house)
    house.train("a", 1, 3)
    done = deploy(house)
    assert (done.outcome, done.serves, done.before) == (Outcome.VERIFIED, 2, 1)
    assert house.states() == [(1, "superseded"), (2, "verified")]
    assert house.events()[1:] == [("deployed", "a@2"), ("promoted", "a@2")]


def test_what_it_was_judged_on_is_kept_with_the_deployment(house):
    house.train("a", 1, 9)
    deploy(house)
    house.train("a", 1, 3)
    deploy(house)
    with house.database.read() as conn:
        held = deployments.serving(conn, "a", "production")
    assert held.evidence["comparison"]["improvement"] == 3.0
    assert held.evidence["comparison"]["rows_trained_on"] == 2
    assert held.evidence["comparison"]["first_deployment"] is False
    assert held.evidence["verdict"]["status"] == "PASS"
    assert held.evidence["trial"] == {"rows": 2, "problems": [], "worst": None}


def test_a_worse_one_is_refused_and_nothing_changes_but_the_ledger(house):
    house.train("a", 1, 3)
    deploy(house)
    house.train("a", 1, 9)
    before = house.states(), house.events()
    done = deploy(house)
    assert (done.outcome, done.serves) == (Outcome.REFUSED, 1)
    assert [finding.check for finding in done.verdict.misses] == ["improvement"]
    assert (house.states(), house.events()) == before
    assert house.acts()[-1] == ("model.refused", "a@2")


def test_the_preset_of_the_environment_decides(strict):
    house = strict(cooldown_days=0, preset="aggressive")
    house.train("a", 1, 3)
    deploy(house)
    house.train("a", 1, 9)
    assert deploy(house).outcome is Outcome.VERIFIED


def test_a_file_of_the_operator_tunes_the_promotion_gate_and_its_presets(house):
    house.context.gates.mkdir()
    (house.context.gates / "means-promotion.yaml").write_text(
        "version: 1\nchecks: {improvement: {target: 100}}\n"
        "presets: {default: {improvement: {target: -100}}}\n"
    )
    house.train("a", 1, 3)
    deploy(house)
    house.train("a", 1, 9)
    assert deploy(house).outcome is Outcome.VERIFIED


def test_a_model_is_promoted_again_only_after_the_cooldown(strict):
    house = strict(cooldown_days=7)
    house.train("a", 1, 9)
    deploy(house)
    house.train("a", 1, 3)
    house.later(days=6)
    refused = deploy(house)
    assert refused.outcome is Outcome.REFUSED
    assert [finding.check for finding in refused.verdict.misses] == ["cooldown"]
    house.later(days=1)
    assert deploy(house).outcome is Outcome.VERIFIED


def test_without_a_cooldown_of_its_own_an_environment_has_seven_days(strict):
    house = strict()
    house.train("a", 1, 9)
    deploy(house)
    house.train("a", 1, 3)
    house.later(days=6)
    assert deploy(house).outcome is Outcome.REFUSED


def test_what_was_taken_back_begins_no_cooldown(strict):
    house = strict(cooldown_days=7)
    house.train("a", 1, 9)
    deploy(house)
    house.later(days=8)
    house.train("a", EVIL)
    assert deploy(house).outcome is Outcome.ROLLED_BACK
    house.train("a", 1, 3)
    assert deploy(house).outcome is Outcome.VERIFIED


def test_models_that_cannot_be_compared_are_refused_with_the_reason(house):
    house.train("a", -5, -5)
    done = deploy(house)
    assert done.outcome is Outcome.REFUSED
    messages = {finding.check: finding.message for finding in done.verdict.misses}
    assert "ArithmeticError: it cannot be compared" in messages["comparison"]


# ── the trial ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("number", "problem"),
    [(EVIL, "its answers are evil"), (BROKEN, "ZeroDivisionError: it does not open")],
)
def test_what_fails_its_trial_is_taken_back_and_what_served_serves_again(house, number, problem):
    house.train("a", 1, 3)
    deploy(house)
    house.train("a", number)
    done = deploy(house)
    assert (done.outcome, done.serves, done.problems) == (Outcome.ROLLED_BACK, 1, (problem,))
    assert house.states() == [(1, "superseded"), (2, "rolled_back"), (1, "verified")]
    assert house.events()[-1] == ("rolled_back", "a@2")
    assert house.sound()


def test_where_nothing_served_before_nothing_serves_after_and_that_is_told(house):
    house.train("a", EVIL)
    done = deploy(house)
    assert (done.outcome, done.serves) == (Outcome.ROLLED_BACK, None)
    assert done.notices == ("nothing served before, so nothing serves now",)
    assert house.serving() is None


def test_what_is_restored_and_is_not_good_either_goes_on_and_is_told(house, monkeypatch):
    house.train("a", 1, 3)
    deploy(house)
    house.train("a", 2, 2)
    monkeypatch.setattr(house.family, "smoke", lambda *_: {"rows": 0})
    done = deploy(house)
    assert (done.outcome, done.serves) == (Outcome.ROLLED_BACK, 1)
    assert "a@1 serves again, and was not found good: no row was answered" in done.notices[0]
    assert house.states()[-1] == (1, "current")
    monkeypatch.undo()
    done = verifying.reconcile(house.context)
    assert [one.good for one in done.settled] == [True]
    assert done.good


def test_where_it_cannot_be_tried_for_want_of_a_library_nothing_is_taken_back(house, monkeypatch):
    def cannot(*_):
        raise MissingExtra("The family means", "means")

    monkeypatch.setattr(house.family, "open", cannot)
    house.train("a", 1, 3)
    done = deploy(house)
    assert (done.outcome, done.serves) == (Outcome.UNVERIFIED, 1)
    assert house.states() == [(1, "current")]
    monkeypatch.undo()
    done = deploy(house)
    assert (done.outcome, done.settled.good) == (Outcome.UNCHANGED, True)
    assert house.states() == [(1, "verified")]


def test_a_trial_that_somebody_else_finishes_meanwhile_is_finished(house, monkeypatch):
    def cannot(*_):
        raise MissingExtra("The family means", "means")

    house.train("a", EVIL)
    monkeypatch.setattr(house.family, "open", cannot)
    deploy(house)
    monkeypatch.undo()
    smoke = house.family.smoke

    def while_tried(*given):
        monkeypatch.undo()
        assert not verifying.reconcile(house.context).good
        return smoke(*given)

    monkeypatch.setattr(house.family, "smoke", while_tried)
    assert verifying.settle(house.context, "a", "production") is None
    assert house.states() == [(1, "rolled_back")]


def test_counts_of_faults_are_problems_where_a_family_names_none(house, monkeypatch):
    monkeypatch.setattr(house.family, "smoke", lambda *_: {"rows": 5, "non_finite": 2})
    house.train("a", 1, 3)
    assert deploy(house).problems == ("2 non_finite",)


# ── which version ────────────────────────────────────────────────────────────────────────────────


def test_latest_is_the_newest_that_may_be_deployed(house):
    house.train("a", 1, 3)
    house.train("a", 2, deployable=False)
    assert deploy(house).version == 1


def test_the_champion_of_production_can_be_brought_to_staging(house):
    house.train("a", 1, 3)
    house.train("a", 2, 2)
    deploy(house, "1")
    done = deploy(house, "champion", environment="staging")
    assert (done.version, done.outcome) == (1, Outcome.VERIFIED)


def test_a_quarantined_version_is_a_conflict_until_somebody_releases_it(house):
    house.train("a", 2, deployable=False)
    with pytest.raises(Conflict, match="quarantined: too_few") as caught:
        deploy(house, "1")
    assert "models release a --version 1" in caught.value.next_step
    approving.release(house.context, "a", 1, reason="I looked", key=None)
    assert deploy(house, "1").outcome is Outcome.VERIFIED
    assert ("model.released", "a@1") in house.acts()


def test_a_release_needs_a_reason_and_a_quarantined_version(house):
    house.train("a", 1, 3)
    with pytest.raises(UsageError, match="needs a reason"):
        approving.release(house.context, "a", 1, reason=" ", key=None)
    with pytest.raises(Conflict, match="is not quarantined: it is deployable"):
        approving.release(house.context, "a", 1, reason="I looked", key=None)


@pytest.mark.parametrize(
    ("model", "environment", "asked", "error", "words"),
    [
        ("b", "production", "latest", UnknownName, "no model 'b'"),
        ("aa", "production", "latest", UnknownName, "did you mean 'a'"),
        ("a", "moon", "latest", UnknownName, "no environment 'moon'"),
        ("a", "production", "7", UnknownName, "no version 7"),
        ("a", "production", "newest", UsageError, "'newest' names no version"),
        ("a", "production", "champion", Conflict, "no version of a serves in production"),
    ],
)
def test_what_does_not_exist_is_told(house, model, environment, asked, error, words):
    house.train("a", 1, 3)
    with pytest.raises(error, match=words):
        deploy(house, asked, model=model, environment=environment)


def test_what_serves_already_is_left_alone(house):
    house.train("a", 1, 3)
    deploy(house)
    before = house.acts()
    assert deploy(house).outcome is Outcome.UNCHANGED
    assert house.acts() == before


def test_a_document_that_was_changed_or_is_gone_never_serves(house):
    version = house.train("a", 1, 3)
    path = object_path(house.context.objects, version.object_hash)
    path.write_bytes(b"{}")
    with pytest.raises(Exception, match="was changed"):
        deploy(house)
    path.unlink()
    with pytest.raises(Exception, match="does not read"):
        deploy(house)
    assert house.serving() is None


def test_a_family_is_deployed_as_a_whole_and_one_bad_model_keeps_no_other(house):
    house.train("a", 1, 3)
    house.train("b", EVIL)
    house.train("c", 4, deployable=False)
    house.train("d", 5, 5)
    done = deploying.deploy_all(house.context, "means", "production", "latest", reason="all")
    assert [(one.model, one.outcome) for one in done] == [
        ("a", Outcome.VERIFIED),
        ("b", Outcome.ROLLED_BACK),
        ("c", Outcome.IMPOSSIBLE),
        ("d", Outcome.VERIFIED),
    ]
    with pytest.raises(UsageError, match="of one model"):
        deploying.deploy_all(house.context, "means", "production", "3", reason="all")


# ── who else is there ────────────────────────────────────────────────────────────────────────────


def test_of_two_who_deploy_at_once_the_second_learns_that_it_came_too_late(house, monkeypatch):
    house.train("a", 1, 9)
    deploy(house)
    house.train("a", 1, 5)
    house.train("a", 1, 3)
    compare = house.family.compare
    raced = []

    def while_judging(*documents):
        if not raced:
            raced.append(True)
            assert deploy(house, "2").outcome is Outcome.VERIFIED
        return compare(*documents)

    monkeypatch.setattr(house.family, "compare", while_judging)
    with pytest.raises(Conflict, match="came between"):
        deploy(house, "3")
    assert house.serving() == 2
    assert house.states() == [(1, "superseded"), (2, "verified")]


def test_one_that_is_replaced_during_its_trial_says_so(house, monkeypatch):
    house.train("a", 1, 9)
    house.train("a", 1, 3)
    smoke = house.family.smoke

    def while_tried(document, model):
        if model.value == 5:
            monkeypatch.setattr(house.family, "smoke", smoke)
            deploy(house, "2")
        return smoke(document, model)

    monkeypatch.setattr(house.family, "smoke", while_tried)
    with pytest.raises(Conflict, match="somebody else ended it"):
        deploy(house, "1")
    assert house.serving() == 2


def test_two_who_try_the_same_deployment_agree(house):
    house.train("a", 1, 3)
    deploy(house)
    with house.database.read() as conn:
        held = deployments.serving(conn, "a", "production")
    again = verifying.confirm(house.context, [(held, verifying.Trial(evidence={"rows": 1}))])
    assert again[0].good
    assert house.acts().count(("model.verified", "a@1")) == 1


# ── projections ──────────────────────────────────────────────────────────────────────────────────


class Mirror:
    name = "the mirror"

    def __init__(self, error: Exception | None = None) -> None:
        self.told: list[str] = []
        self.asked = 0
        self.cannot: list[str] = []
        self.error = error

    def changed(self, models: Sequence[str]) -> list[str]:
        self.asked += 1
        if self.error:
            raise self.error
        self.told += models
        return self.cannot

    def reconcile(self) -> tuple[list[str], list[str]]:
        if self.error:
            raise self.error
        return ["an alias was wrong"], self.cannot


def test_projections_are_told_of_each_change_and_never_stop_one(house):
    good, bad = Mirror(), Mirror(OSError("it is down"))
    house.change(projections=(bad, good))
    house.train("a", 1, 3)
    done = deploy(house)
    assert done.outcome is Outcome.VERIFIED
    assert good.told == ["a"]
    assert "the mirror was not told all that changed of 1 models" in done.notices[0]
    assert "OSError: it is down; pipewarden models reconcile" in done.notices[0]
    deploy(house)
    assert good.told == ["a"]
    mended = verifying.reconcile(house.context)
    assert mended.mended == ("the mirror: an alias was wrong",)
    assert mended.notices == ("the mirror was not mended: OSError: it is down",)
    assert not mended.good


def test_for_a_whole_family_a_projection_that_is_down_is_asked_once(house):
    bad, good = Mirror(OSError("it is down")), Mirror()
    house.change(projections=(bad, good))
    for model in ("a", "b", "c"):
        house.train(model, 1, 3)
    done = deploying.deploy_all(house.context, "means", "production", "latest", reason="all")
    assert [one.notices for one in done[:-1]] == [(), ()]
    assert "not told all that changed of 3 models" in done[-1].notices[0]
    assert good.told == ["a", "b", "c"]
    assert (bad.asked, good.asked) == (1, 1)


def test_what_a_projection_cannot_show_is_told_with_what_it_could(house):
    mirror = Mirror()
    mirror.cannot = ["a: it is of somebody else"]
    house.change(projections=(mirror,))
    house.train("a", 1, 3)
    assert deploy(house).notices == ("the mirror does not show a: it is of somebody else",)
    mended = verifying.reconcile(house.context)
    assert mended.mended == ("the mirror: an alias was wrong",)
    assert mended.notices == ("the mirror was not mended: a: it is of somebody else",)


def test_a_release_reaches_the_projections_and_what_failed_is_returned(house):
    bad, good = Mirror(OSError("it is down")), Mirror()
    house.change(projections=(bad, good))
    house.train("a", 2, deployable=False)
    notices = approving.release(house.context, "a", 1, reason="I looked", key=None)
    assert good.told == ["a"]
    assert len(notices) == 1
    assert "OSError: it is down" in notices[0]


def test_one_damaged_document_of_a_family_keeps_no_other_and_the_rest_is_told(house):
    mirror = Mirror()
    house.change(projections=(mirror,))
    for model in ("a", "b", "c"):
        held = house.train(model, 1, 3)
        if model == "b":
            object_path(house.context.objects, held.object_hash).write_bytes(b"{}")
    done = deploying.deploy_all(house.context, "means", "production", "latest", reason="all")
    outcomes = [one.outcome for one in done]
    assert outcomes == [Outcome.VERIFIED, Outcome.IMPOSSIBLE, Outcome.VERIFIED]
    assert "was changed" in done[1].problems[0]
    assert mirror.told == ["a", "c"]


def test_what_serves_is_told_though_the_rest_of_the_family_breaks_off(house, monkeypatch):
    mirror = Mirror()
    house.change(projections=(mirror,))
    for model in ("a", "b"):
        house.train(model, 1, 3)
    judge = deploying.judging.judge

    def judged(context, version, met):
        if version.model == "b":
            raise DependencyUnavailable("the database is gone")
        return judge(context, version, met)

    monkeypatch.setattr(deploying.judging, "judge", judged)
    with pytest.raises(DependencyUnavailable):
        deploying.deploy_all(house.context, "means", "production", "latest", reason="all")
    assert mirror.told == ["a"]


def test_times_are_those_of_the_clock(house):
    house.train("a", 1, 3)
    deploy(house)
    with house.database.read() as conn:
        held = deployments.serving(conn, "a", "production")
    assert held.created_at == held.started_at == held.verified_at == START
