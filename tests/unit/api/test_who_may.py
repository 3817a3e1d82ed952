"""Who may ask for what, how often, and what the service says of itself."""

from __future__ import annotations

import io
import logging
import multiprocessing
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from threading import Thread

import pytest

from pipewarden.app import keys
from pipewarden.app.api.edge import access
from pipewarden.app.api.edge.access import check_address, is_loopback
from pipewarden.errors import UsageError
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state.service.keys import Scope


@pytest.fixture
def kept(folder, request):
    """A workspace of the test's own, the same that the service of that name has."""
    name = request.node.name.replace("[", "-").replace("]", "")
    workspace = Workspace(Settings(home=folder / name, researcher="ada"))
    yield name, workspace
    workspace.database.close()


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def test_without_keys_this_machine_may_ask_for_everything_under_a_local_name_only(api):
    assert api.get("/v1/jobs").status_code == 200
    foreign = api.get("/v1/jobs", headers={"Host": "example.org"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "not_local")


def test_with_keys_everybody_needs_one_and_its_scope_decides(kept, start, monkeypatch):
    name, workspace = kept
    monkeypatch.setattr(access, "TRUSTED", 0.0)
    viewer, looking = keys.create(workspace, "eva", Scope.VIEWER)
    _, acting = keys.create(workspace, "otto", Scope.OPERATOR)
    body = {"pipeline": "words", "documents": [{"id": "a", "text": "one"}]}
    with start(name, jobs=0) as api:
        bare = api.get("/v1/jobs")
        assert (bare.status_code, bare.json()["code"]) == (401, "key_needed")
        assert bare.headers["www-authenticate"] == "Bearer"
        assert api.get("/v1/jobs", headers=bearer(looking)).status_code == 200
        assert api.get("/v1/jobs", headers={"X-API-Key": looking}).status_code == 200
        assert api.get("/metrics").status_code == 401
        assert api.get("/ready").status_code in (200, 503)
        refused = api.post("/v1/documents/batch", json=body, headers=bearer(looking))
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_needed")
        job = api.post("/v1/documents/batch", json=body, headers=bearer(acting)).json()
        assert job["created_by"] == "otto"
        for wrong in ("nix", looking[:-1] + "x", looking.replace("_", "-"), f"pw_{'0' * 12}_x"):
            assert api.get("/v1/jobs", headers=bearer(wrong)).status_code == 401
        keys.revoke(workspace, viewer.id)
        assert api.get("/v1/jobs", headers=bearer(looking)).status_code == 401


def test_an_idempotency_key_is_its_owners_own(kept, start):
    name, workspace = kept
    secrets = [keys.create(workspace, who, Scope.OPERATOR)[1] for who in ("eva", "otto")]
    body = {"pipeline": "words", "documents": [{"id": "a", "text": "one"}]}
    with start(name, jobs=0) as api:
        ids = {
            api.post(
                "/v1/documents/batch",
                json=body,
                headers={**bearer(secret), "Idempotency-Key": "same"},
            ).json()["id"]
            for secret in secrets
        }
    assert len(ids) == 2


def test_a_key_is_not_kept_and_its_acts_are_ledgered(kept):
    from pipewarden.jobs import audit

    _, workspace = kept
    key, secret = keys.create(workspace, "eva", Scope.VIEWER)
    assert secret.split("_", 2)[2] not in repr(keys.listed(workspace))
    assert keys.recognised(workspace, secret) == key
    keys.revoke(workspace, key.id)
    assert keys.recognised(workspace, secret) is None
    acts = [(entry.action, entry.subject) for entry in audit.entries(workspace)]
    assert acts == [("key.created", key.id), ("key.revoked", key.id)]


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("[::1]", True), ("127.9.9.9", True),
     ("0.0.0.0", False), ("::", False), ("192.168.0.1", False), ("localhost.example.org", False),
     ("", False)],
)  # fmt: skip
def test_what_counts_as_this_machine(host, local):
    assert is_loopback(host) is local


def test_any_other_address_is_refused_until_there_is_a_key(kept):
    _, workspace = kept
    check_address(workspace, "127.0.0.1")
    with pytest.raises(UsageError, match="only a loopback address is served"):
        check_address(workspace, "0.0.0.0")
    key, _ = keys.create(workspace, "eva", Scope.VIEWER)
    check_address(workspace, "0.0.0.0")
    keys.revoke(workspace, key.id)
    with pytest.raises(UsageError):
        check_address(workspace, "0.0.0.0")


