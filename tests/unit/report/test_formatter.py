"""Reports as files."""

from __future__ import annotations

import json

import pytest

from pipewarden.errors import StorageUnavailable
from pipewarden.report.formatter import ReportFormatter

STATISTICS = {"total": 1001, "success": 997, "failed": 4}


@pytest.mark.parametrize("kind", ["markdown", "html", "json"])
def test_a_report_is_written_where_it_was_asked_for(kind, run_facts, tmp_path):
    path = tmp_path / "reports" / "new" / f"report.{kind}"
    write = getattr(ReportFormatter(), f"generate_{kind}_report")
    assert write(run_facts(), None, str(path)) == path
    without = path.read_text(encoding="utf-8")
    assert "20260301_021500_filings_0f3c2ab" in without
    assert "997" not in without
    write(run_facts(), STATISTICS, path)
    assert "997" in path.read_text(encoding="utf-8")
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["markdown", "html"])
def test_links_start_at_the_folder_of_the_report(kind, run_facts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write = getattr(ReportFormatter(), f"generate_{kind}_report")
    path = write(run_facts(1, 0), None, tmp_path / "a" / "b" / "report")
    expected = "../../data/processed/filings/2025/0000/form10k_0.htm.json"
    assert expected in path.read_text(encoding="utf-8")


def test_the_json_report_is_the_facts_as_they_are(run_facts, tmp_path):
    path = ReportFormatter().generate_json_report(run_facts(), None, tmp_path / "report.json")
    assert json.loads(path.read_bytes()) == run_facts()
    ReportFormatter().generate_json_report(run_facts(), STATISTICS, path)
    assert json.loads(path.read_bytes())["manifest"] == STATISTICS


@pytest.mark.parametrize("kind", ["markdown", "html", "json"])
def test_hostile_text_can_be_written(kind, run_facts, filled, hostile, tmp_path):
    facts = filled(run_facts(1, 1), hostile)
    write = getattr(ReportFormatter(), f"generate_{kind}_report")
    path = write(facts, STATISTICS, tmp_path / "report")
    text = path.read_text(encoding="utf-8")
    if kind == "json":
        assert json.loads(text)["totals"] == facts["totals"]


def test_values_that_json_lacks_do_not_stop_a_report(run_facts, tmp_path):
    facts = run_facts(1, 0)
    facts["published"]["items"][0]["facts"] = {"name\udce9": [float("nan"), ("x\udce9", tmp_path)]}
    path = ReportFormatter().generate_json_report(facts, None, tmp_path / "report.json")
    written = json.loads(path.read_bytes())["published"]["items"][0]["facts"]
    assert written == {"name\\udce9": [None, ["x\\udce9", str(tmp_path)]]}


def test_a_folder_that_cannot_be_made_is_named(run_facts, tmp_path):
    (tmp_path / "reports").write_text("in the way")
    with pytest.raises((StorageUnavailable, OSError)):
        ReportFormatter().generate_html_report(run_facts(), None, tmp_path / "reports" / "r.html")
