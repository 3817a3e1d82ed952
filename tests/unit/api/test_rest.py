"""Document processes that nobody needs give their memory back, and come again when asked."""

from __future__ import annotations


def documents(api):
    (probe,) = (p for p in api.get("/health").json()["probes"] if p["name"] == "documents")
    return probe


def test_processes_that_nobody_asks_for_end_and_the_next_request_loads_again(start, ready, until):
    with start("resting", jobs=0, idle_seconds=0.1) as api:
        ready(api)
        for _ in range(2):
            until(lambda: documents(api)["said"].startswith("not loaded"))
            told = documents(api)
            assert (told["state"], told["facts"]["processes"]) == ("ok", 0)
            assert told["facts"]["pipelines"]["words"] == "not loaded"
            assert api.get("/ready").status_code == 200
            asked = {"pipeline": "words", "document": {"text": "one two"}}
            assert api.post("/v1/preprocess", json=asked).json()["outcome"] == "accepted"
        assert documents(api)["facts"]["lost"] == 0