def test_a_key_that_asks_too_often_is_told_when_to_come_again(start):
    with start("often", jobs=0, rate_per_minute=5) as api:
        statuses = [api.get("/v1/jobs").status_code for _ in range(12)]
        answers = [api.get("/v1/jobs") for _ in range(2)]
        # A new minute may have begun meanwhile, and no more than one.
        assert 5 <= statuses.count(200) <= 10
        late = next(a for a in answers if a.status_code == 429)
        assert 1 <= int(late.headers["retry-after"]) <= 60
        assert late.json()["code"] == "rate_limited"
        assert api.get("/health").status_code == 200


def test_scripts_of_other_origins_are_not_answered_unless_they_are_listed(api, start):
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    assert "access-control-allow-origin" not in api.options("/v1/jobs", headers=headers).headers
    with start("cors", jobs=0, cors_origins=("https://example.org",)) as open_one:
        allowed = open_one.options("/v1/jobs", headers=headers)
        assert allowed.headers["access-control-allow-origin"] == "https://example.org"
        headers["Origin"] = "https://evil.example"
        refused = open_one.options("/v1/jobs", headers=headers)
        assert "access-control-allow-origin" not in refused.headers


def test_health_tells_what_was_tried_and_what_answered(api):
    held = api.get("/health").json()
    probes = {probe["name"]: probe for probe in held["probes"]}
    assert held["status"] == "ok", held
    assert probes["database"]["facts"]["kind"] == "sqlite"
    assert probes["documents"]["facts"]["engines"]["words"] == {"in_use": {"device": "abacus"}}
    assert probes["runners"]["facts"]["services"][0]["slots"] == 1


def test_health_is_degraded_without_a_runner_and_down_without_the_database(start, folder):
    with start("dark", jobs=0) as api:
        held = api.get("/health")
        assert (held.status_code, held.json()["status"]) == (200, "degraded")
        database = folder / "dark/.pipewarden/state.db"
        for path in database.parent.glob("state.db*"):
            path.write_bytes(b"no database" * 1_000)
        down = api.get("/health")
        assert (down.status_code, down.json()["status"]) == (503, "down")
        assert api.get("/ready").status_code == 503
        listed = api.get("/v1/jobs")
        assert listed.status_code in (500, 503)
        assert listed.headers["content-type"] == "application/problem+json"


def test_the_figures_are_prometheus_text(api):
    from prometheus_client.parser import text_string_to_metric_families

    body = {"pipeline": "words", "document": {"id": "a", "text": "one"}}
    api.post("/v1/preprocess", json=body)
    text = api.get("/metrics").text
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert found["pipewarden_queue_depth"].samples[0].value == 0
    documents = {s.labels["outcome"]: s.value for s in found["pipewarden_http_documents"].samples
                 if s.name.endswith("_total")}  # fmt: skip
    assert documents["accepted"] >= 1
    routes = {s.labels["route"] for s in found["pipewarden_http_request_seconds"].samples}
    assert "/v1/preprocess" in routes
    assert {s.labels["status"] for s in found["pipewarden_jobs"].samples} >= {"QUEUED", "FAILED"}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nix", 404), ("DELETE", "/v1/jobs", 405)]
)
def test_every_error_is_a_problem(api, method, path, status):
    answer = api.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    held = answer.json()
    assert (held["status"], held["request_id"]) == (status, answer.headers["x-request-id"])


def test_an_error_that_nobody_foresaw_says_nothing_of_the_code(api, monkeypatch):
    from pipewarden.jobs import requests

    def broken(*_, **__):
        raise RuntimeError("secret words")

    monkeypatch.setattr(requests, "list_jobs", broken)
    answer = api.get("/v1/jobs")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


@contextmanager
def own_log(monkeypatch):
    """Let the log go to this handler alone: what is hung on it ends with it."""
    handler = logging.StreamHandler(io.StringIO())
    with monkeypatch.context() as patched:
        patched.setattr(logging.getLogger(), "handlers", [handler])
        yield handler


def test_what_is_logged_for_a_request_names_it(caplog):
    from pipewarden.jobs.queue.tracing import current, name_requests, take

    logging.getLogger().addHandler(caplog.handler)
    name_requests()
    take({"request_id": "r-1", "traceparent": "00-a-b-01"})
    logging.getLogger("pipewarden.test").warning("something")
    assert current() == {"request_id": "r-1", "traceparent": "00-a-b-01"}
    take({})
    logging.getLogger("pipewarden.test").warning("something else")
    assert (caplog.records[0].request_id, caplog.records[0].traceparent) == ("r-1", "00-a-b-01")
    assert not {"request_id", "traceparent"} & vars(caplog.records[-1]).keys()


