"""A challenger beside a champion: asked, counted and stopped, and no request is worse for it."""

from __future__ import annotations

import logging

import pytest

from pipewarden.core.models.challengers import (
    CHALLENGER,
    CHAMPION,
    Challenger,
    ChallengerMode,
    ChallengerState,
    assigned,
    beside,
)
from pipewarden.core.models.comparisons import ComparisonPlan, Figures, HarmLimits
from pipewarden.errors import DatabaseUnavailable
from pipewarden.jobs.monitoring.running import challenged
from pipewarden.jobs.serving.desk import desk_of
from pipewarden.models.serving.beside.running import Beside
from pipewarden.models.serving.beside.shadowing import Question, Shadows
from pipewarden.store.state import ledger
from pipewarden.store.state.models import challengers, predictions

CANARY, SHADOW = ChallengerMode.CANARY, ChallengerMode.SHADOW
ROWS = [{"age": 20 + n, "income": None} for n in range(60)]
NAMES = [f"customer {n}" for n in range(60)]
PLAN = ComparisonPlan(harm=HarmLimits(asked=20, failed_share=0.5))


@pytest.fixture
def desk(site):
    """Return the desk of a site whose model answers in version 1; it is started and closed."""
    site.train("1")
    site.train("100 100")
    site.deploy("risk", 1)
    made = desk_of(site.workspace, "production")
    made.live.look()
    made.log.start()
    made._shadows.start()
    yield made
    made.close()


@pytest.fixture
def begin(site, desk):
    """Return what starts a challenger of version 2, and lets the desk see it."""

    def begun(mode: ChallengerMode, version: int = 2, champion: int = 1) -> Challenger:
        with site.workspace.database.write() as conn:
            held = challengers.start(
                conn,
                Challenger(
                    id=0,
                    model="risk",
                    environment="production",
                    version=version,
                    champion=champion,
                    mode=mode,
                    share=0.3 if mode is CANARY else 1.0,
                    plan=PLAN,
                    state=ChallengerState.RUNNING,
                    actor="ada",
                    reason="",
                    started_at=site.now,
                ),
            )
        desk.live.look()
        return held

    return begun


def ask(desk, rows=ROWS, entities=NAMES, **how):
    served = desk.live.find("risk", predicts=True)
    answered = desk.predict(served, rows, entities, **how)
    desk._shadows.settle()
    assert desk.log.wait(desk.log._added, 10)
    return answered


def scores(answered):
    return [one.answer.get("score") for one in answered.answers]


def logged(site, version):
    with site.workspace.database.read() as conn:
        return predictions.latest(conn, "risk", version, 1_000)


def figures(site, held):
    with site.workspace.database.read() as conn:
        return challengers.figures_of(conn, held.id)


def state(site, held):
    with site.workspace.database.read() as conn:
        return challengers.get(conn, held.id)


CHAMPIONS = [21.0 + n for n in range(60)]


class TestWithoutAChallenger:
    def test_the_champion_answers_alone(self, site, desk):
        answered = ask(desk)
        assert (scores(answered), answered.by) == (CHAMPIONS, ())
        assert {one.role for one in logged(site, 1)} == {CHAMPION}
        assert logged(site, 2) == []


class TestAShadow:
    def test_is_asked_everything_and_answers_nobody(self, site, desk, begin):
        held = begin(SHADOW)
        answered = ask(desk, request_ids=["request"] * len(ROWS))
        assert (scores(answered), answered.by) == (CHAMPIONS, ())
        own = {one.id: one for one in logged(site, 2)}
        for made, name, score in zip(answered.ids, NAMES, CHAMPIONS, strict=True):
            one = own.pop(beside(made, held.id))
            assert (one.role, one.entity, one.request_id) == (CHALLENGER, name, "request")
            assert one.answer["score"] == score + 99
        assert not own

    def test_is_not_asked_what_the_champion_has_no_answer_to(self, site, desk, begin):
        held = begin(SHADOW)
        rows = [{"age": 99, "income": None}]  # the model of either version raises
        assert ask(desk, rows, []).answers[0].refusal is not None
        desk.live.look()
        assert figures(site, held).asked == 0

    def test_that_fails_where_the_champion_answers_is_stopped_as_harm(
        self, site, desk, begin, monkeypatch
    ):
        held = begin(SHADOW)
        beside_it = desk.live.challengers.of(desk.live.named("risk"))
        monkeypatch.setattr(beside_it.served.opened, "predict", lambda _: 1 / 0)
        for _ in range(3):
            assert scores(ask(desk)) == CHAMPIONS
        assert desk.live.challengers.of(desk.live.named("risk")) is None
        desk.live.look()
        ended = state(site, held)
        assert (ended.state, ended.ended_by) == ("harmed", "pipewarden")
        assert "no answer to 60 of 60 rows" in ended.ended_reason
        with site.workspace.database.read() as conn:
            assert [one.action for one in ledger.entries(conn)] == ["challenger.harmed"]
        assert scores(ask(desk)) == CHAMPIONS

    def test_that_is_busy_is_not_asked_and_that_is_counted(self, site, desk, begin):
        held = begin(SHADOW)
        one = desk.live.challengers.of(desk.live.named("risk"))
        full = Shadows(room=10)
        for _ in range(3):
            full.offer(one, [Question(ROWS[0], "id", "", "")] * 5, lambda _: None)
        desk.live.look()
        assert figures(site, held).skipped == 5

    def test_is_asked_what_waits_when_the_service_ends(self, site, desk, begin):
        held = begin(SHADOW)
        served = desk.live.find("risk", predicts=True)
        for _ in range(5):
            desk.predict(served, ROWS, NAMES)
        desk.close()
        assert len(logged(site, 2)) == 300
        assert figures(site, held).asked == 300


