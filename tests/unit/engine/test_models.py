"""Results that are models: each a version, deployable or quarantined, registered exactly once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.core.models.deployments import VersionStatus
from pipewarden.jobs.run import Silent
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.files.objects import object_path
from pipewarden.store.state import ledger, outbox
from pipewarden.store.state.models import versions


def mean(path: Path) -> dict[str, Any]:
    """Train the simplest of models: the mean of the numbers in a file."""
    numbers = [float(word) for word in path.read_text().split()]
    if not numbers:
        raise pw.BadInput("empty", "the file holds no number")
    if numbers == [13.0]:
        return {"model": "odd one"}
    value = sum(numbers) / len(numbers)
    return {
        "model": path.stem,
        "dataset": {"fingerprint": f"numbers:{sorted(numbers)}"},
        "metrics": {"mean": {"value": value, "low": None}, "rows": len(numbers), "note": "n/a"},
        "artifact": {"format": "mean", "value": value},
    }


def enough(result: dict[str, Any]) -> bool:
    return bool(result["metrics"]["rows"] >= 2)


class Means:
    """A family that nothing here opens."""

    def _never(self, *_: Any) -> Any:
        raise AssertionError("a run opens no model")

    open = smoke = compare = promotion_gate = _never


MEANS = pw.Pipeline(
    name="means",
    process=mean,
    pattern="*.txt",
    gate=pw.Gate([pw.check(enough, blocking=True)]),
    family=Means(),
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw").mkdir()
    workspace = Workspace(Settings(home=tmp_path, models={"tracking_uri": "off"}))
    yield workspace
    workspace.database.close()


def write(place: Workspace, **texts: str) -> None:
    for name, text in texts.items():
        (place.settings.home / "raw" / f"{name}.txt").write_text(text)


def run(place: Workspace, **options: Any) -> pw.RunReport:
    raw = place.settings.home / "raw"
    return pw.run(MEANS, raw, workspace=place, executor="inline", **options)


def notices(report: pw.RunReport) -> list[str]:
    return list(report.facts["notices"])


def registered(place: Workspace) -> list[tuple[str, int, str]]:
    with place.database.read() as conn:
        return [(v.model, v.version, str(v.status)) for v in versions.listed(conn)]


def test_a_model_that_passed_is_deployable_and_one_that_did_not_is_quarantined(place):
    write(place, good="1 2 3", bad="1")
    run(place)
    assert registered(place) == [("bad", 1, "quarantined"), ("good", 1, "deployable")]
    with place.database.read() as conn:
        good, bad = versions.get(conn, "good", 1), versions.get(conn, "bad", 1)
        acts = [entry.action for entry in ledger.entries(conn)]
        events = [event.type for _, event in outbox.page(conn)]
    assert (good.metrics, good.dataset) == ({"mean": 2.0, "rows": 3.0}, "numbers:[1.0, 2.0, 3.0]")
    assert (bad.status, bad.reason) == (VersionStatus.QUARANTINED, "enough")
    assert {"model.registered", "model.quarantined"} <= set(acts)
    assert {"io.pipewarden.model.registered", "io.pipewarden.model.quarantined"} <= set(events)
    for version in (good, bad):
        held = json.loads(object_path(place.objects_dir, version.object_hash).read_text())
        assert held["model"] == version.model
        assert held["verdict"]["status"] == version.verdict


def test_new_data_make_a_new_version_of_the_same_model_and_keep_the_old(place):
    write(place, a="1 2 3")
    run(place)
    write(place, a="1 2 3 4")
    run(place)
    assert registered(place) == [("a", 2, "deployable"), ("a", 1, "deployable")]
    with place.database.read() as conn:
        second = versions.get(conn, "a", 2)
        first = versions.get(conn, "a", 1)
    assert second.parent == 1
    assert object_path(place.objects_dir, first.object_hash).is_file()


def test_an_unchanged_item_is_not_trained_and_the_same_model_is_no_new_version(place):
    write(place, a="1 2 3")
    run(place)
    again = run(place)
    assert again.progress.skipped == 1
    assert any("1 of 1 models are as they were: 100.0% of the fits" in n for n in notices(again))
    run(place, force=True)  # the very same document
    assert registered(place) == [("a", 1, "deployable")]


def test_without_its_gate_a_model_is_not_deployable(place):
    write(place, a="1 2 3")
    run(place, validate=False)
    assert registered(place) == [("a", 1, "quarantined")]


def test_a_result_that_is_no_model_is_rejected_and_says_why(place):
    write(place, a="13", empty="")
    report = run(place)
    assert report.progress.quarantined == 2
    assert registered(place) == []
    failed = next(Path("data/quarantine").rglob("a.txt_FAILED.json"))
    message = json.loads(failed.read_text())["message"]
    assert "'dataset.fingerprint'" in message
    assert "'artifact'" in message


def test_models_are_never_lines():
    with pytest.raises(pw.InvalidSettings, match="models are files"):
        pw.Pipeline(name="m", process=mean, records="id", lines="m.jsonl", family=Means())


def test_an_item_grows_old_and_is_trained_again(place):
    pipeline = replace(MEANS, max_age_days=7.0)
    raw = place.settings.home / "raw"
    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    later = Workspace(place.settings, lambda: now[0])
    write(place, a="1 2 3")
    options = {"workspace": later, "executor": "inline"}
    assert pw.run(pipeline, raw, **options).progress.published == 1
    now[0] += timedelta(days=6)
    assert pw.run(pipeline, raw, **options).progress.skipped == 1
    now[0] += timedelta(days=2)
    assert pw.run(pipeline, raw, **options).progress.published == 1
    later.database.close()


def test_a_registry_that_is_down_is_told_and_the_run_is_done(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.txt").write_text("1 2 3")
    gone = Settings(home=tmp_path, models={"tracking_uri": "http://127.0.0.1:9"})
    workspace = Workspace(gone)
    notes: list[str] = []

    class Noting(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    report = pw.run(
        MEANS, tmp_path / "raw", workspace=workspace, listener=Noting(), executor="inline"
    )
    assert report.exit_code == 0
    assert registered(workspace) == [("a", 1, "deployable")]
    assert "pipewarden models reconcile" in notes[-1]
    workspace.database.close()
