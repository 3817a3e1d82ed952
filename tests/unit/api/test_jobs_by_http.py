"""Jobs by HTTP: submitted once, watched, steered, and the same that the command line sees."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipewarden.jobs import audit, requests
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings


def documents(*texts: str, prefix: str = "d") -> list[dict[str, str]]:
    return [{"id": f"{prefix}{number}", "text": text} for number, text in enumerate(texts)]


def send(api, texts, **headers):
    body = {"pipeline": "words", "documents": documents(*texts)}
    return api.post("/v1/documents/batch", json=body, headers=headers)


def test_documents_become_a_job_that_runs_to_its_end(api, folder, ended):
    answer = send(api, ["one", "two words", "boom"])
    assert answer.status_code == 202
    job = answer.json()
    assert job["status"] == "QUEUED"
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    done = ended(api, job["id"])
    assert (done["progress"]["published"], done["progress"]["quarantined"]) == (2, 1)
    failed = api.get(f"/v1/jobs/{job['id']}/items?status=failed").json()
    assert (failed["total"], failed["items"][0]["key"]) == (1, "d2")
    assert failed["items"][0]["reason"] == "ValueError"
    lines = (folder / "home/data/processed/words/words.jsonl").read_text().splitlines()
    assert {"d0", "d1"} <= {json.loads(line)["id"] for line in lines}


def test_lines_become_a_job_and_a_bad_line_refuses_them_all(api, ended):
    headers = {"content-type": "application/x-ndjson"}
    path = "/v1/documents/batch?pipeline=words"
    good = api.post(
        path, content=b'{"id":"x","text":"a"}\n\n{"id":"y","text":"b"}', headers=headers
    )
    assert good.status_code == 202
    assert ended(api, good.json()["id"])["progress"]["published"] == 2
    for content, words in ((b'{"id":1}\nnix', "line 2 is not JSON"), (b"[1]", "no JSON object")):
        bad = api.post(path, content=content, headers=headers)
        assert bad.status_code == 422
        assert words in bad.json()["detail"]
    many = b"\n".join([b'{"id":"x"}'] * 51)
    assert api.post(path, content=many, headers=headers).status_code == 413
    assert api.post(path, content=b"\n", headers=headers).json()["code"] == "no_documents"


def test_a_job_knows_the_request_that_submitted_it_and_so_do_its_events(api, folder, ended):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = send(api, ["one"], **{"X-Request-ID": "mine-1", "traceparent": parent})
    assert answer.headers["x-request-id"] == "mine-1"
    trace = answer.headers["traceparent"].split("-")
    assert (trace[1], trace[2] != "00f067aa0ba902b7") == ("4bf92f3577b34da6a3ce929d0e0e4736", True)
    job = ended(api, answer.json()["id"])
    assert (job["request_id"], job["traceparent"]) == ("mine-1", answer.headers["traceparent"])
    workspace = Workspace(Settings(home=folder / "home"))
    from pipewarden.store.state import outbox

    with workspace.database.read() as conn:
        events = [e for _, e in outbox.page(conn, 0, 10_000) if e.subject == job["id"]]
    workspace.database.close()
    assert {event.data["request_id"] for event in events if ".job." in event.type} == {"mine-1"}


@pytest.mark.parametrize("given", ["", "white space", "x" * 129, "ä"])
def test_a_request_id_that_could_forge_a_log_line_is_replaced(api, given):
    answered = api.get("/ready", headers={"X-Request-ID": given.encode("latin-1")})
    assert len(answered.headers["x-request-id"]) == 32


def test_the_same_key_and_request_submit_once_and_are_answered_alike(api):
    first = send(api, ["once"], **{"Idempotency-Key": '"key-1"'})
    again = send(api, ["once"], **{"Idempotency-Key": "key-1"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    other = send(api, ["other"], **{"Idempotency-Key": "key-1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert send(api, ["once"]).json()["id"] != first.json()["id"]


def test_a_key_whose_request_failed_can_be_used_again(api):
    headers = {"Idempotency-Key": "key-2"}
    body = {"pipeline": "files", "documents": [{"id": "a"}]}
    assert api.post("/v1/documents/batch", json=body, headers=headers).status_code == 422
    assert send(api, ["one"], **headers).status_code == 202


def test_many_at_once_with_one_key_are_one_job(api):
    def one(_: int):
        return send(api, ["same"], **{"Idempotency-Key": "key-3"})

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(one, range(20)))
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in accepted}) == 1


def test_a_folder_below_an_allowed_root_becomes_a_job(api, folder, ended):
    place = folder / "inbox" / "pages"
    place.mkdir()
    (place / "a.txt").write_text("one")
    body = {"pipeline": "files", "source": str(place), "validate": False}
    answer = api.post("/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text
    job = ended(api, answer.json()["id"])
    assert (job["progress"]["published"], job["options"]["validate"]) == (1, False)


def test_celery_workers_are_refused_where_no_broker_is_set(api, folder):
    asked = [
        ("/v1/jobs", {"pipeline": "files", "source": str(folder / "inbox")}),
        ("/v1/documents/batch", {"documents": documents("one")}),
    ]
    for path, body in asked:
        answer = api.post(path, json={**body, "executor": "celery"})
        assert (answer.status_code, answer.json()["code"]) == (422, "executor_not_configured")
        assert "celery.broker_url" in answer.json()["next_step"]
        wrong = api.post(path, json={**body, "executor": "nix"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")


def test_a_request_names_what_its_job_is_worked_on_by(start, folder):
    celery = {"broker_url": "redis://127.0.0.1:1/0"}
    with start("by-celery", {"celery": celery}, jobs=0) as api:
        body = {"documents": documents("one")}
        told = [
            api.post("/v1/documents/batch", json={**body, **asked}).json()["options"]["executor"]
            for asked in ({}, {"executor": "processes"}, {"executor": "celery"})
        ]
        assert told == ["processes", "processes", "celery"]
        lines = {"content-type": "application/x-ndjson", "Idempotency-Key": "k"}
        path = "/v1/documents/batch?pipeline=words&executor="
        first = api.post(f"{path}celery", content=b'{"id":"a"}', headers=lines)
        assert first.json()["options"]["executor"] == "celery"
        other = api.post(f"{path}processes", content=b'{"id":"a"}', headers=lines)
        assert other.json()["code"] == "idempotency_key_reused"
        source = {"pipeline": "files", "source": str(folder / "inbox"), "executor": "celery"}
        assert api.post("/v1/jobs", json=source).json()["options"]["executor"] == "celery"


def test_no_other_path_of_the_server_is_told_of(api, folder):
    (folder / "inbox" / "link").symlink_to("/etc")
    paths = ["/etc", "/nix", f"{folder}/inbox/../worded.py", "inbox", f"{folder}/inbox/link", "\0"]
    for path in paths:
        answer = api.post("/v1/jobs", json={"pipeline": "files", "source": path})
        assert (answer.status_code, answer.json()["code"]) == (403, "source_not_allowed"), path
    missing = api.post("/v1/jobs", json={"pipeline": "files", "source": f"{folder}/inbox/nix"})
    assert (missing.status_code, missing.json()["code"]) == (422, "source_not_found")


def test_pause_resume_and_cancel_reach_a_job_and_an_illegal_step_is_a_conflict(
    api, folder, ended, until
):
    gates = [folder / f"steer-{number}" for number in range(40)]
    job_id = send(api, ["one", *(f"hold {gate}" for gate in gates)]).json()["id"]
    status = f"/v1/jobs/{job_id}/status"
    until(lambda: api.get(status).json()["progress"]["published"] == 1)
    early = api.post(f"/v1/jobs/{job_id}/resume")
    assert (early.status_code, early.json()["code"]) == (409, "illegal_transition")
    asked = api.post(f"/v1/jobs/{job_id}/pause", json={"reason": "lunch"})
    assert asked.json()["pause"]["reason"] == "lunch"
    closed = iter(gates)

    def paused() -> bool:
        next(closed).touch()  # one item at a time, so that the runner sees the wish between two
        return bool(api.get(status).json()["status"] == "PAUSED")

    until(paused)
    for gate in gates:
        gate.touch()
    assert api.post(f"/v1/jobs/{job_id}/resume").json()["status"] == "QUEUED"
    assert ended(api, job_id)["progress"]["published"] == 41
    late = api.post(f"/v1/jobs/{job_id}/cancel")
    assert (late.status_code, late.json()["code"]) == (409, "illegal_transition")
    history = [event["event"] for event in api.get(f"/v1/jobs/{job_id}").json()["history"]]
    assert history == [
        "queued", "started", "pause_requested", "paused", "queued", "resumed", "completed",
    ]  # fmt: skip
    workspace = Workspace(Settings(home=folder / "home"))
    acts = [entry.action for entry in audit.entries(workspace, subject=job_id)]
    workspace.database.close()
    assert "run.pause_requested" in acts
    assert "run.requeued" in acts


def test_a_queued_job_is_cancelled_at_once(start):
    with start("no-runner", jobs=0) as api:
        job_id = send(api, ["one"]).json()["id"]
        assert api.post(f"/v1/jobs/{job_id}/cancel").json()["status"] == "CANCELLED"
        assert api.post(f"/v1/jobs/{job_id}/pause").status_code == 409


def test_retry_makes_a_job_of_what_failed(api, ended):
    job_id = send(api, ["fine", "boom"]).json()["id"]
    ended(api, job_id)
    again = api.post(f"/v1/jobs/{job_id}/retry")
    assert (again.status_code, again.json()["parent_id"]) == (202, job_id)
    assert ended(api, again.json()["id"])["progress"]["quarantined"] == 1


def test_lists_filter_and_count_all(start, folder):
    with start("listing", jobs=0) as api:
        ids = [send(api, [str(number)]).json()["id"] for number in range(5)]
        api.post(f"/v1/jobs/{ids[0]}/cancel")
        page = api.get("/v1/jobs?limit=2&offset=1").json()
        assert ([job["id"] for job in page["jobs"]], page["total"]) == ([ids[3], ids[2]], 5)
        assert api.get("/v1/jobs?status=CANCELLED").json()["total"] == 1
        assert api.get("/v1/jobs?pipeline=nix").json()["total"] == 0
        assert api.get("/v1/jobs?since=2999-01-01T00:00:00").json()["total"] == 0
        assert api.get("/v1/jobs?status=nix").status_code == 422
        assert api.get("/v1/jobs?limit=0").status_code == 422
        workspace = Workspace(Settings(home=folder / "listing"))
        assert requests.list_jobs(workspace).total == 5  # what the command line shows
        workspace.database.close()


@pytest.mark.parametrize("path", ["", "/status", "/items"])
def test_an_unknown_job_is_not_found(api, path):
    answer = api.get(f"/v1/jobs/nix{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_name")


def test_a_job_that_is_not_there_cannot_be_steered(api):
    for verb in ("pause", "resume", "cancel", "retry"):
        assert api.post(f"/v1/jobs/nix/{verb}").status_code == 404
