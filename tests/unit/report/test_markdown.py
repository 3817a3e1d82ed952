"""Markdown reports: what they say, and that foreign text stays text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from markdown_it import MarkdownIt

from pipewarden.report.markdown import failure_report, run_report
from pipewarden.report.markdown_syntax import fenced, text
from pipewarden.report.untrusted import visible

ANY_TEXT = st.text(st.characters(exclude_categories=()))
COMMONMARK = MarkdownIt("commonmark").enable(["table", "strikethrough"])
REPORTS = Path("reports")
PLACE = "../data/quarantine/20260301_021500_filings_0f3c2ab/2024"


def tokens(markdown):
    for block in COMMONMARK.parse(markdown):
        yield block
        yield from block.children or ()


def structure(markdown):
    return Counter(t.type for t in tokens(markdown) if t.type not in ("text", "text_special"))


def headings(markdown):
    parsed = COMMONMARK.parse(markdown)
    return [parsed[i + 1].content for i, t in enumerate(parsed) if t.type == "heading_open"]


def html_pieces(markdown):
    return {t.content.strip() for t in tokens(markdown) if t.type in ("html_block", "html_inline")}


def hrefs(markdown):
    return [t.attrs["href"] for t in tokens(markdown) if t.type == "link_open"]


@given(ANY_TEXT)
def test_any_text_renders_as_itself_in_every_place(foreign):
    shown = text(foreign)
    assert "\n" not in shown
    for place in ("{}", "- {}", "| a |\n| --- |\n| {} |", "## {}", "**{}**", "[{}](x)"):
        if not shown:
            continue
        inline = [t for t in COMMONMARK.parse(place.format(shown)) if t.type == "inline"][-1]
        pieces = [t for t in inline.children if t.type in ("text", "text_special")]
        others = {t.type for t in inline.children} - {"text", "text_special"}
        assert others <= {"strong_open", "strong_close", "link_open", "link_close"}
        assert "".join(t.content for t in pieces) == visible(foreign)


def test_words_with_underscores_and_paths_stay_readable():
    assert (
        text("no_html_artefacts 2025/a-b.htm 0.5 (x)") == "no_html_artefacts 2025/a-b.htm 0.5 (x)"
    )


def test_addresses_do_not_become_links():
    assert "://" not in text("http://a HTTPS://b ftp://c")
    assert "www." not in text("www.evil.example")


@given(st.lists(ANY_TEXT, min_size=1))
def test_nothing_closes_a_fence(lines):
    parsed = COMMONMARK.parse("\n".join([*fenced(lines), "after"]))
    assert [t.type for t in parsed] == ["fence", "paragraph_open", "inline", "paragraph_close"]


def test_hostile_text_anywhere_leaves_a_run_report_as_it_was(run_facts, filled, hostile):
    facts = run_facts(3, 2)
    facts["run"]["error"] = "it broke"
    facts["notices"], facts["deferred"]["items"] = ["note"], facts["published"]["items"][:1]
    usual = run_report(filled(facts, "x"), REPORTS)
    report = run_report(filled(facts, hostile), REPORTS)
    expected, found = structure(usual), structure(report)
    # An error or command of several lines is a block of its own; nothing else may differ.
    assert {**found, "fence": 0} == {**expected, "fence": 0}
    assert html_pieces(report) == {"<details><summary>Show</summary>", "</details>"}
    assert not [href for href in hrefs(report) if ":" in href or href.startswith("/")]
    outside = "".join(t.content for t in COMMONMARK.parse(report) if t.type == "inline")
    assert "<" not in outside
    assert "\x1b" not in report
    assert "\u202e" not in report
    report.encode()


def test_hostile_text_anywhere_leaves_a_failure_report_as_it_was(failure_facts, filled, hostile):
    error = {"type": "ValueError", "message": "m", "traceback": "line 1\nline 2"}
    facts = failure_facts(error=error)
    usual = failure_report(filled(facts, "x"), REPORTS)
    report = failure_report(filled(facts, hostile), REPORTS)
    assert structure(report) == structure(usual)
    assert html_pieces(report) == set()
    assert not [href for href in hrefs(report) if ":" in href or href.startswith("/")]
    report.encode()


@settings(max_examples=50)
@given(st.lists(ANY_TEXT.filter(bool), min_size=1))
def test_no_text_in_any_field_changes_the_structure(run_facts, filled, texts):
    facts = run_facts(2, 2)
    drawn = filled(facts, *texts)
    usual = filled(facts, "x")
    assert structure(run_report(drawn, REPORTS)) == structure(run_report(usual, REPORTS))


def test_a_run_report_has_its_parts_in_order(run_facts):
    facts = run_facts(3, 2, notices=["the backup of the manifest was used"])
    report = run_report(facts, REPORTS, {"total": 9, "success": 7, "failed": 2})
    assert headings(report) == [
        "Run 20260301_021500_filings_0f3c2ab: Completed, 2 quarantined",
        "Totals",
        "Please note",
        "What the plan found",
        "Pass, warn, fail",
        "Quarantined items (2)",
        f"[2024/broken 0.htm]({PLACE}/broken%200.htm_FAILURE_REPORT.md)",
        f"[2024/broken 1.htm]({PLACE}/broken%201.htm_FAILURE_REPORT.md)",
        "Failures by reason",
        "Checks of the gate",
        "Published items (3)",
        "Slowest items",
        "The folder as a whole",
        "Ledger",
        "Configuration",
        "How to reproduce",
    ]


def test_an_empty_run_leaves_empty_parts_out(run_facts):
    facts = run_facts(0, 0, plan={}, checks=[], config={}, ledger={}, reproduce=[])
    assert headings(run_report(facts, REPORTS))[1:] == ["Totals", "Quarantined items"]


def test_links_lead_from_the_report_to_files(run_facts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = hrefs(run_report(run_facts(1, 1), REPORTS))
    assert "../data/processed/filings/2025/0000/form10k_0.htm.json" in found
    assert "../data/raw/2025/0000/form10k_0.htm" in found
    both = (f"{PLACE}/broken%200.htm_{name}" for name in ("FAILED.json", "FAILURE_REPORT.md"))
    assert set(both) <= set(found)


def test_what_errored_can_be_retried_and_what_the_gate_refused_also_released(run_facts):
    report = run_report(run_facts(1, 2), REPORTS)
    run_id = "20260301_021500_filings_0f3c2ab"
    release = f"pipewarden quarantine release {run_id}"
    assert f"{release} '2024/broken 0.htm' --reason" in report
    assert f"{release} '2024/broken 1.htm'" not in report
    assert f"pipewarden quarantine retry {run_id} '2024/broken 1.htm'" in report


def test_numbers_that_do_not_add_up_are_loud(run_facts):
    facts = run_facts(3, 0)
    assert "It adds up: 3 seen = 0 skipped + 3 published" in run_report(facts, REPORTS)
    facts["totals"]["seen"] = 5
    report = run_report(facts, REPORTS)
    assert "THE NUMBERS DO NOT ADD UP: 5 seen ≠" in report
    assert "It adds up" not in report


def test_long_lists_say_what_they_leave_out(run_facts):
    facts = run_facts(2, 1)
    facts["published"]["omitted"] = 1998
    assert "And 1,998 more, which this list leaves out; all of them: pipewarden jobs status" in (
        run_report(facts, REPORTS)
    )


def test_facts_beyond_ten_columns_are_named(run_facts):
    facts = run_facts(1, 0)
    facts["published"]["items"][0]["facts"] = {f"fact{n}": n for n in range(12)}
    report = run_report(facts, REPORTS)
    assert "Facts without a column: fact10 and fact11" in report
    assert " fact9 |" in report


def test_a_run_without_its_gate_says_that_nothing_was_judged(run_facts):
    facts = run_facts(2, 0)
    facts["run"]["validated"] = False
    facts["published"]["items"][0]["verdict"] = "UNVALIDATED"
    report = run_report(facts, REPORTS)
    assert "2 UNVALIDATED (published unseen)" in report
    assert "PASS (published)" not in report


def test_the_ledgers_head_and_the_commit_are_told(run_facts):
    report = run_report(run_facts(), REPORTS)
    assert "Entries: 1,234" in report
    assert "sha256:" + "ab" * 32 in report
    assert "pipewarden audit verify" in report
    assert "0f3c2ab9d1e2 on main, with uncommitted changes" in report


def test_a_failure_report_tells_each_finding_in_words(failure_facts):
    folder = Path("data/quarantine/20260301_021500_filings_0f3c2ab/2024")
    report = failure_report(failure_facts(), folder)
    for line in (
        "# Quarantined: 2024/broken 0.htm",
        "### extraction_yield: fail, blocking",
        "- Value: 512 ppm",
        "- Threshold: must be at least 1,000 ppm",
        "  - segment 4: &lt;div class=x&gt;",
        "Passed: cik_present.",
    ):
        assert line in report.splitlines()
    assert hrefs(report) == ["../../../raw/2024/broken%200.htm", "./broken%200.htm_FAILED.json"]
    assert "quarantine release" in report


def test_a_failure_report_shows_the_error_and_bounds_it(failure_facts):
    lines = "\n".join(f'  File "x.py", line {n}, in <module>' for n in range(1000))
    error = {"type": "ValueError", "message": "ValueError: bad", "traceback": lines}
    facts = failure_facts(kind="errored", verdict=None, error=error, result=None, attempt=2)
    report = failure_report(facts, REPORTS)
    assert "**ValueError**: bad" in report
    assert "in <module>" in report
    assert "… (800 more lines)" in report
    assert "| Attempt | 2 of 3 |" in report
    assert "quarantine release" not in report


def test_a_finding_without_a_value_says_why(failure_facts):
    finding = {
        "check": "c",
        "status": "NOT_COMPUTABLE",
        "message": "no section",
        "evidence": [1] * 30,
    }
    report = failure_report(
        failure_facts(verdict={"status": "FAIL", "findings": [finding]}), REPORTS
    )
    assert "### c: not computable, not blocking" in report
    assert "- Found: no section" in report
    assert "- Value" not in report
    assert "  - and 10 more" in report


def test_a_failure_report_needs_no_field(failure_facts):
    assert failure_report({}, REPORTS).startswith("# Quarantined: \n")


@pytest.mark.parametrize("published", [0, 1000])
def test_a_table_row_stays_one_line(run_facts, published):
    report = run_report(run_facts(published, 0), REPORTS)
    assert sum(line.startswith("| [2025/") for line in report.splitlines()) == published + min(
        published, 10
    )
