"""``trace``: from any prediction to the bytes of the files, and back again."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.app.api.edge.access import Caller
from pipewarden.app.api.routes.lineage import lineage
from pipewarden.core.lineage.graph import Kind, Node
from pipewarden.core.models.challengers import (
    Challenger,
    ChallengerMode,
    ChallengerState,
    beside,
)
from pipewarden.core.models.comparisons import ComparisonPlan
from pipewarden.core.models.deployments import (
    Approval,
    Deployment,
    DeploymentKind,
    DeploymentState,
)
from pipewarden.errors import UnknownName
from pipewarden.jobs.lineage import collecting, tracing
from pipewarden.jobs.lineage.tracing import Traced, trace
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state.models import approvals, challengers, deployments, predictions
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.service.keys import Scope

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ASKED = "01a1fe5c-d840-703f-be08-342224ecfce9"


def mean(path: Path) -> dict[str, object]:
    numbers = [float(word) for word in path.read_text().split()]
    return {
        "model": path.stem,
        "dataset": {"fingerprint": f"numbers:{sorted(numbers)}", "rows": len(numbers)},
        "metrics": {"mean": sum(numbers)},
        "artifact": {},
    }


def enough(result: dict[str, object]) -> bool:
    return bool(result["metrics"])


class Means:
    open = smoke = compare = promotion_gate = None


MEANS = pw.Pipeline(
    name="means",
    process=mean,
    pattern="*.txt",
    gate=pw.Gate([pw.check(enough, blocking=True)]),
    family=Means(),
)
WORDS = pw.Pipeline(
    name="words", process=lambda record: {"n": len(record)}, records="id", lines="words.jsonl"
)


def rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


def last(record: dict[str, Any]) -> dict[str, object]:
    return {
        "model": f"last/{record['id']}",
        "dataset": {"fingerprint": "numbers:one", "rows": 1},
        "metrics": {"last": float(record["n"])},
        "artifact": {},
    }


LAST = pw.Pipeline(
    name="lasts", process=last, pattern="*.csv", records="id", reader=rows, gate=MEANS.gate,
    family=Means(),
)  # fmt: skip
pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with two versions of one model, the first deployed, signed for, and asked."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "raw").mkdir()
        workspace = Workspace(
            Settings(home=folder, researcher="ada", models={"tracking_uri": "off"}), lambda: NOW
        )
        for text in ("1 2", "3 4"):
            (folder / "raw" / "risk.txt").write_text(text)
            pw.run(MEANS, folder / "raw", workspace=workspace, executor="inline")
        deployed(workspace)
        yield workspace
        workspace.database.close()


@pytest.fixture
def place(home, monkeypatch):
    monkeypatch.chdir(home.settings.home)
    return home


def deployed(workspace: Workspace) -> None:
    wish = Deployment(
        id=0,
        model="risk",
        environment="production",
        version=1,
        kind=DeploymentKind.DEPLOY,
        state=DeploymentState.AWAITING,
        actor="ada",
        reason="better",
        created_at=NOW,
    )
    signature = Approval(
        model="risk",
        version=1,
        environment="production",
        signer="eve",
        meaning="approved for production",
        key_id="k1",
        at=NOW,
    )
    asked = Prediction(
        id=ASKED,
        at=NOW + timedelta(minutes=1),
        model="risk",
        version=1,
        environment="production",
        role="champion",
        entity="customer-7",
        inputs={"age": 30},
        answer={"score": 0.5},
        request_id="r",
    )
    with workspace.database.write() as conn:
        made = deployments.request(conn, wish)
        approvals.sign(conn, signature)
        deployments.begin(conn, made.id, at=NOW, ended=DeploymentState.SUPERSEDED)
        predictions.append(conn, [asked])


def kinds(found: Traced) -> set[Kind]:
    return {node.kind for node in found.lineage.nodes.values()}


def the(found: Traced, kind: Kind) -> Node:
    (node,) = [node for node in found.lineage.nodes.values() if node.kind is kind]
    return node


def sha(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_a_prediction_leads_to_the_bytes_of_the_files_and_to_who_approved(place):
    found = trace(place, ASKED)
    assert found.roots == (ASKED,)
    assert the(found, Kind.VERSION).id == "risk@1"
    assert the(found, Kind.INPUT).name == "raw/risk.txt"
    assert the(found, Kind.INPUT).facts["hash"] == sha("1 2")  # as it was then
    assert the(found, Kind.DATASET).facts["rows"] == 2
    assert the(found, Kind.APPROVAL).name == "of eve for risk@1"
    assert the(found, Kind.VERDICT).name == "PASS"
    config = the(found, Kind.CONFIG)
    data = (place.settings.home / config.name).read_bytes()
    assert config.facts["hash"] == "sha256:" + hashlib.sha256(data).hexdigest()
    reached = {branch.node.kind for branch in walk(found.lineage.origins(ASKED))}
    assert reached == kinds(found) - {Kind.COMMIT}


def walk(branch):
    yield branch
    for one in branch.branches:
        yield from walk(one)


@pytest.mark.parametrize("asked", ["risk@1", "deployment:1", "numbers:[1.0, 2.0]"])
def test_what_lies_between_leads_both_ways(place, asked):
    found = trace(place, asked)
    (root,) = found.roots
    origins = {branch.node.kind for branch in walk(found.lineage.origins(root))}
    assert Kind.INPUT in origins
    if asked != "deployment:1":
        assert ASKED in {branch.node.id for branch in walk(found.lineage.results(root))}


def test_the_hash_of_the_object_is_its_version(place):
    with place.database.read() as conn:
        from pipewarden.store.state.models import versions

        version = versions.get(conn, "risk", 1)
    found = trace(place, version.object_hash.removeprefix("sha256:"))
    assert found.roots == (version.object_hash,)
    assert ASKED in found.lineage


def test_a_file_leads_to_what_was_made_of_it_also_when_it_was_another(place):
    found = trace(place, "raw/risk.txt")
    hashes = [found.lineage.nodes[root].facts["hash"] for root in found.roots]
    assert hashes == [sha("3 4"), sha("1 2")]
    later, earlier = (
        {branch.node.id for branch in walk(found.lineage.results(root))} for root in found.roots
    )
    assert {"risk@2"} <= later
    assert {"risk@1", ASKED} <= earlier
    assert ASKED not in later


@pytest.mark.parametrize(("text", "version"), [("1 2", "risk@1"), ("3 4", "risk@2")])
def test_a_hash_of_bytes_leads_to_what_was_made_of_them(place, text, version):
    found = trace(place, sha(text))
    (root,) = found.roots
    assert version in {branch.node.id for branch in walk(found.lineage.results(root))}


def test_an_output_leads_to_its_input_and_its_run(place):
    found = trace(place, str(place.settings.home / "data/processed/means/risk.txt.json"))
    (root,) = found.roots
    reached = {branch.node.kind for branch in walk(found.lineage.origins(root))}
    assert {Kind.INPUT, Kind.RUN, Kind.CONFIG} <= reached


def test_a_run_leads_to_what_it_made(place):
    with place.database.read() as conn:
        from pipewarden.store.state.models import versions

        run_id = versions.get(conn, "risk", 1).run_id
    found = trace(place, run_id)
    assert ASKED in {branch.node.id for branch in walk(found.lineage.results(run_id))}


def test_records_are_traced_by_file_and_key(place):
    file = place.settings.home / "in.jsonl"
    file.write_text("".join(json.dumps({"id": f"d{n}", "text": "x"}) + "\n" for n in range(3)))
    pw.run(WORDS, file, workspace=place, executor="inline")
    found = trace(place, "in.jsonl#d1")
    (root,) = found.roots
    assert found.lineage.nodes[root].name == "in.jsonl#d1"
    (document,) = [
        branch.node
        for branch in walk(found.lineage.results(root))
        if branch.node.kind is Kind.DOCUMENT
    ]
    assert document.name == "data/processed/words/words.jsonl"
    start, length = map(int, document.facts["bytes"].split("+"))
    line = (place.settings.home / document.name).read_bytes()[start : start + length]
    assert json.loads(line)["source"]["key"] == "d1"
    assert len(trace(place, "in.jsonl").roots) == 3


@pytest.fixture(scope="module")
def table(home):
    """A table of two records, read by a run that made a version of each; the run's id."""
    (home.settings.home / "weekly.csv").write_text("id,n\na,1\nb,2\n")
    return pw.run(LAST, home.settings.home / "weekly.csv", workspace=home, executor="inline").run_id