class TestACanary:
    def test_answers_its_share_of_the_entities_always_the_same(self, site, desk, begin):
        held = begin(CANARY)
        mine = [assigned(name, held.id, held.share) for name in NAMES]
        assert 0 < sum(mine) < len(mine)
        for _ in range(2):
            answered = ask(desk)
            assert [by.version for by in answered.by] == [2 if own else 1 for own in mine]
            assert scores(answered) == [
                score + 99 if own else score for score, own in zip(CHAMPIONS, mine, strict=True)
            ]
        assert {one.entity for one in logged(site, 2)} == {
            name for name, own in zip(NAMES, mine, strict=True) if own
        }
        assert {one.role for one in logged(site, 2)} == {CHALLENGER}
        assert {one.role for one in logged(site, 1)} == {CHAMPION}

    def test_is_assigned_by_the_prediction_where_nobody_says_the_entity(self, desk, begin):
        held = begin(CANARY)
        answered = ask(desk, entities=[])
        assert [by.version == 2 for by in answered.by] == [
            assigned(made, held.id, held.share) for made in answered.ids
        ]

    def test_that_has_no_answer_leaves_it_to_the_champion(self, site, desk, begin, monkeypatch):
        held = begin(CANARY)
        one = desk.live.challengers.of(desk.live.named("risk"))
        monkeypatch.setattr(one.served.opened, "predict", lambda _: 1 / 0)
        answered = ask(desk)
        assert scores(answered) == CHAMPIONS
        assert {by.version for by in answered.by} == {1}
        while desk.live.challengers.of(desk.live.named("risk")) is not None:
            assert scores(ask(desk)) == CHAMPIONS
        desk.live.look()
        assert state(site, held).state == "harmed"
        assert logged(site, 2) == []

    def test_is_not_blamed_for_a_row_that_nobody_answers(self, site, desk, begin):
        held = begin(CANARY)
        answered = ask(desk, [{"age": "old", "income": None}] * 60)
        assert {one.refusal.reason for one in answered.answers} == {"invalid_row"}
        desk.live.look()
        assert figures(site, held).failed == 0

    def test_of_a_request_that_is_answered_whole_or_not_logs_nothing_of_half(
        self, site, desk, begin
    ):
        begin(CANARY)
        answered = ask(desk, [*ROWS[:-1], {"age": "old", "income": None}], whole=True)
        assert answered.ids == []
        assert logged(site, 1) == logged(site, 2) == []


class TestAnExchange:
    @pytest.mark.parametrize("mode", ChallengerMode)
    def test_of_a_challenger_that_ended_takes_it_away(self, site, desk, begin, mode):
        held = begin(mode)
        with site.workspace.database.write() as conn:
            challengers.end(
                conn, held.id, ChallengerState.STOPPED, at=site.now, by="ada", reason=""
            )
        desk.live.look()
        assert scores(ask(desk)) == CHAMPIONS
        assert logged(site, 2) == []

    def test_of_the_champion_leaves_a_challenger_of_another_out_at_once(self, site, desk, begin):
        site.train("7 7 7")
        begin(CANARY)
        site.deploy("risk", 3)
        desk.live.look()
        answered = ask(desk)
        assert (answered.served.version, answered.by) == (3, ())

    def test_of_one_that_cannot_be_opened_ends_it(self, site, desk, begin, caplog):
        site.train("5 broken")
        with caplog.at_level(logging.CRITICAL):
            held = begin(SHADOW, version=3)
        ended = state(site, held)
        assert (ended.state, ended.ended_reason) == (
            "harmed",
            "it cannot be opened: the artifact does not read",
        )
        assert scores(ask(desk)) == CHAMPIONS

    def test_goes_on_when_the_database_does_not_answer(self, desk, begin, monkeypatch):
        begin(CANARY)

        def gone():
            raise DatabaseUnavailable("no answer")

        beside_it = desk.live.challengers.of(desk.live.named("risk"))
        with monkeypatch.context() as broken:
            broken.setattr(desk.live, "_database", gone)
            broken.setattr(desk.live.challengers, "_database", gone)
            ask(desk)
            desk.live.look()
            assert desk.live.standing().failure == "no answer"
            assert desk.live.challengers.of(desk.live.named("risk")) is beside_it
        before = beside_it.fresh.asked
        assert before > 0
        desk.live.look()
        assert beside_it.known.asked == before


def test_what_was_counted_is_added_to_what_others_counted(site, desk, begin):
    held = begin(SHADOW)
    with site.workspace.database.write() as conn:
        challengers.count(conn, held.id, Figures(asked=1_000, failed=3))
    ask(desk)
    desk.live.look()
    assert (figures(site, held).asked, figures(site, held).failed) == (1_060, 3)
    one = desk.live.challengers.of(desk.live.named("risk"))
    assert isinstance(one, Beside)
    assert one.known.asked == 1_060


def test_a_round_of_the_monitor_judges_what_the_services_counted(site, begin):
    held = begin(SHADOW)
    assert challenged(site.workspace) == {}
    assert state(site, held).running
    with site.workspace.database.write() as conn:
        challengers.count(conn, held.id, Figures(asked=100, failed=90))
    assert challenged(site.workspace) == {}
    assert state(site, held).state == "harmed"
