"""The real service: models answer, are exchanged under load, and nothing is silently wrong."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from pipewarden.jobs.loading import load_pipeline
from pipewarden.jobs.models.context import model_context
from pipewarden.jobs.run import run
from pipewarden.jobs.workspace import Workspace
from pipewarden.models import deploying
from pipewarden.settings import Settings

COMMAND = str(Path(sys.executable).with_name("pipewarden"))
PATIENCE = 60.0
CHANGES, CLIENTS = 6, 4

FAMILIES = '''
"""A model that adds features up, and one that repeats the last number of a series."""

import pipewarden as pw


class Sum:
    def __init__(self, bias):
        self.bias = bias

    def predict(self, rows):
        return [{"score": self.bias + row["age"] + (row["income"] or 0.0)} for row in rows]


class Last:
    def __init__(self, value):
        self.value = value

    def forecast(self, horizon, level):
        return [
            {"step": n, "ds": n, "y_hat": self.value, f"lo_{level:g}": 0.0, f"hi_{level:g}": 9.0}
            for n in range(1, horizon + 1)
        ]


class Sums:
    def open(self, document):
        return Sum(document["artifact"]["bias"])

    def smoke(self, document, model):
        return {"rows": 1, "problems": []}

    def compare(self, challenger, champion):
        return {}

    def promotion_gate(self, preset):
        return pw.Gate()


class Lasts(Sums):
    def open(self, document):
        return Last(document["artifact"]["last"])


def train_sum(path):
    bias = float(path.read_text())
    return {
        "model": "risk",
        "dataset": {"fingerprint": f"bias:{bias}"},
        "metrics": {"auc": {"value": 0.75}},
        "signature": {"inputs": [
            {"name": "age", "type": "integer", "required": True, "minimum": 18, "maximum": 100},
            {"name": "income", "type": "number", "required": False},
        ]},
        "artifact": {"bias": bias},
    }


def train_last(path):
    return {
        "model": f"repeat/{path.stem}",
        "dataset": {"fingerprint": path.read_text()},
        "metrics": {"mase": 1.0},
        "artifact": {"last": float(path.read_text().split()[-1])},
    }


sums = pw.Pipeline(name="sums", process=train_sum, pattern="*.txt", family=Sums())
repeat = pw.Pipeline(name="repeat", process=train_last, pattern="*.series", family=Lasts())
'''
SETTINGS: dict[str, Any] = {
    "researcher": "ada",
    "models": {"tracking_uri": "off", "environments": {"production": {"cooldown_days": 0}}},
    "service": {
        "pipelines": ["families:sums", "families:repeat"],
        "rate_per_minute": 10_000_000,
    },
}


class Site:
    """A home folder with two versions of one model and one series, and a service over it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "families.py").write_text(FAMILIES, encoding="utf-8")
        (home / "pipewarden.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
        (home / "raw").mkdir()
        (home / "raw" / "9780140449136.series").write_text("1 2 3")
        self.url = ""
        self.workspace = Workspace(Settings(home=home, **SETTINGS))
        #: What was answered, to be found in the log at the end.
        self.answered: list[str] = []

    def train(self, pipeline: str) -> None:
        found = load_pipeline(f"families:{pipeline}", self.workspace.settings)
        report = run(found, self.home / "raw", workspace=self.workspace, executor="inline")
        assert report.progress.published == 1

    def deploy(self, model: str, version: int) -> None:
        """Deploy as the command does, in this process."""
        context = model_context(self.workspace)
        done = deploying.deploy(context, model, "production", str(version), reason="a test")
        assert not done.outcome.bad, done

    def start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [COMMAND, "serve", "--port", "0", "--workers", "1", "--jobs", "0"],
            cwd=self.home,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        said = re.search(r"http://\S+?:\d+", process.stdout.readline())
        assert said is not None
        self.url = said[0]
        until(lambda: httpx.get(f"{self.url}/ready").status_code == 200)
        return process

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.home / ".pipewarden" / "state.db") as database:
            return database.execute(sql, values).fetchall()

    def logged(self) -> set[str]:
        return {row[0] for row in self.rows("SELECT id FROM predictions")}


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def ended(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    try:
        return process.wait(PATIENCE)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("serving")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.syspath_prepend(str(home))
        patch.delitem(sys.modules, "families", raising=False)  # of another site
        place = Site(home)
        for bias in ("1.0", "2.0"):
            (home / "raw" / "risk.txt").write_text(bias)
            place.train("sums")
        place.train("repeat")
        place.deploy("risk", 1)
        place.deploy("repeat/9780140449136", 1)
        yield place
        place.workspace.database.close()


@pytest.fixture(scope="module")
def api(site: Site) -> Iterator[httpx.Client]:
    process = site.start()
    with httpx.Client(base_url=site.url, timeout=PATIENCE) as client:
        yield client
    assert ended(process, signal.SIGTERM) == 0
    assert site.answered
    assert set(site.answered) <= site.logged()


def test_an_answer_has_an_id_that_leads_to_the_bytes_it_came_from(site, api):
    body = {"model": "risk", "features": {"income": 2.5, "age": 30}, "entity": "c7",
            "durable": True}  # fmt: skip
    answer = api.post("/predict", json=body).json()
    (one,) = answer["predictions"]
    assert (answer["model"], answer["logged"]) == ("risk", "stored")
    assert one["answer"] == {"score": 30 + 2.5 + answer["version"]}
    assert uuid.UUID(one["id"]).version == 7
    ((entity, inputs, request_id),) = site.rows(
        "SELECT entity, inputs, request_id FROM predictions WHERE id = ?", one["id"]
    )
    assert (entity, json.loads(inputs)) == ("c7", {"age": 30, "income": 2.5})
    assert request_id
    done = subprocess.run(
        [COMMAND, "trace", one["id"], "--json"], cwd=site.home, capture_output=True, check=True
    )
    graph = json.loads(done.stdout)
    kinds = {node["kind"] for node in graph["nodes"]}
    assert {"version", "deployment", "run", "dataset", "input", "config", "verdict"} <= kinds
    assert api.get("/lineage", params={"of": one["id"]}).json()["roots"] == [one["id"]]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"income": 1}, "body.features.age", "it is missing"),
    ({"age": None}, "body.features.age", "it is missing"),
    ({"age": 30, "extra": 1}, "body.features.extra", "the model knows no such feature"),
    ({"age": "30"}, "body.features.age", "it is a text, not a whole number"),
    ({"age": 30.5}, "body.features.age", "it is a number, not a whole number"),
    ({"age": 30, "income": [1]}, "body.features.income", "it is a list, not a number"),
    ({}, "body.features.age", "it is missing"),
]


