"""The whole service at once: HTTP, command line, PostgreSQL, Redis, Celery workers, real news."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shutil import which
from typing import Any

import httpx
import psycopg
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent / "celery_site"))

from site_of_celery import RedisServer

COMMAND = str(Path(sys.executable).with_name("pipewarden"))
PATIENCE = 300.0
ARTICLES, FEW = 1_000, 60
#: The whole of the work on an article, and what the pipeline tells of it.
STAGES = ("work", "clean", "entities", "correct", "describe")
#: Committed items after which the job is asked to pause, and looks that are taken at it then.
BEGUN, LOOKS = 100, 8
MOMENTS = {"created_at", "started_at", "finished_at"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_data,
    pytest.mark.service("postgresql"),
    pytest.mark.service("redis"),
]

Job = dict[str, Any]


@dataclass
class Place:
    """A home folder, the processes that work in it, and what they leave."""

    home: Path
    redis: RedisServer
    database_url: str
    started: list[tuple[subprocess.Popen[bytes], Path]] = field(default_factory=list)

    @property
    def rows_url(self) -> str:
        return self.database_url.replace("+psycopg", "", 1)

    def configure(self) -> None:
        settings = {
            "executor": "celery",
            "database_url": self.database_url,
            "celery": {"broker_url": self.redis.url, "silence_seconds": 60},
            "sinks": {"rows": {"kind": "postgresql", "url": self.rows_url, "table": "news"}},
            "events": {"targets": {"stream": {"kind": "redis_streams", "url": self.redis.url}}},
            "service": {"pipelines": ["articles"], "rate_per_minute": 100_000},
        }
        (self.home / "pipewarden.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    # ── processes ────────────────────────────────────────────────────────────────────────────

    def start(self, *arguments: str) -> Path:
        """Start a command that stays; return where it writes what it says."""
        log = self.home / f"{len(self.started)}-{arguments[0]}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [COMMAND, *arguments],
                cwd=self.home,
                env={**os.environ, "PIPEWARDEN_RESEARCHER": "ada"},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append((process, log))
        return log

    def start_workers(self, number: int) -> None:
        for _ in range(number):
            self.start("worker", "--pipelines", "articles", "--concurrency", "1")

    def serve(self) -> str:
        """Start the service; return its URL when it says so."""
        log = self.start("serve", "--port", "0", "--workers", "1")
        found = self.until(lambda: re.search(r"http://\S+?:\d+", log.read_text()), "it listens")
        return str(found[0])

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Return the first true answer; fail where none comes in time, or a process has died."""
        deadline = time.monotonic() + PATIENCE
        while not (answer := holds()):
            dead = [log.name for process, log in self.started if process.poll() is not None]
            late = time.monotonic() > deadline
            assert not dead, f"{dead} ended before: {what}\n{self.said()}"
            assert not late, f"never: {what}\n{self.said()}"
            time.sleep(0.2)
        return answer

    def said(self) -> str:
        return "\n".join(f"── {log.name}\n{log.read_text()[-3000:]}" for _, log in self.started)

    def stop(self) -> None:
        """End every process that was started, and those that it started."""
        for process, _ in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    # ── what is asked and found ──────────────────────────────────────────────────────────────

    def do(self, *arguments: str) -> str:
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.home,
            env={**os.environ, "PIPEWARDEN_RESEARCHER": "ada"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, (done.stdout, done.stderr, self.said())
        return done.stdout

    def lines(self) -> list[dict[str, Any]]:
        """Return the published documents, in the order in which they stand in the output."""
        files = sorted((self.home / "data" / "processed" / "articles").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def rows(self) -> dict[str, dict[str, Any]]:
        with psycopg.connect(self.rows_url) as conn:
            return dict(conn.execute("SELECT key, document FROM news").fetchall())

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """Return the events of a job, in the order of the stream."""
        from redis import Redis

        with Redis.from_url(self.redis.url, decode_responses=True) as client:
            found = [json.loads(fields["data"]) for _, fields in client.xrange("pipewarden.events")]
        return [event for event in found if event["subject"] == job_id]

    def acts(self, job_id: str) -> list[str]:
        """Return what is told of a job, in order, without the counts on its way."""
        names = [event["type"].removeprefix("io.pipewarden.job.") for event in self.events(job_id)]
        return [name for name in names if name != "progress"]


@pytest.fixture
def place(absent, tmp_path: Path, postgres_url: str) -> Iterator[Place]:
    """Return a home folder with its own schema and its own broker; leave no process behind."""
    if which("redis-server") is None:
        absent("redis-server", "which redis-server", "PIPEWARDEN_REQUIRE_SERVICES")
    for name in ("home", "redis"):
        (tmp_path / name).mkdir()
    with ExitStack() as ends:
        redis = RedisServer(tmp_path / "redis")
        ends.callback(redis.kill)
        made = Place(tmp_path / "home", redis, postgres_url)
        ends.callback(made.stop)
        made.configure()
        yield made


@pytest.fixture(scope="module")
def news(real_data: Path) -> list[dict[str, Any]]:
    """Return the shortest real articles, in the order of their file."""
    with gzip.open(real_data / "news" / "articles.jsonl.gz", "rt", encoding="utf-8") as file:
        articles = [json.loads(line) for line in file]
    longest = sorted(len(article["text"]) for article in articles)[ARTICLES - 1]
    return [article for article in articles if len(article["text"]) <= longest][:ARTICLES]


def as_lines(articles: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(article) + "\n" for article in articles).encode()


def same(one: Job, other: Job) -> bool:
    """Whether two views tell the same of a job; each spells times in its own way."""
    shared = one.keys() & other.keys()
    return {"id", "status", "progress", "options", *MOMENTS} <= shared and all(
        _plain(name, one[name]) == _plain(name, other[name]) for name in shared
    )


def _plain(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name in MOMENTS and value else value


def assert_published(place: Place, articles: list[dict[str, Any]]) -> None:
    """Each article is published once, in its place, and the sink holds the same."""
    lines = place.lines()
    assert [line["document_id"] for line in lines] == [a["document_id"] for a in articles]
    assert [line["original_text"] for line in lines] == [a["text"] for a in articles]
    assert place.rows() == {line["document_id"]: line for line in lines}
    for line in lines:
        spans = [(e["start_char"], e["end_char"], e["text"]) for e in line["entities"]]
        assert all(line["cleaned_text"][begin:end] == text for begin, end, text in spans)
    named = sum(bool(line["entities"]) for line in lines)
    assert named >= 0.95 * len(lines)
    types = Counter(entity["type"] for line in lines for entity in line["entities"])
    assert {"PERSON", "ORG", "GPE", "DATE", "MONEY"} <= types.keys()


def assert_both_tell_the_same(place: Place, http: httpx.Client, job_id: str) -> None:
    shown = http.get(f"/v1/jobs/{job_id}").json()
    told = json.loads(place.do("jobs", "status", job_id, "--json"))
    assert same(shown["job"], told["job"]), (shown["job"], told["job"])
    history = [(event["event"], event["actor"], event["reason"]) for event in told["history"]]
    assert history == [(e["event"], e["actor"], e["reason"]) for e in shown["history"]]
    page = http.get("/v1/jobs").json()
    listed = json.loads(place.do("jobs", "list", "--json"))
    assert page["total"] == listed["total"] == 1
    assert same(page["jobs"][0], shown["job"])
    assert same(listed["jobs"][0], shown["job"])


def figures(http: httpx.Client) -> dict[tuple[str, ...], float]:
    """Return what Prometheus would read: by name and values of labels."""
    from prometheus_client.parser import text_string_to_metric_families

    return {
        (sample.name.removeprefix("pipewarden_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(http.get("/metrics").text)
        for sample in family.samples
    }


def stands_still(
    place: Place, http: httpx.Client, job_id: str, articles: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Look at a paused job again and again while the service works on; return that work."""
    held = http.get(f"/v1/jobs/{job_id}").json()["job"]
    published = held["progress"]["published"]
    assert BEGUN <= published < ARTICLES
    assert held["progress"]["deferred"] == ARTICLES - published
    made = []
    for article in articles[:LOOKS]:
        body = {"pipeline": "articles", "document": article}
        answer = http.post("/v1/preprocess", json=body).json()
        assert answer["outcome"] == "accepted", answer
        made.append(answer["document"])
        assert http.get(f"/v1/jobs/{job_id}").json()["job"] == held
        assert len(place.lines()) == len(place.rows()) == published
    return made


def test_a_thousand_articles_go_through_it_by_http_and_by_command(place, news):
    place.start_workers(2)
    with httpx.Client(base_url=place.serve(), timeout=PATIENCE) as http:
        place.until(lambda: http.get("/health").json()["status"] == "ok", "all is well")

        answer = http.post(
            "/v1/documents/batch?pipeline=articles",
            content=as_lines(news),
            headers={"Content-Type": "application/x-ndjson"},
        )
        job_id = answer.json()["id"]
        assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/jobs/{job_id}")
        assert answer.json()["options"]["executor"] == "celery"

        def status() -> Job:
            return http.get(f"/v1/jobs/{job_id}/status").json()

        place.until(lambda: status()["progress"]["published"] >= BEGUN, "it moves")
        assert status()["items_per_second"] > 0
        assert http.post(f"/v1/jobs/{job_id}/pause", json={"reason": "tea"}).status_code == 200
        place.until(lambda: status()["status"] == "PAUSED", "it pauses")
        at_once = stands_still(place, http, job_id, news)
        assert_both_tell_the_same(place, http, job_id)

        place.do("jobs", "resume", job_id, "--queue")
        place.until(lambda: status()["status"] not in ("QUEUED", "RUNNING"), "it ends")
        job = http.get(f"/v1/jobs/{job_id}").json()["job"]
        assert (job["status"], job["error"]) == ("COMPLETED", "")
        assert job["progress"]["seen"] == job["progress"]["published"] == ARTICLES
        assert job["progress"]["quarantined"] == job["progress"]["deferred"] == 0
        assert_published(place, news)
        assert_both_tell_the_same(place, http, job_id)
        of_job = [{**line, "source": None} for line in place.lines()[:LOOKS]]
        assert [{**document, "source": None} for document in at_once] == of_job

        place.until(lambda: "completed" in place.acts(job_id), "the events are sent")
        again = ["queued", "resumed"]  # what is left to the service waits in its queue once more
        assert place.acts(job_id) == ["queued", "started", "paused", *again, "completed"]
        events = place.events(job_id)
        assert len({event["id"] for event in events}) == len(events)
        counts = [event["data"]["progress"]["published"] for event in events]
        assert counts == sorted(counts)
        assert events[-1]["data"]["progress"] == job["progress"]

        place.until(lambda: figures(http)["outbox_lag_events", "stream"] == 0, "nothing waits")
        read = figures(http)
        assert read["jobs", "COMPLETED"] == 1
        assert read["items_total", "published"] == ARTICLES
        assert read["items_total", "quarantined"] == read["queue_depth",] == 0
        assert read["http_documents_total", "accepted"] == LOOKS
        counted = {stage: read["item_stage_seconds_count", "articles", stage] for stage in STAGES}
        assert counted == dict.fromkeys(STAGES, ARTICLES)
        assert http.get("/health").json()["status"] == "ok"


def test_the_same_by_command_only(place, news):
    few = news[:FEW]
    (place.home / "news.jsonl").write_bytes(as_lines(few))
    place.start_workers(1)
    place.start("serve", "--no-http")
    asked = ("jobs", "submit", "articles", "news.jsonl", "--executor", "celery", "--wait", "--json")
    told = [json.loads(line) for line in place.do(*asked).splitlines()]
    job = told[-1]
    assert [told[0]["status"], job["status"]] == ["QUEUED", "COMPLETED"]
    assert job["progress"]["seen"] == job["progress"]["published"] == FEW
    assert_published(place, few)

    shown = json.loads(place.do("jobs", "status", job["id"], "--items", "all", "--json"))
    assert shown["job"] == job
    assert shown["items"]["total"] == FEW
    assert {item["outcome"] for item in shown["items"]["items"]} == {"published"}
    assert {one["stage"]: one["items"] for one in shown["stages"]} == dict.fromkeys(STAGES, FEW)
    assert json.loads(place.do("jobs", "list", "--json"))["jobs"] == [job]
    (sink,) = json.loads(place.do("sinks", "status", "--json"))
    assert (sink["state"], sink["spooled"]) == ("up to date", 0)
    place.until(lambda: "completed" in place.acts(job["id"]), "the events are sent")
    assert place.acts(job["id"]) == ["queued", "started", "completed"]
