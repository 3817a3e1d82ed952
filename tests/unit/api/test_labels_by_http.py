"""Predictions made elsewhere and labels over HTTP: single, in batches, counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipewarden.app import keys
from pipewarden.core.models.deployments import Trained
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state.models import versions
from pipewarden.store.state.models.versions import Registration
from pipewarden.store.state.service.keys import Scope

NOW = datetime.now(UTC).replace(microsecond=0)
AT = (NOW - timedelta(hours=3)).isoformat()


def register(workspace):
    trained = Trained(
        model="m", family="credit", deployable=True, object_hash="h", dataset="d",
        verdict="PASS", metrics={},
    )  # fmt: skip
    with workspace.database.write() as conn:
        versions.register(conn, [Registration(trained=trained, run_id="r", item_key="i", at=NOW)])


@pytest.fixture(scope="module")
def service(start, folder):
    """A service that knows version 1 of the model ``m``."""
    workspace = Workspace(Settings(home=folder / "labels", researcher="ada"))
    register(workspace)
    workspace.database.close()
    with start("labels", body_bytes=60_000, prediction_rows=20) as client:
        yield client


def given(name=None, **also):
    held = {"at": AT, "model": "m", "version": 1, "answer": {"probability": 0.5}, **also}
    return held if name is None else {"id": name, **held}


def test_a_prediction_made_elsewhere_is_labelled_and_counted(service):
    told = service.post("/monitoring/predictions", json={"prediction": given()}).json()
    (name,) = told.pop("ids")
    assert told == {"stored": 1, "repeated": 0, "refused": []}
    label = {"prediction_id": name, "label": True, "at": AT}
    first = service.post("/monitoring/labels", json={"label": label}).json()
    assert first == {
        "received": 1, "new": 1, "repeated": 0, "conflicting": 0, "replaced": 0,
        "labelled": 1, "unknown": 0, "refused": [],
    }  # fmt: skip
    newer = {"labels": [{**label, "label": 1}, {**label, "label": 0, "at": NOW.isoformat()}]}
    again = service.post("/monitoring/labels", json=newer).json()
    assert (again["repeated"], again["conflicting"], again["replaced"]) == (1, 1, 1)
    held = service.get("/monitoring/stats", params={"model": "m", "hours": 24}).json()
    (counted,) = [one for one in held["counted"] if one["environment"] == "production"]
    assert (counted["version"], counted["role"], counted["coverage"]) == (1, "champion", 1.0)
    assert (counted["repeated"], counted["conflicting"], counted["unlabelled"]) == (1, 1, 0)
    assert counted["label_age_hours"] == pytest.approx(3, abs=0.1)
    assert datetime.fromisoformat(counted["newest_labelled"]) == datetime.fromisoformat(AT)


def test_of_a_batch_each_is_taken_or_named(service):
    rows = [given("a", environment="staging"), given("a", environment="staging"),
            given("b", version=9), given("c", at="2999-01-01T00:00:00Z")]  # fmt: skip
    told = service.post("/monitoring/predictions", json={"predictions": rows}).json()
    assert (told["ids"], told["stored"], told["repeated"]) == (["a", "a", None, None], 1, 1)
    assert [(one["place"], one["reason"]) for one in told["refused"]] == [
        (2, "unknown_version"), (3, "in_the_future")
    ]  # fmt: skip
    labels = [{"prediction_id": "a", "label": "bad"}, {"prediction_id": "nobody's", "label": 0.5},
              {"prediction_id": "a", "label": 1, "at": "0001-01-01T00:00:00+05:00"}]  # fmt: skip
    done = service.post("/monitoring/labels", json={"labels": labels}).json()
    assert (done["labelled"], done["unknown"], done["received"]) == (1, 1, 2)
    assert [(one["place"], one["reason"]) for one in done["refused"]] == [(2, "too_long_ago")]
    held = service.get("/monitoring/stats", params={"environment": "staging"}).json()
    assert (held["unknown_labels"], len(held["counted"])) == (1, 1)
    assert service.get("/monitoring/stats", params={"model": "other"}).json()["counted"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("predictions", {"prediction": given(version=9)}, 422, "unknown_version"),
        ("predictions", {}, 422, "invalid_request"),
        ("predictions", {"prediction": given(), "predictions": [given()]}, 422, "invalid_request"),
        ("predictions", {"prediction": given(at="2026-01-01T00:00:00")}, 422, "invalid_request"),
        ("predictions", {"prediction": given(answer={})}, 422, "invalid_request"),
        ("predictions", {"prediction": given(role="king")}, 422, "invalid_request"),
        ("predictions", {"predictions": [given("a")] * 21}, 413, "batch_too_large"),
        ("labels", {"labels": []}, 422, "invalid_request"),
        ("labels", {"label": {"prediction_id": "a"}}, 422, "invalid_request"),
        ("labels", {"label": {"prediction_id": "a", "label": None}}, 422, "invalid_request"),
        ("labels", {"label": {"prediction_id": "a", "label": [1]}}, 422, "invalid_request"),
        ("labels", {"label": {"prediction_id": "", "label": 1}}, 422, "invalid_request"),
        ("labels", {"label": {"prediction_id": "a", "label": 1, "id": 3}}, 422, "invalid_request"),
        (
            "labels",
            {"label": {"prediction_id": "a", "label": 1, "at": "2999-01-01T00:00:00Z"}},
            422,
            "in_the_future",
        ),
        ("labels", {"labels": [{"prediction_id": "a", "label": 1}] * 21}, 413, "batch_too_large"),
        ("labels", {"label": {"prediction_id": "a" * 70_000, "label": 1}}, 413, "body_too_large"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_a_problem(service, path, body, status, code):
    answer = service.post(f"/monitoring/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_window_must_be_one(service):
    assert service.get("/monitoring/stats", params={"hours": 0}).status_code == 422
    assert service.get("/monitoring/stats", params={"hours": 1e9}).status_code == 422


def test_whoever_may_only_look_reports_nothing(start, folder):
    workspace = Workspace(Settings(home=folder / "guarded", researcher="ada"))
    _, looking = keys.create(workspace, "eva", Scope.VIEWER)
    _, acting = keys.create(workspace, "bank", Scope.OPERATOR)
    workspace.database.close()
    label = {"label": {"prediction_id": "a", "label": 1}}
    with start("guarded") as client:
        assert client.get("/monitoring/stats").status_code == 401
        viewer, operator = ({"X-API-Key": secret} for secret in (looking, acting))
        assert client.get("/monitoring/stats", headers=viewer).status_code == 200
        for path in ("labels", "predictions"):
            refused = client.post(f"/monitoring/{path}", json=label, headers=viewer)
            assert (refused.status_code, refused.json()["code"]) == (403, "scope_needed")
        assert client.post("/monitoring/labels", json=label, headers=operator).status_code == 200
