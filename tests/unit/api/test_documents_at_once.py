"""Documents that are processed while the caller waits."""

from __future__ import annotations

import json
import time

import pytest


def ask(api, **body):
    return api.post("/v1/preprocess", json={"pipeline": "words", **body})


def test_a_document_is_answered_as_a_job_would_publish_it(api):
    answer = ask(api, document={"id": "a", "text": "one two"})
    assert answer.status_code == 200
    held = answer.json()
    assert (held["key"], held["outcome"], held["verdict"]) == ("a", "accepted", "PASS")
    assert held["document"]["shout"] == "one two!!"
    assert held["document"]["verdict"]["status"] == "PASS"


def test_overrides_are_merged_over_the_services_own_settings_for_one_request(api):
    document = {"id": "a", "text": "one"}
    other = ask(api, document=document, overrides={"style": {"mark": "?"}})
    assert other.json()["document"]["shout"] == "one??"
    assert ask(api, document=document).json()["document"]["shout"] == "one!!"


@pytest.mark.parametrize("overrides", [{"loud": 1}, {"style": {"loud": 1}}, {"least": "many"}])
def test_unknown_or_wrong_overrides_are_refused(api, overrides):
    answer = ask(api, document={"text": "one"}, overrides=overrides)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_overrides"


def test_a_document_that_the_gate_refuses_comes_back_with_its_findings(api):
    answer = ask(api, document={"id": "a", "text": "one"}, overrides={"least": 5})
    held = answer.json()
    assert (answer.status_code, held["outcome"], held["verdict"]) == (200, "rejected", "FAIL")
    assert held["document"]["verdict"]["findings"][0]["check"] == "enough"


@pytest.mark.parametrize(
    ("document", "code", "reason"),
    [
        ({"id": "a"}, "document_rejected", "no_text"),
        ({"text": "boom"}, "document_errored", "ValueError"),
    ],
)
def test_a_document_that_cannot_be_processed_says_why_and_never_where(api, document, code, reason):
    answer = ask(api, document=document)
    held = answer.json()
    assert (answer.status_code, held["code"], held["reason"]) == (422, code, reason)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b'{"document": {}', "application/json", 400, "not_json"),
        (b"[]", "application/json", 422, "invalid_request"),
        (b'{"document": {}, "extra": 1}', "application/json", 422, "invalid_request"),
        (b'{"document": {}, "pipeline": "nix"}', "application/json", 422, "unknown_pipeline"),
        (b'{"document": {}, "pipeline": "files"}', "application/json", 422, "takes_files"),
        (b'{"document": {}, "pipeline": "worded:words"}', "application/json", 422, "unknown_pipe"),
        (b"{}", "text/plain", 415, "media_type"),
        (b'{"document": "' + b"x" * 10_000 + b'"}', "application/json", 413, "body_too_large"),
    ],
)
def test_what_is_no_request_is_refused(api, content, media_type, status, code):
    answer = api.post("/v1/preprocess", content=content, headers={"content-type": media_type})
    assert answer.status_code == status
    assert answer.json()["code"].startswith(code)


def test_a_body_without_a_length_is_cut_off_as_it_comes(api):
    def endless():
        for _ in range(1_000):
            yield b"x" * 1_000

    headers = {"content-type": "application/json"}
    answer = api.post("/v1/preprocess", content=endless(), headers=headers)
    assert answer.status_code == 413


def test_a_batch_keeps_its_order_and_counts(api):
    texts = ["one", "boom", "two words"]
    body = {
        "pipeline": "words",
        "documents": [{"id": str(n), "text": t} for n, t in enumerate(texts)],
    }
    held = api.post("/v1/preprocess/batch", json=body).json()
    assert [result["key"] for result in held["results"]] == ["0", "1", "2"]
    assert held["counts"] == {"accepted": 2, "errored": 1}
    assert held["results"][1]["document"] is None


