"""Costs, and where they come from, the same on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipewarden.core.costs.figures import Cost, CostKind
from pipewarden.core.items import ItemResult, Outcome
from pipewarden.core.models.deployments import (
    Deployment,
    DeploymentKind,
    DeploymentState,
    Trained,
)
from pipewarden.store.state import items
from pipewarden.store.state.costs import details, rows
from pipewarden.store.state.models import deployments, predictions, versions
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.models.versions import Registration


def cost(later, job_id: str = "run-1", **also) -> Cost:
    held = {"kind": CostKind.RUN, "pipeline": "invoices", "began_at": later(0), "at": later(9)}
    return Cost(**{**held, "id": job_id, **also})


def put(conn, later, job_id, *results: ItemResult) -> None:
    items.put(conn, job_id, {one.key: (one, later(1).isoformat()) for one in results})


def done(key: str, seconds: float, outcome=Outcome.PUBLISHED, **also) -> ItemResult:
    held = {"cpu_seconds": seconds, "check_seconds": seconds / 4, "output_bytes": 100}
    return ItemResult(key=key, outcome=outcome, **{**held, **also})


@pytest.fixture
def run(database, later, new_job):
    """Return what makes a run with items, and its cost."""

    def make(job_id: str, *results: ItemResult, **also) -> Cost:
        new_job(job_id, pipeline=also.get("pipeline", "invoices"))
        with database.write() as conn:
            put(conn, later, job_id, *results)
            return rows.add_run(conn, cost(later, job_id, **{"cpu_seconds": 9.0, **also}))

    return make


def test_a_cost_comes_back_as_it_was_written(database, later):
    made = cost(
        later, cpu_seconds=1.5, wall_seconds=2.5, memory_byte_seconds=3e12, memory_peak=2**40,
        items=4, skipped=5, quarantined=1, item_seconds=1.25, check_seconds=0.5,
        output_bytes=2**41, object_bytes=7, database_bytes=2**42, run_id="", model="",
    )  # fmt: skip
    with database.write() as conn:
        assert rows.add(conn, made) == made
        assert rows.get(conn, CostKind.RUN, "run-1") == made
        assert rows.get(conn, CostKind.HEALING, "run-1") is None


def test_attempts_add_up_and_the_highest_peak_stays(database, later):
    with database.write() as conn:
        rows.add(conn, cost(later, cpu_seconds=1, wall_seconds=2, memory_peak=9, items=4))
        whole = rows.add(
            conn,
            cost(later, cpu_seconds=10, wall_seconds=20, memory_peak=5, items=6, at=later(99)),
        )
        assert rows.get(conn, CostKind.RUN, "run-1") == whole
    assert (whole.attempts, whole.cpu_seconds, whole.wall_seconds) == (2, 11, 22)
    assert (whole.memory_peak, whole.items) == (9, 6)
    assert (whole.began_at, whole.at) == (later(0), later(99))


def test_what_a_run_stored_is_counted_from_its_items(run, database):
    waiting = done("c", 0.0, Outcome.DEFERRED, output_bytes=0)
    failed = done("b", 2.0, Outcome.ERRORED)
    made = run("run-1", done("a", 1.0, object_bytes=30), failed, waiting)
    assert (made.items, made.quarantined) == (2, 1)
    assert (made.item_seconds, made.check_seconds) == (3.0, 0.75)
    assert (made.output_bytes, made.object_bytes, made.cpu_seconds) == (200, 30, 9.0)
    assert made.database_bytes > 0


def test_an_attempt_that_was_killed_took_at_least_what_its_items_took(run, database, later):
    made = run("run-1", done("a", 5.0), done("b", 7.0), cpu_seconds=1.0)
    assert made.cpu_seconds == 12.0
    with database.write() as conn:
        again = rows.add_run(conn, cost(later, cpu_seconds=1.0))
    assert (again.cpu_seconds, again.attempts) == (13.0, 2)


def test_the_period_has_its_beginning_and_not_its_end(database, later):
    with database.write() as conn:
        for number in range(4):
            rows.add(conn, cost(later, f"run-{number}", at=later(number), items=2, item_seconds=3))
        found = rows.ended(conn, since=later(1), until=later(3))
        assert [one.id for one in found] == ["run-1", "run-2"]
        assert rows.mean_item_seconds(conn) == {"invoices": 1.5}


def test_what_fails_in_every_run_is_found_and_what_passed_once_is_not(run, database, later):
    bad, passed = Outcome.REJECTED, Outcome.PUBLISHED
    for number in range(3):
        outcome = passed if number == 2 else bad
        run(f"run-{number}", done("bad", 2.0, bad), done("mended", 9.0, outcome))
    with database.read() as conn:
        found = details.failing(conn, since=later(0), until=later(10), least=3)
        assert [(one.key, one.runs, one.cpu_seconds, one.last_run) for one in found] == [
            ("bad", 3, 6.0, "run-2")
        ]
        assert details.failing(conn, since=later(0), until=later(10), least=4) == []
        assert details.failing(conn, since=later(10), until=later(20), least=1) == []
        heavy = details.heaviest(conn, since=later(0), until=later(10), pipeline="invoices", most=2)
    assert [(one.key, one.cpu_seconds) for one in heavy] == [("mended", 9.0)] * 2


def trained(conn, later, run_id, *models: str) -> None:
    made = [
        Registration(
            trained=Trained(
                model=model, family="sales", deployable=True, object_hash=f"sha256:{run_id}{model}",
                dataset="d", verdict="PASS", reason="", metrics={},
            ),
            run_id=run_id,
            item_key=model,
            at=later(1),
        )
        for model in models
    ]  # fmt: skip
    versions.register(conn, made)


def test_models_are_told_with_their_fits_and_what_they_chose(run, database, later):
    for number, kinds in enumerate((("ets", "ets"), ("ets", "arima"))):
        job = f"run-{number}"
        run(
            job,
            *(done(model, 2.0, object_bytes=10, facts={"chosen": kind})
              for model, kind in zip("ab", kinds, strict=True)),
            pipeline="sales",
        )  # fmt: skip
        with database.write() as conn:
            trained(conn, later, job, "a", "b")
    with database.read() as conn:
        found = details.fits(conn, since=later(0), until=later(10))
        assert details.families(conn) == {"a": "sales", "b": "sales"}
        assert details.without_items(conn, since=later(0), until=later(10)) == set()
    assert [(one.model, one.fits, one.cpu_seconds, one.object_bytes) for one in found] == [
        ("a", 2, 4.0, 20),
        ("b", 2, 4.0, 20),
    ]
    assert [one.choices for one in found] == [{"ets"}, {"ets", "arima"}]


def test_runs_whose_items_were_let_go_are_known(run, database, later):
    run("run-1", done("a", 1.0))
    run("run-2")
    with database.write() as conn:
        items.remove(conn, "run-1")
        found = details.without_items(conn, since=later(0), until=later(10))
    assert found == {"run-1"}


def test_what_serves_and_is_not_asked_is_found(run, database, later):
    run("run-1", done("a", 1.0), done("b", 1.0), done("new", 1.0), pipeline="sales")
    day = timedelta(days=1)
    with database.write() as conn:
        trained(conn, later, "run-1", "a", "b", "new")
        for model, at in (("a", later(0)), ("b", later(0)), ("new", later(0) + 9 * day)):
            asked = Deployment(
                id=0, model=model, environment="production", version=1, kind=DeploymentKind.DEPLOY,
                state=DeploymentState.AWAITING, actor="ada", reason="", created_at=at,
            )  # fmt: skip
            made = deployments.request(conn, asked)
            deployments.begin(conn, made.id, at=at, ended=DeploymentState.SUPERSEDED)
        answer = Prediction(
            id="p", at=later(0) + 9 * day, model="b", version=1, environment="production",
            role="champion", entity="", inputs={}, answer={}, request_id="",
        )  # fmt: skip
        old = replace(answer, id="q", model="a", at=later(0) + day)
        predictions.append(conn, [answer, old])
        found = details.unasked(conn, since=later(0) + 5 * day)
        assert details.serving(conn) == {"sales": 3}
    assert [(one.model, one.version, one.pipeline) for one in found] == [("a", 1, "sales")]


def test_states_of_healings_are_found_by_name(database):
    with database.read() as conn:
        assert details.states(conn, []) == {}
        assert details.states(conn, ["healing/7"]) == {}
