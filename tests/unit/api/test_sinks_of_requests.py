"""Documents of requests that name sinks: handed over as those of jobs are, spooled, or refused."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipewarden.core.canonical import digest
from pipewarden.delivery.sinks.spool import Spool

SINKS = {
    "lines": {"kind": "jsonl", "folder": "lines"},
    "down": {"kind": "postgresql", "url": "postgresql://nobody@127.0.0.1:1/nix"},
    "other": {"kind": "jsonl", "folder": "other", "pipelines": ["files"]},
}


@pytest.fixture(scope="module")
def sunk(start, ready):
    """The API with sinks: one that answers, one that is down, one for another pipeline."""
    with start("sunk", {"sinks": SINKS}, jobs=0) as client:
        ready(client)
        yield client


@pytest.fixture
def held(folder):
    """Return what reads every envelope of the sink that answers, by the document's key."""

    def read():
        files = sorted((folder / "sunk" / "lines").glob("*.jsonl"))
        rows = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
        found = {row["key"]: row for row in rows}
        assert len(found) == len(rows)
        return found

    return read


def ask(api, key, *names, text="one", **more):
    body = {"pipeline": "words", "document": {"id": key, "text": text}, "sinks": names, **more}
    return api.post("/v1/preprocess", json=body)


def test_an_accepted_document_is_in_the_sink_when_it_is_answered(sunk, held, folder):
    answer = ask(sunk, "a", "lines")
    assert (answer.status_code, answer.json()["sinks"]) == (200, {"lines": "delivered"})
    kept = held()["a"]
    assert kept["document"] == answer.json()["document"]
    assert (kept["id"], kept["run_id"]) == ("words/a", f"request:{answer.headers['x-request-id']}")
    whole = answer.content
    document = whole[whole.index(b'"document":') + len(b'"document":') : whole.rindex(b',"sinks"')]
    assert kept["content_hash"] == digest(document)
    assert kept["fingerprint"]
    plain = ask(sunk, "b")
    assert "sinks" not in plain.json()
    assert "b" not in held()


def test_the_version_is_that_of_a_job_over_the_same_document(sunk, held, folder):
    from pipewarden.engine.fingerprint import fingerprints
    from pipewarden.engine.records import record_hash
    from pipewarden.jobs.loading import load_pipeline
    from pipewarden.settings import Settings

    settings = Settings(pipelines={"words": {"style": {"times": 2}}})
    ask(sunk, "same", "lines", text="as ever")
    kept = held()["same"]
    assert kept["input_hash"] == record_hash({"id": "same", "text": "as ever"})
    assert kept["fingerprint"] == fingerprints(load_pipeline("worded:words", settings)).pipeline


def test_a_sink_that_is_down_spools_and_loses_nothing(sunk, folder):
    answer = ask(sunk, "late", "down", "lines")
    assert answer.json()["sinks"] == {"down": "spooled", "lines": "delivered"}
    spool = Spool(folder / "sunk/.pipewarden/spool/down", 1_000_000)
    portion = spool.portion(10, 1_000_000)
    (waiting,) = [one for one in portion.deliveries if one.key == "late"]
    assert json.loads(waiting.document) == answer.json()["document"]
    probes = {probe["name"]: probe for probe in sunk.get("/health").json()["probes"]}
    assert (probes["sinks.down"]["state"], probes["sinks.lines"]["state"]) == ("down", "ok")
    assert 'pipewarden_sink_lag_documents{sink="down"}' in sunk.get("/metrics").text


def test_a_document_that_the_gate_refuses_goes_to_no_sink(sunk, held):
    answer = ask(sunk, "refused", "lines", overrides={"least": 5})
    assert (answer.json()["outcome"], answer.json()["sinks"]) == ("rejected", {})
    assert "refused" not in held()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"document": {"id": "x", "text": "one"}, "sinks": ["nix"]}, "unknown_sink"),
        ({"document": {"id": "x", "text": "one"}, "sinks": ["lines", "other"]}, "unknown_sink"),
        ({"document": {"text": "one"}, "sinks": ["lines"]}, "nameless_document"),
        ({"document": {"id": "x", "text": "one"}, "sinks": "lines"}, "invalid_request"),
        ({"document": {"id": "x", "text": "one"}, "sinks": ["lines"] * 21}, "invalid_request"),
    ],
)
def test_what_cannot_be_handed_over_is_refused_before_it_is_processed(sunk, held, body, code):
    documents = {"documents": [{"id": "y", "text": "fine"}, body["document"]]}
    batch = {"pipeline": "words", "sinks": body["sinks"], **documents}
    for path, asked in (("", {"pipeline": "words", **body}), ("/batch", batch)):
        answer = sunk.post(f"/v1/preprocess{path}", json=asked)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.headers["content-type"] == "application/problem+json"
    assert not {"x", "y"} & held().keys()


def test_a_batch_hands_over_what_is_accepted_of_it(sunk, held):
    texts = {"m1": "one", "m2": "boom", "m3": "two words"}
    documents = [{"id": key, "text": text} for key, text in texts.items()]
    body = {"pipeline": "words", "documents": documents, "sinks": ["lines", "lines"]}
    results = sunk.post("/v1/preprocess/batch", json=body).json()["results"]
    assert [one["sinks"] for one in results] == [
        {"lines": "delivered"}, {}, {"lines": "delivered"},
    ]  # fmt: skip
    assert {"m1", "m3"} == held().keys() & texts.keys()


def test_many_at_once_are_all_there_and_each_once(sunk, held):
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda n: ask(sunk, f"many-{n}", "lines"), range(40)))
    assert [answer.json()["sinks"] for answer in answers] == [{"lines": "delivered"}] * 40
    assert {f"many-{n}" for n in range(40)} <= held().keys()