def test_a_document_process_logs_whose_document_it_worked_on(monkeypatch):
    from pipewarden.app.api.work.process import Documents
    from pipewarden.jobs.queue.tracing import name_requests

    class Telling(Documents):
        def facts(self):
            logging.getLogger("pipewarden.test").warning("asked")
            return {}

    form = "%(message)s %(request_id)s %(traceparent)s"
    unnamed = {"request_id": "-", "traceparent": "-"}
    documents = Telling(Settings(), {})
    with own_log(monkeypatch) as handler:
        name_requests()
        handler.setFormatter(logging.Formatter(form, defaults=unnamed))
        trace = {"request_id": "r-1", "traceparent": "00-a-b-01"}
        documents.answer({"kind": "ping", "trace": trace}, b"")
        documents.answer({"kind": "ping"}, b"")
    assert handler.stream.getvalue().splitlines() == ["asked r-1 00-a-b-01", "asked - -"]


def test_a_runner_logs_in_every_thread_whose_job_it_runs(tmp_path, monkeypatch):
    from pipewarden.core.jobs import Job
    from pipewarden.jobs.queue import runner
    from pipewarden.store.state import jobs

    workspace = Workspace(Settings(home=tmp_path))
    job = Job(
        id="run-1",
        pipeline="p",
        source="s",
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        created_by="ada",
        request_id="r-1",
        traceparent="00-a-b-01",
    )
    with workspace.database.write() as conn:
        jobs.insert(conn, job)
    with own_log(monkeypatch) as handler:
        runner._name_lines(workspace, "run-1")
        beat = Thread(target=logging.getLogger("pipewarden.test").warning, args=("beat",))
        beat.start()
        beat.join()
    workspace.database.close()
    named = "WARNING:pipewarden.test:beat  request_id='r-1'  traceparent='00-a-b-01'\n"
    assert handler.stream.getvalue() == named


TOLD = """
import logging


def told(path):
    logging.getLogger("mine").warning("working on %s", path.name)
    return {"name": path.name}
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_worker_of_a_job_logs_whose_job_it_works_on(tmp_path, capfd, monkeypatch, method):
    """Whether it was forked, with a log that is its parent's, or was started afresh, without."""
    from pipewarden.engine.executors import processes
    from pipewarden.engine.pipeline import Pipeline
    from pipewarden.engine.task import Task, Work
    from pipewarden.engine.worker import Workshop
    from pipewarden.jobs.queue.tracing import name_lines

    module = f"told_by_{method}"
    (tmp_path / f"{module}.py").write_text(TOLD)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # those of the tests say nothing
    monkeypatch.setattr(processes, "start_context", lambda _: multiprocessing.get_context(method))
    (tmp_path / "a.txt").write_text("one")
    workshop = Workshop(Pipeline(name="mine", process=import_module(module).told), tmp_path)
    begin = partial(name_lines, {"request_id": "r-1", "traceparent": "00-a-b-01"})
    executor = processes.ProcessExecutor(workshop, 1, begin=begin)
    tasks = iter([Task(key="a.txt", path=tmp_path / "a.txt")])
    worked = [one for one in executor.results(tasks) if one is not None]
    assert [one.work for one in worked] == [Work.JUDGED]
    named = "mine:working on a.txt  request_id='r-1'  traceparent='00-a-b-01'"
    assert named in capfd.readouterr().err


def test_a_request_tells_its_document_process_whose_it_is(api, monkeypatch):
    from pipewarden.app.api.work.pool import Pool

    headers, ask = [], Pool.ask

    async def seen(pool, header, *args, **also):
        headers.append(header)
        return await ask(pool, header, *args, **also)

    monkeypatch.setattr(Pool, "ask", seen)
    body = {"pipeline": "words", "document": {"id": "a", "text": "one"}}
    answer = api.post("/v1/preprocess", json=body, headers={"X-Request-ID": "mine-2"})
    (trace,) = [header["trace"] for header in headers if header["kind"] == "request"]
    assert trace == {"request_id": "mine-2", "traceparent": answer.headers["traceparent"]}
