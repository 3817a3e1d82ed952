"""Health tells what a document process computes on now, and a GPU that is asked for and absent."""

from __future__ import annotations

import asyncio
import importlib.util
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipewarden.app.api.watch import inside
from pipewarden.app.api.work.pool import Pool
from pipewarden.settings import Settings


def pool(at_load: dict[str, Any], now: dict[str, Any]) -> Pool:
    """Return a pool of one process, which said one thing when it had loaded and says another."""

    async def ask(_: Any, *, seconds: float) -> tuple[dict[str, Any], bytes]:
        return {"status": 200, "facts": {"articles": now}}, b""

    held = {
        "ready": 1,
        "idle": 1,
        "waiting": 0,
        "lost": 0,
        "resting": False,
        "loaded": lambda: ({"articles": ""}, {"articles": at_load}),
        "ask": ask,
    }
    return cast("Pool", SimpleNamespace(**held))


def documents(now: dict[str, Any]) -> inside.Told:
    configured = {"configured": {"gpu": True}}
    held = pool({**configured, "in_use": {"device": "gpu"}}, {**configured, **now})
    settings = Settings(service={"workers": 1})
    return asyncio.run(inside.documents(held, settings, ("articles",), 1.0))


def test_a_gpu_in_use_is_told_as_the_process_says_it_now() -> None:
    state, _, facts = documents({"in_use": {"device": "gpu"}})
    assert (state, facts["engines"]["articles"]["in_use"]["device"]) == ("ok", "gpu")
    _, _, facts = documents({"in_use": {"device": "cpu"}})
    assert facts["engines"]["articles"]["in_use"]["device"] == "cpu"


def test_a_gpu_that_went_away_is_a_problem() -> None:
    state, said, facts = documents({"in_use": None, "problem": "a GPU is required"})
    assert (state, said) == ("degraded", "articles: a GPU is required")
    assert facts["engines"]["articles"]["in_use"] is None


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="there is a GPU library")
@pytest.mark.parametrize("gpu", [True, False])
def test_the_shipped_pipeline_says_whether_it_has_the_gpu_that_it_was_asked_for(
    start: Any, gpu: bool
) -> None:
    pytest.importorskip("spacy")
    beside = {"pipelines": {"articles": {"entities": {"gpu": gpu}}}}
    with start(f"gpu-{gpu}", beside, jobs=0, pipelines=("articles",)) as api:
        deadline = time.monotonic() + 120
        while True:
            probes = {probe["name"]: probe for probe in api.get("/health").json()["probes"]}
            told = probes["documents"]["facts"]["pipelines"].get("articles")
            if told not in (None, "not loaded"):
                break
            assert time.monotonic() < deadline, probes["documents"]
            time.sleep(0.1)
        if gpu:
            assert "a GPU is required" in told
            assert probes["documents"]["state"] == "degraded"
        else:
            assert told == "loaded"
            used = probes["documents"]["facts"]["engines"]["articles"]["in_use"]
            assert used["device"] == "cpu"