def test_a_batch_is_bounded(api):
    body = {"pipeline": "words", "documents": [{"text": "one"}] * 6}
    answer = api.post("/v1/preprocess/batch", json=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "batch_too_large")
    empty = api.post("/v1/preprocess/batch", json={"documents": []})
    assert empty.status_code == 422


LINES = [b'{"id":"a","text":"one"}', b"not json", b"", b'{"id":"b","text":"two words"}', b"[1]"]


@pytest.mark.parametrize("form", [False, True])
def test_an_upload_of_lines_is_answered_line_by_line_in_order(api, form):
    content = b"\n".join(
        [*LINES, b'{"text": "' + b"x" * 11_000 + b'"}', b'{"id":"z","text":"end"}']
    )
    path = "/v1/preprocess/batch-file?pipeline=words&overrides=%7B%22least%22%3A2%7D"
    if form:
        answer = api.post(path, files={"file": ("lines.jsonl", content)})
    else:
        headers = {"content-type": "application/x-ndjson"}
        answer = api.post(path, content=content, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    results = [json.loads(line) for line in answer.text.splitlines()]
    told = [(result["key"], result["outcome"], result["reason"]) for result in results]
    assert told == [
        ("a", "rejected", ""),
        ("document", "rejected", "not_json"),
        ("b", "accepted", ""),
        ("document", "rejected", "not_an_object"),
        ("document", "rejected", "too_long"),
        ("z", "rejected", ""),
    ]


@pytest.mark.parametrize(
    ("query", "content", "code"),
    [
        ("pipeline=nix", b"{}", "unknown_pipeline"),
        ("pipeline=files", b"{}", "takes_files"),
        ("pipeline=words&overrides=%7B%22loud%22%3A1%7D", b"{}", "invalid_overrides"),
        ("pipeline=words&overrides=nix", b"{}", "invalid_request"),
        ("pipeline=words", b"\n\n", "no_documents"),
    ],
)
def test_an_upload_that_cannot_be_processed_at_all_is_refused_before_it_is_answered(
    api, query, content, code
):
    headers = {"content-type": "application/x-ndjson"}
    answer = api.post(f"/v1/preprocess/batch-file?{query}", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_form_without_the_file_is_refused(api):
    path = "/v1/preprocess/batch-file?pipeline=words"
    assert api.post(path, files={"other": ("x", b"{}")}).json()["code"] == "invalid_form"


def test_a_document_that_hangs_costs_its_process_and_the_next_is_answered(start, ready):
    with start("hanging", request_seconds=1.5, jobs=0) as api:
        ready(api)
        slow = ask(api, document={"text": "hang"})
        assert (slow.status_code, slow.json()["code"]) == (504, "timeout")
        ready(api)
        deadline = time.monotonic() + 60
        while (answer := ask(api, document={"text": "one"})).status_code == 504:
            assert time.monotonic() < deadline  # the new process loads
        assert answer.json()["outcome"] == "accepted"
        facts = {p["name"]: p["facts"] for p in api.get("/health").json()["probes"]}
        assert facts["documents"]["lost"] >= 1


def test_a_document_that_kills_its_process_is_tried_once_more_and_no_more(start, ready):
    with start("dying", jobs=0) as api:
        ready(api)
        answer = ask(api, document={"text": "die"})
        assert (answer.status_code, answer.json()["reason"]) == (422, "worker_lost")
        assert ask(api, document={"text": "one"}).json()["outcome"] == "accepted"


def test_more_documents_than_may_wait_are_sent_away(start, ready, folder):
    from concurrent.futures import ThreadPoolExecutor

    with start("crowded", jobs=0, waiting_documents=1) as api, ThreadPoolExecutor(8) as threads:
        ready(api)
        gate = folder / "crowded-go"
        text = f"hold {gate}"
        asks = [threads.submit(ask, api, document={"text": text}) for _ in range(8)]
        deadline = time.monotonic() + 60
        while not any(one.done() for one in asks):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        gate.touch()
        statuses = sorted(one.result().status_code for one in asks)
    assert statuses[0] == 200
    assert statuses[-1] == 503
    assert set(statuses) == {200, 503}
