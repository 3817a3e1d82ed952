"""Alerts by HTTP: who may look, who may take one on, and what health says of the channels."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipewarden.app import keys
from pipewarden.app.api.edge import access
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.jobs.monitoring.alerts import alerts_of
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.alerts.watching import take
from pipewarden.settings import Settings
from pipewarden.store.state.monitoring import observations
from pipewarden.store.state.service.keys import Scope

#: A mail server that is not there: nobody listens at this port.
CHANNELS = {
    "ops-mail": {
        "kind": "email", "host": "127.0.0.1", "port": 1, "security": "none",
        "sender": "warden@example.org", "to": ["ops@example.org"], "timeout": 1.0,
    }
}  # fmt: skip


@pytest.fixture
def alerting(folder, request, capfd):
    """A workspace in which a run failed and quality fell, and the name of its home."""
    name = request.node.name
    settings = Settings(home=folder / name, researcher="ada", alerts={"channels": CHANNELS})
    workspace = Workspace(settings)
    seen = [
        Observation(
            check_id="check-1", at=datetime.now(UTC), kind=SubjectKind.MODEL, subject="credit",
            environment="production", metric=metric, value=0.6, threshold=0.7,
            status=ObservationStatus.BREACH,
        )
        for metric in ("performance.auc", "performance.f1")
    ]  # fmt: skip
    with workspace.database.write() as conn:
        observations.append(conn, seen)
    take(alerts_of(workspace), "check-1")
    yield name, workspace
    workspace.database.close()


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def test_an_alert_is_listed_shown_and_taken_on_by_whom_the_key_says(alerting, start, monkeypatch):
    name, workspace = alerting
    monkeypatch.setattr(access, "TRUSTED", 0.0)
    _, looking = keys.create(workspace, "eva", Scope.VIEWER)
    _, acting = keys.create(workspace, "otto", Scope.OPERATOR)
    viewer, operator = bearer(looking), bearer(acting)
    with start(name, jobs=0, beside={"alerts": {"channels": CHANNELS}}) as api:
        page = api.get("/v1/alerts", headers=viewer).json()
        assert (page["total"], [one["metric"] for one in page["alerts"]]) == (
            2, ["performance.f1", "performance.auc"],
        )  # fmt: skip
        assert page["alerts"][1]["what"] == (
            "credit in production: performance.auc is 0.6, limit 0.7"
        )
        mail = next(one for one in page["channels"] if one["name"] == "ops-mail")
        assert (mail["failures"], mail["waiting"]) == (1, 2)
        assert "Connection refused" in mail["error"]
        held = api.get("/v1/alerts/1", headers=viewer).json()
        assert {one["channel"]: one["state"] for one in held["notices"]} == {
            "console": "sent",
            "ops-mail": "waiting",
        }
        body = {"reason": "looking into it"}
        refused = api.post("/v1/alerts/1/ack", json=body, headers=viewer)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_needed")
        taken = api.post("/v1/alerts/1/ack", json=body, headers=operator)
        assert taken.status_code == 200
        assert (taken.json()["state"], taken.json()["acknowledged_by"]) == ("acknowledged", "otto")
        again = api.post("/v1/alerts/1/ack", json=body, headers=operator)
        assert again.status_code == 409
        assert "is acknowledged by otto" in again.json()["detail"]


def test_what_is_not_there_or_does_not_hold_is_said(alerting, start):
    name, _ = alerting
    with start(name, jobs=0) as api:
        assert api.get("/v1/alerts/99").status_code == 404
        assert api.post("/v1/alerts/99/ack", json={"reason": "x"}).status_code == 404
        for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x", "more": 1}):
            assert api.post("/v1/alerts/1/ack", json=body).status_code == 422
        assert api.get("/v1/alerts", params={"severity": "mild"}).status_code == 422
        assert api.get("/v1/alerts", params={"state": "past"}).json()["total"] == 0
        assert api.get("/v1/alerts", params={"subject": "other"}).json()["alerts"] == []
        assert api.get("/v1/alerts", params={"limit": 1, "offset": 1}).json()["total"] == 2


def test_health_names_the_channel_that_does_not_work(alerting, start):
    name, _ = alerting
    with start(name, jobs=0, beside={"alerts": {"channels": CHANNELS}}) as api:
        probes = {one["name"]: one for one in api.get("/health").json()["probes"]}
        assert probes["alerts"]["state"] == "degraded"
        assert "ops-mail: email: ConnectionRefusedError" in probes["alerts"]["said"]
