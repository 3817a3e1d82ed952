"""A job is run by a process of its own; what that waits for shows in the health of the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

#: Nothing listens there.
CELERY = {"broker_url": "redis://:hidden@127.0.0.1:1/0", "silence_seconds": 600.0}


def probes(api: httpx.Client) -> dict[str, dict[str, Any]]:
    return {probe["name"]: probe for probe in api.get("/health").json()["probes"]}


def test_the_breaker_of_a_jobs_broker_shows_in_health_while_the_job_waits_for_it(
    start: Callable[..., Any],
    ended: Callable[..., dict[str, Any]],
    until: Callable[[Callable[[], bool]], None],
) -> None:
    pytest.importorskip("celery")
    with start("waiting", {"celery": CELERY}) as api:
        body = {"documents": [{"id": "a", "text": "one"}], "executor": "celery"}
        job_id = api.post("/v1/documents/batch", json=body).json()["id"]

        def waited_for() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = probes(api)["runners"]["facts"]["waited_for"]
            return found

        until(lambda: any(held["state"] == "open" for held in waited_for()))
        (held,) = waited_for()
        assert (held["name"], held["job"], held["failures"] >= 3) == ("broker", job_id, True)
        assert held["since"] <= held["retry_at"]
        told = probes(api)
        assert told["runners"]["state"] == "degraded"
        assert "jobs wait for the broker" in told["runners"]["said"]
        broker = told["broker"]
        assert (broker["state"], broker["facts"]["breakers"][0]["job"]) == ("down", job_id)
        assert "hidden" not in str(told)

        api.post(f"/v1/jobs/{job_id}/cancel")
        assert ended(api, job_id)["status"] == "CANCELLED"
        assert waited_for() == []
