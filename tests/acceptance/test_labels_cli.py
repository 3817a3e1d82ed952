"""Labels at the command line: imported, counted, told over HTTP by a real service, pruned."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from pipewarden.app.cli import main
from pipewarden.core.models.deployments import Trained
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state.models import versions
from pipewarden.store.state.models.versions import Registration

NOW = datetime.now(UTC)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A working directory whose state knows version 1 of the model ``m``."""
    monkeypatch.chdir(tmp_path)
    workspace = Workspace()
    trained = Trained(
        model="m", family="credit", deployable=True, object_hash="h", dataset="d",
        verdict="PASS", metrics={},
    )  # fmt: skip
    with workspace.database.write() as conn:
        versions.register(conn, [Registration(trained=trained, run_id="r", item_key="i", at=NOW)])
    workspace.database.close()
    return tmp_path


@pytest.fixture
def cli(capsys):
    """Return what carries a command out, and returns its exit code and what it printed."""

    def run(*words):
        code = main.carry_out([str(word) for word in words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def test_labels_are_imported_counted_and_pruned(site, cli):
    at = NOW - timedelta(days=3)
    scored = ["id,at,answer.probability"]
    scored += [f"p{n},{(at + timedelta(minutes=n)).isoformat()},0.5" for n in range(10)]
    (site / "scored.csv").write_text("\n".join(scored))
    (site / "labels.csv").write_text(
        "prediction_id,label\np1,1\np2,0\np3,\nx\x1b[31m,1\n,1\np1,1\n"
    )
    assert cli("monitor", "import", "predictions", "scored.csv", "--model", "m")[0] == 1
    of = ("--model", "m", "--version", 1)
    code, told = cli("monitor", "import", "predictions", "scored.csv", *of)
    assert (code, told) == (0, "10 of 10 rows taken: 10 stored\n")
    code, told = cli("monitor", "import", "labels", "labels.csv")
    assert code == 1
    assert "4 of 6 rows taken: 3 new, 1 repeated, 3 labelled, 1 unknown" in told
    assert "line 4: label: there is none" in told
    assert "line 6: prediction_id: there is none" in told
    assert "2 rows refused" in told
    again, told = cli("monitor", "import", "labels", "labels.csv", "--json")
    counts = json.loads(told)
    assert (again, counts["counts"]["new"], counts["counts"]["repeated"]) == (1, 0, 4)
    assert counts["refused"] == len(counts["problems"]) == 2
    code, told = cli("monitor", "stats", "--json")
    held = json.loads(told)
    assert (code, held["unknown_labels"], len(held["counted"])) == (0, 1, 1)
    assert {name: held["counted"][0][name] for name in ("model", "predictions", "labelled")} == {
        "model": "m", "predictions": 10, "labelled": 2
    }  # fmt: skip
    assert "20.0%" in cli("monitor", "stats")[1]
    assert "No prediction was logged" in cli("monitor", "stats", "--days", 1)[1]
    dry = cli("monitor", "prune", "--older-than", "2d", "--dry-run", "--json")
    assert json.loads(dry[1])["predictions"] == 10
    assert cli("monitor", "prune", "--older-than", "2d") == (
        0, "10 predictions and 2 labels removed\n"
    )  # fmt: skip
    assert "predictions.pruned" in cli("audit", "log")[1]
    assert cli("audit", "verify")[0] == 0


@pytest.mark.parametrize(("name", "code"), [("none.csv", 2), ("labels.txt", 2)])
def test_a_file_that_is_not_there_or_no_table_is_said(site, cli, name, code):
    (site / "labels.txt").write_text("x")
    assert cli("monitor", "import", "labels", name)[0] == code
