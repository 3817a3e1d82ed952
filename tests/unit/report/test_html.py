"""The HTML report: self-contained, accessible, and deaf to what the inputs say."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from pipewarden.report import html
from pipewarden.report.html import run_report_html
from pipewarden.report.untrusted import visible

ANY_TEXT = st.text(st.characters(exclude_categories=()), min_size=1)
REPORTS = Path("reports")
VOID = {"meta"}


class Page(HTMLParser):
    """A parsed page: its tags, attributes and text, with every tag closed where it must be."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self.open, self.odd = [], [], [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.odd.append(data)

    def handle_pi(self, data):
        self.odd.append(data)

    def unknown_decl(self, data):
        self.odd.append(data)

    def values(self, tag, name):
        return [value for t, n, value in self.attributes if (t, n) == (tag, name)]


@pytest.fixture
def everything(run_facts):
    """The facts of a run in which every part of a report has something to say."""
    facts = run_facts(3, 2, notices=["note"])
    facts["run"].update(error="it broke\nbadly", parent_id="r0")
    facts["deferred"]["items"] = [{**facts["published"]["items"][0], "message": "m", "reason": "r"}]
    facts["published"]["omitted"] = 4
    return facts


def test_hostile_text_anywhere_changes_no_tag(everything, filled, hostile):
    everything["run"]["error"] = ""  # its number of lines decides whether it is shown apart
    usual = Page(run_report_html(filled(everything, "x"), REPORTS))
    page = Page(run_report_html(filled(everything, hostile), REPORTS))
    assert page.tags == usual.tags
    assert page.odd == []
    assert "script" not in {tag for tag, _ in page.tags}
    assert {tag for tag, _ in page.tags if tag == "style"} == {"style"}
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]
    for href in page.values("a", "href"):
        assert re.fullmatch(r"#[a-z]+|[A-Za-z0-9_.~/%-]+", href)
        assert not href.startswith("/")


def test_an_error_of_many_hostile_lines_stays_in_its_block(everything, hostile):
    everything["run"]["error"] = "first\nsecond"
    usual = Page(run_report_html(everything, REPORTS))
    everything["run"]["error"] = f"first\n{hostile}"
    assert Page(run_report_html(everything, REPORTS)).tags == usual.tags


def test_foreign_text_is_shown_whole(run_facts, hostile):
    facts = run_facts(1, 1)
    facts["published"]["items"][0]["key"] = hostile
    assert visible(hostile) in Page(run_report_html(facts, REPORTS)).texts


@settings(max_examples=60)
@given(st.lists(ANY_TEXT, min_size=1))
def test_no_text_in_any_field_changes_the_structure(run_facts, filled, texts):
    facts = run_facts(2, 2, notices=["note"])
    usual = Page(run_report_html(filled(facts, "x"), REPORTS))
    drawn = Page(run_report_html(filled(facts, *texts), REPORTS))
    assert drawn.tags == usual.tags


def test_a_browser_is_told_to_run_and_load_nothing(everything):
    page = Page(run_report_html(everything, REPORTS))
    policy = page.values("meta", "content")[0]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    names = {name for _, name, _ in page.attributes}
    assert not names & {"src", "srcset", "action", "background", "poster", "data"}
    assert {tag for tag, _ in page.tags}.isdisjoint({"link", "script", "img", "iframe", "form"})
    style = page.texts[page.texts.index(next(t for t in page.texts if ":root" in t))]
    assert "url(" not in style
    assert "@import" not in style


def test_headings_tables_and_regions_have_names(everything):
    page = Page(run_report_html(everything, REPORTS))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in names for tag, names in page.tags if tag == "th")
    ids = page.values("section", "id") + page.values("h2", "id")
    assert len(ids) == len(set(ids))
    named = page.values("section", "aria-labelledby") + page.values("div", "aria-labelledby")
    assert set(named) <= set(ids)
    assert {href[1:] for href in page.values("a", "href") if href[0] == "#"} <= set(ids)
    assert page.values("html", "lang") == ["en"]


