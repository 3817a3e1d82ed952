"""The real service and the real command: a version is tried beside the champion, and is judged."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # test_serving

from test_serving import COMMAND, PATIENCE, Site, ended, until

from pipewarden.core.models.challengers import beside
from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.store.state.monitoring import label_reports

FAMILIES = '''
"""A model that says what it was taught to say of odd numbers: rightly, wrongly, or not at all."""

import pipewarden as pw

ODD = {"unsure": 0.6, "right": 0.9, "wrong": 0.1, "failing": None}


class Odd:
    def __init__(self, said):
        self.said = said

    def predict(self, rows):
        if self.said is None:
            raise RuntimeError("it fails on what is asked in earnest")
        return [self._one(row["number"] % 2) for row in rows]

    def _one(self, odd):
        chance = self.said if odd else 1 - self.said
        return {"probability": chance, "prediction": int(chance > 0.5)}


class Odds:
    def open(self, document):
        return Odd(document["artifact"]["said"])

    def smoke(self, document, model):
        return {"rows": 1, "problems": []}

    def compare(self, challenger, champion):
        return {}

    def promotion_gate(self, preset):
        return pw.Gate()


def train_odds(path):
    word = path.read_text()
    return {
        "model": "risk",
        "dataset": {"fingerprint": word},
        "metrics": {"auc": {"value": 0.75}},
        "signature": {"inputs": [{"name": "number", "type": "integer", "required": True}]},
        "artifact": {"said": ODD[word]},
    }


sums = pw.Pipeline(name="sums", process=train_odds, pattern="*.txt", family=Odds())
'''
WORDS = ("unsure", "right", "wrong", "failing")
UNSURE, RIGHT, WRONG, FAILING = range(1, 5)
SAID = {UNSURE: 0.6, RIGHT: 0.9, WRONG: 0.1}


class Trial:
    """A service in which the first version serves, and the command."""

    def __init__(self, site: Site, api: httpx.Client) -> None:
        self.site, self.api = site, api

    def command(self, *words: str, code: int = 0) -> Any:
        done = subprocess.run(
            [COMMAND, "challenge", *words, "--json"],
            cwd=self.site.home, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def start(self, version: int, *more: str) -> int:
        """Start a challenger, and wait until the service has it."""
        told = self.command("start", "--version", str(version), *more)
        number = int(told["challenger"]["id"])
        until(lambda: (self.seen() or {}).get("id") == number)
        return number

    def seen(self) -> dict[str, Any] | None:
        """Return the challenger that the service names."""
        (one,) = self.api.get("/model/info", params={"model": "risk"}).json()["models"]
        held: dict[str, Any] | None = one["challenger"]
        return held

    def gone(self) -> None:
        """Wait until the service has no challenger any more."""
        until(lambda: self.seen() is None)

    def ask(self, number: int) -> dict[str, Any]:
        body = {"features": {"number": number}, "entity": f"customer {number}"}
        told = self.api.post("/predict", json=body)
        assert told.status_code == 200, told.text
        held: dict[str, Any] = told.json()
        (one,) = held["predictions"]
        said = SAID[held["version"]]
        assert one["answer"]["probability"] == (said if number % 2 else 1 - said)
        return held

    def label(self, answered: dict[str, int]) -> None:
        """Report what became true: id of the prediction → its number."""
        workspace = self.site.workspace
        at = workspace.clock()
        reports = [
            LabelReport(prediction_id=name, value=number % 2, at=at)
            for name, number in answered.items()
        ]
        with workspace.database.write() as conn:
            label_reports.report(conn, reports, at=at, source="test")

    def roles(self, version: int) -> set[str]:
        sql = "SELECT DISTINCT role FROM predictions WHERE version = ?"
        return {row[0] for row in self.site.rows(sql, version)}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home: Path = tmp_path_factory.mktemp("challenged")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        place = Site(home)
        patch.syspath_prepend(str(home))
        patch.delitem(sys.modules, "families", raising=False)
        (home / "families.py").write_text(FAMILIES, encoding="utf-8")
        for word in WORDS:
            (home / "raw" / "risk.txt").write_text(word)
            place.train("sums")
        yield place
        place.workspace.database.close()


@pytest.fixture
def trial(site: Site) -> Iterator[Trial]:
    """Return a service in which version 1 is the champion, and nothing is tried."""
    site.deploy("risk", UNSURE)
    process = site.start()
    with httpx.Client(base_url=site.url, timeout=PATIENCE) as client:
        yield Trial(site, client)
    assert ended(process, signal.SIGTERM) == 0


def test_a_canary_answers_the_same_fifth_of_the_customers_and_harm_stops_it(trial):
    trial.start(WRONG, "--mode", "canary", "--share", "0.2", "--labelled", "5000",
                "--metric", "f1", "--reason", "it is newer")  # fmt: skip
    first = [trial.ask(number) for number in range(400)]
    again = [trial.ask(number)["version"] for number in range(400)]
    assert [told["version"] for told in first] == again
    assert 50 <= again.count(WRONG) <= 115  # 80, within four standard errors
    ids = {told["predictions"][0]["id"]: number for number, told in enumerate(first)}
    until(lambda: set(ids) <= trial.site.logged())
    for told in first:
        (one,) = told["predictions"]
        role = "champion" if told["version"] == UNSURE else "challenger"
        assert (one["version"], one["role"]) == (told["version"], role)
    assert trial.roles(WRONG) == {"challenger"}
    assert trial.roles(UNSURE) == {"champion"}

    trial.label(ids)
    (judged,) = trial.command("judge", code=1)
    assert judged["challenger"]["state"] == "harmed"
    assert "worse by more than 0.05" in judged["reason"]
    trial.gone()
    assert {trial.ask(number)["version"] for number in range(100)} == {UNSURE}


def test_many_rows_name_the_version_of_each(trial):
    held = trial.start(RIGHT, "--mode", "canary", "--share", "0.5")
    rows = [{"number": number} for number in range(300)]
    body = {"rows": rows, "entities": [f"customer {number}" for number in range(300)]}
    told = trial.api.post("/predict/batch", json=body).json()
    versions = [one["version"] for one in told["predictions"]]
    assert told["version"] == UNSURE
    assert set(versions) == {UNSURE, RIGHT}
    for row, one in zip(rows, told["predictions"], strict=True):
        said = SAID[one["version"]]
        assert one["answer"]["probability"] == (said if row["number"] % 2 else 1 - said)
    trial.command("stop", str(held), "--reason", "seen enough")
    trial.gone()
    told = trial.api.post("/predict/batch", json=body).json()
    assert all("version" not in one for one in told["predictions"])


def test_a_shadow_that_wins_is_promoted_through_its_gate(trial):
    held = trial.start(RIGHT, "--labelled", "100")
    answered = {}
    for number in range(150):
        told = trial.ask(number)
        assert told["version"] == UNSURE
        answered[told["predictions"][0]["id"]] = number
    shadows = {beside(name, held) for name in answered}
    until(lambda: shadows <= trial.site.logged())
    (judged,) = trial.command("judge")
    assert (judged["challenger"]["state"], judged["labelled"]) == ("running", 0)
    trial.label(answered)
    (judged,) = trial.command("judge")
    assert (judged["challenger"]["state"], judged["labelled"]) == ("won", 150)
    assert judged["comparison"]["improvement"] == pytest.approx(0.15)
    trial.gone()
    assert trial.command("promote", str(held))["outcome"] == "verified"
    until(lambda: trial.ask(1)["version"] == RIGHT)
    (row,) = trial.site.rows("SELECT reason FROM deployments WHERE version = ?", RIGHT)
    assert row[0].startswith(f"challenger {held}: brier 0.0100 against 0.1600")


def test_a_shadow_that_fails_costs_no_request_and_is_stopped_by_the_service(trial):
    held = trial.start(FAILING)
    for number in range(120):
        assert trial.ask(number)["version"] == UNSURE
    trial.gone()  # it is asked no more; with its next look the service writes down why
    until(lambda: trial.command("status", str(held))["state"] != "running")
    told = trial.command("status", str(held))
    assert (told["state"], told["ended_by"]) == ("harmed", "pipewarden")
    assert re.search(r"no answer to \d+ of \d+ rows", told["ended_reason"])
    assert trial.roles(FAILING) == set()
    sql = "SELECT count(*) FROM ledger WHERE action = 'challenger.harmed' AND subject = 'risk@4'"
    assert trial.site.rows(sql) == [(1,)]


def test_challengers_come_and_go_under_load_without_a_failed_request(trial):
    stop, seen, failed = threading.Event(), list[int](), list[str]()

    def client(first: int) -> None:
        number = first
        while not stop.is_set():
            try:
                seen.append(trial.ask(number)["version"])
            except (AssertionError, httpx.HTTPError) as error:
                failed.append(str(error))
            number += 4

    threads = [threading.Thread(target=client, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    try:
        for mode in ("canary", "shadow", "canary"):
            share = ("--share", "0.5") if mode == "canary" else ()
            held = trial.start(RIGHT, "--mode", mode, *share)
            before = len(seen)
            until(lambda before=before: len(seen) > before + 50)
            if mode == "canary":
                assert {UNSURE, RIGHT} == set(seen[before:])
            trial.command("stop", str(held), "--reason", "the next")
            trial.gone()
            time.sleep(0.1)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed, failed[:3]
    assert {UNSURE, RIGHT} == set(seen)