@pytest.mark.parametrize("asked", ["weekly.csv", sha("id,n\na,1\nb,2\n")])
def test_a_table_leads_to_the_runs_that_read_it_and_to_what_they_made(place, table, asked):
    found = trace(place, asked)
    (root,) = found.roots
    assert found.lineage.nodes[root].name == "weekly.csv"
    reached = {branch.node.id for branch in walk(found.lineage.results(root))}
    assert {table, "last/a@1", "last/b@1"} <= reached


def test_a_record_of_a_table_lies_in_its_spool_and_comes_from_the_table(place, table):
    (root,) = trace(place, "weekly.csv#a").roots
    found = trace(place, "last/a@1")
    inputs = [node for node in found.lineage.nodes.values() if node.kind is Kind.INPUT]
    spooled, read = sorted(node.name for node in inputs)
    assert root in {node.id for node in inputs}
    assert Path(spooled.removesuffix("#a")).is_file()
    assert read == "weekly.csv"
    assert {read, spooled} <= {branch.node.name for branch in walk(found.lineage.origins(root))}


def test_what_is_not_listed_is_told(place, table, monkeypatch):
    monkeypatch.setattr(collecting, "LISTED", 1)
    monkeypatch.setattr(tracing, "LISTED", 1)
    for asked, rest in (
        ("risk", "1 more versions"),
        (table, "1 more versions"),
        ("numbers:one", "1 more versions"),
        (sha("3 4"), None),
    ):
        found = trace(place, asked)
        told = [node.name for node in found.lineage.nodes.values() if node.kind is Kind.MORE]
        assert rest in told if rest else not told