@pytest.mark.parametrize(("features", "at", "message"), REFUSED)
def test_what_cannot_be_answered_says_what_is_wrong_with_what(api, features, at, message):
    told = api.post("/predict", json={"model": "risk", "features": features})
    assert told.status_code == 422
    assert told.headers["content-type"] == "application/problem+json"
    assert {"at": at, "message": message} in told.json()["errors"]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_not_is_no_request(api, text):
    body = f'{{"model": "risk", "features": {{"age": 30, "income": {text}}}}}'
    told = api.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert told.status_code == 400


def test_many_rows_are_answered_each_for_itself_and_all_are_logged(site, api):
    rows = [{"age": 18 + n % 80, "income": n / 10} for n in range(1_200)]
    rows[5] = {"income": 1}
    rows[6] = {"income": 1, "age": 500}
    told = api.post("/predict/batch", json={"rows": rows, "durable": True}).json()
    assert (told["answered"], told["refused"], told["logged"]) == (1_199, 1, "stored")
    for row, one in zip(rows, told["predictions"], strict=True):
        if "age" not in row:
            assert one["problem"]["reason"] == "invalid_row"
        else:
            assert one["answer"]["score"] == row["age"] + row["income"] + told["version"]
    assert told["predictions"][6]["flags"] == ["out_of_range:age"]
    assert told["predictions"][5]["id"] is None
    ids = {one["id"] for one in told["predictions"]} - {None}
    assert ids <= site.logged()


