"""Every scenario of the closed loop has its page, drawn, and a test that plays it."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "discussion" / "healings"
TESTS = ROOT / "tests" / "acceptance" / "healing"
SCENARIOS = [
    "bad-model", "drift-without-decay", "flapping", "poisoned-data", "stable", "sudden-shift",
]  # fmt: skip


def test_there_is_a_page_of_each_scenario_and_no_other():
    assert sorted(page.stem for page in PAGES.glob("*.md")) == SCENARIOS
    assert sorted(page.stem for page in PAGES.glob("*.svg")) == SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_page_names_the_test_that_plays_the_same_story(name):
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    (test,), (file,) = re.findall(r"`(test_\w+)`", page), re.findall(r"\[(test_\w+\.py)\]", page)
    body = (TESTS / file).read_text(encoding="utf-8").split(f"def {test}(")[1].split("\ndef ")[0]
    assert f"stories.{name.replace('-', '_')}(" in body


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_timeline_is_drawn_and_says_what_it_shows(name):
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert f"]({name}.svg)" in page
    drawn = ElementTree.parse(PAGES / f"{name}.svg").getroot()
    assert drawn.tag.endswith("}svg")
    texts = [one.text or "" for one in drawn.iter()]
    assert any("simulated day" in text for text in texts)
    assert any("live AUC" in text for text in texts), "for those who cannot see it"