def test_the_page_says_first_what_matters_most(everything):
    source = run_report_html(everything, REPORTS)
    places = [
        source.index(words)
        for words in (
            "Completed, 2 quarantined</p>",
            "3 of 5 items published, 2 quarantined: 1 by the gate",
            "It adds up: 5 seen = 0 skipped + 3 published",
            "Quarantined items (2)</h2>",
            "Failures by reason</h2>",
            "Checks of the gate</h2>",
            "Published items (3)</h2>",
            "Slowest items</h2>",
            "Configuration</h2>",
            "How to reproduce</h2>",
        )
    ]
    assert places == sorted(places)


def test_parts_without_content_are_left_out(run_facts):
    facts = run_facts(0, 0, plan={}, checks=[], config={}, ledger={}, reproduce=[])
    page = Page(run_report_html(facts, REPORTS))
    assert page.values("section", "id") == ["quarantined"]
    assert "None." in page.texts


def test_each_published_item_is_one_row_with_its_facts(run_facts):
    page = Page(run_report_html(run_facts(58, 0), REPORTS))
    rows = Counter(tag for tag, _ in page.tags)["tr"]
    assert rows == 5 + 1 + 58 + 1 + 10  # checks, published and slowest, each with its head
    assert {"company", "fiscal_year", "Example Holdings 57 plc"} <= set(page.texts)
    assert "../data/processed/filings/2025/0057/form10k_57.htm.json" in page.values("a", "href")


def test_numbers_that_do_not_add_up_are_loud(run_facts):
    facts = run_facts(3, 0)
    assert 'class="alarm"' not in run_report_html(facts, REPORTS)
    facts["totals"]["seen"] = 4
    source = run_report_html(facts, REPORTS)
    assert '<p class="alarm">The numbers do not add up: 4 seen ≠' in source
    assert 'class="status bad"' in source


def test_the_folder_is_told_where_its_manifest_is(run_facts):
    manifest = {"total": 1001, "success": 997, "failed": 4}
    texts = Page(run_report_html(run_facts(1, 0), REPORTS, manifest)).texts
    assert {"1,001", "997", "4"} <= set(texts)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(scheme):
    """WCAG 2.2, success criterion 1.4.3: at least 4.5:1."""
    style = (html._TEMPLATES / "run.html.j2").read_text(encoding="utf-8")
    found = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block)) for block in style.split(":root")
    ]
    colours = found[1] if scheme == "light" else {**found[1], **found[2]}
    grounds = {
        tone: ("page", "card", *([f"{tone}-on"] if f"{tone}-on" in colours else []))
        for tone in ("text", "soft", "link", "good", "warn", "bad", "idle")
    }
    for tone, places in grounds.items():
        for place in places:
            assert contrast(colours[tone], colours[place]) >= 4.5, (tone, place)


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A template that is not compiled yet, and a place of the test's own for the result."""
    compiled = tmp_path / "cache" / "run.pyc"
    monkeypatch.setattr(html, "_compiled_path", lambda version: compiled)
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    html._template.cache_clear()
    yield compiled
    html._template.cache_clear()


def test_the_compiled_template_is_kept_and_used(own_cache, run_facts):
    first = run_report_html(run_facts(), REPORTS)
    kept = own_cache.read_bytes()
    html._template.cache_clear()
    assert run_report_html(run_facts(), REPORTS) == first
    assert own_cache.read_bytes() == kept


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_compiled_template_is_made_again(own_cache, run_facts, damage):
    run_report_html(run_facts(), REPORTS)
    own_cache.write_bytes(own_cache.read_bytes()[:-20] if damage is None else damage)
    html._template.cache_clear()
    assert "<!doctype html>" in run_report_html(run_facts(), REPORTS)


def test_a_place_that_cannot_be_written_costs_only_time(own_cache, run_facts):
    own_cache.parent.write_text("a file where a folder should be")
    assert "<!doctype html>" in run_report_html(run_facts(), REPORTS)


def test_jinja2_is_not_imported_before_a_page_is_made():
    modules = "pipewarden.report.html, pipewarden.report.formatter"
    code = f"import sys, {modules}; print('jinja2' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert answer.stdout.strip() == "False"