@pytest.mark.parametrize(
    ("rows", "status"), [([], 422), ("rows", 422), (None, 422), ([1], 422), ([{}], 200)]
)
def test_a_batch_that_is_none_says_so_and_one_bad_row_is_an_answer(api, rows, status):
    told = api.post("/predict/batch", json={"model": "risk", "rows": rows})
    assert told.status_code == status
    if status == 200:
        assert told.json()["predictions"][0]["problem"]["reason"] == "invalid_row"


def test_a_hundred_at_once_are_all_answered(api):
    def ask(number: int) -> float:
        body = {"model": "risk", "features": {"age": 18 + number % 80, "income": 0}}
        told = api.post("/predict", json=body).json()
        return float(told["predictions"][0]["answer"]["score"]) - told["version"]

    with ThreadPoolExecutor(100) as pool:
        assert list(pool.map(ask, range(100))) == [18.0 + n % 80 for n in range(100)]


def test_a_series_is_continued(api):
    body = {"unique_id": "978-0-14-044913-6", "horizon": 3, "level": 80}
    told = api.post("/forecast", json=body).json()
    assert (told["model"], told["version"]) == ("repeat/9780140449136", 1)
    assert [step["y_hat"] for step in told["steps"]] == [3.0] * 3
    assert {"lo_80", "hi_80"} <= set(told["steps"][0])
    unknown = api.post("/forecast", json={"unique_id": "x", "horizon": 3})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_name")


def test_what_answers_is_told_with_who_deployed_it_and_when(api):
    told = api.get("/model/info", params={"model": "risk"}).json()
    (one,) = told["models"]
    assert one["deployment"]["by"] == "ada"
    assert one["metrics"] == {"auc": 0.75}
    assert one["lineage"] == f"/lineage?of=risk%40{one['version']}"
    assert api.get("/model/info").json()["total"] == 2
    (probe,) = [p for p in api.get("/health").json()["probes"] if p["name"] == "models"]
    assert (probe["state"], probe["facts"]["models"]) == ("ok", 2)


def test_versions_are_exchanged_under_load_without_a_failed_request(site, api):
    stop, seen, failed = threading.Event(), list[int](), list[str]()

    def client() -> None:
        with httpx.Client(base_url=site.url, timeout=PATIENCE) as own:
            while not stop.is_set():
                body = {"model": "risk", "features": {"age": 30, "income": 0}}
                told = own.post("/predict", json=body)
                held = told.json()
                if told.status_code != 200:
                    failed.append(told.text)
                elif held["predictions"][0]["answer"]["score"] != 30 + held["version"]:
                    failed.append(f"the answer of another version: {held}")
                else:
                    site.answered.append(held["predictions"][0]["id"])
                    seen.append(held["version"])

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        for change in range(CHANGES):
            version = 2 - change % 2
            site.deploy("risk", version)
            until(lambda version=version: seen[-CLIENTS:] == [version] * CLIENTS)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed, failed[:3]
    assert set(seen) == {1, 2}


def test_a_kill_loses_no_answer_that_was_told_as_stored(site):
    body = {"model": "risk", "features": {"age": 31, "income": 0}, "durable": True}
    process = site.start()
    try:
        with httpx.Client(base_url=site.url, timeout=PATIENCE) as own:
            told = [own.post("/predict", json=body).json() for _ in range(5)]
    finally:
        ended(process, signal.SIGKILL)
    assert {one["logged"] for one in told} == {"stored"}
    assert {one["predictions"][0]["id"] for one in told} <= site.logged()