def test_the_version_that_answered_was_deployed_by_then(place):
    with place.database.read() as conn:
        asked = (conn, "risk", 1, "production")
        assert deployments.last_begun(*asked, NOW - timedelta(seconds=1)) is None
        assert deployments.last_begun(*asked, NOW).id == 1


@pytest.mark.parametrize(
    ("scope", "told"), [(Scope.VIEWER, set()), (Scope.OPERATOR, {"of", "inputs", "answer"})]
)
def test_what_was_asked_about_people_is_told_to_operators_only(place, scope, told):
    service = SimpleNamespace(workspace=place)
    graph = asyncio.run(lineage(Caller("k", "eva", scope), service, "risk"))
    (facts,) = [node["facts"] for node in graph["nodes"] if node["id"] == ASKED]
    assert facts.keys() & {"of", "inputs", "answer"} == told
    assert facts["as"] == "champion"


@pytest.mark.parametrize(
    "asked", ["nothing", "risk@9", "deployment:9", ASKED[:-1] + "0", sha("none"), "no/such.file"]
)
def test_what_is_unknown_is_told(place, asked):
    with pytest.raises(UnknownName):
        trace(place, asked)


def test_the_database_alone_answers_where_folders_are_not_searched(place):
    assert trace(place, "risk", folders=False).roots == ("risk@2", "risk@1")
    with pytest.raises(UnknownName):
        trace(place, "raw/risk.txt", folders=False)


def test_a_prediction_of_a_challenger_leads_to_its_trial_and_to_no_deployment(place):
    # The last of this file: the home has one prediction more afterwards.
    with place.database.write() as conn:
        challengers.start(
            conn,
            Challenger(
                id=0,
                model="risk",
                environment="production",
                version=1,
                champion=2,
                mode=ChallengerMode.SHADOW,
                share=1.0,
                plan=ComparisonPlan(),
                state=ChallengerState.RUNNING,
                actor="ada",
                reason="newer",
                started_at=NOW,
            ),
        )
        one = predictions.get(conn, ASKED)
        name = beside(ASKED, 1)
        predictions.append(conn, [replace(one, id=name, role="challenger")])
    found = trace(place, name)
    tried = the(found, Kind.CHALLENGER)
    assert (tried.facts["beside"], tried.facts["mode"]) == ("risk@2", "shadow")
    assert Kind.DEPLOYMENT not in kinds(found)
    assert the(found, Kind.VERSION).id == "risk@1"
