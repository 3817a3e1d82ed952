"""Each healing has a page of its own: what was done and why, with the evidence, for anybody."""

from __future__ import annotations

import re

import pytest

from pipewarden.app.cli import main
from pipewarden.healing import controlling
from pipewarden.healing.explaining import explain
from pipewarden.healing.looping import once
from pipewarden.healing.telling import reports
from tiny_healing import MODEL, PLACE


@pytest.fixture
def ill(made):
    held = made()
    held.observe(good=True)
    held.fall_ill()
    return held


def page_of(held, number=1):
    return (held.home / "reports" / "healing" / f"healing_{number:08}.html").read_text("utf-8")


def test_a_page_goes_with_the_healing_to_its_end(ill):
    once(ill.healer())
    assert "mean in production: verifying" in page_of(ill)
    ill.ask(10, 10.0)
    once(ill.healer())
    ill.hours += 2
    once(ill.healer())
    page = page_of(ill)
    assert '<h1 class="good">mean in production: kept</h1>' in page
    steps = re.findall(r'<tr><th scope="row">([\w ]+)</th><td class="soft">2026', page)
    assert steps == [
        *("decided", "collecting", "retraining", "evaluating", "gating", "promoting"),
        *("verifying", "kept"),
    ]
    for words in ("performance.auc 0.5, limit 0.8", "gain low", "error 0.00 against 9.50"):
        assert words in page
    assert "limit</text>" in page, "the figure that asked for it is drawn"


def test_a_page_loads_nothing_and_fits_a_telephone(ill):
    once(ill.healer())
    page = page_of(ill)
    assert "default-src 'none'" in page
    assert 'content="width=device-width, initial-scale=1"' in page
    assert not re.findall(r"<script|\bsrc=|url\(|https?://(?!www\.w3\.org)", page)


def test_what_a_person_says_is_shown_as_text_and_at_once(ill):
    once(ill.healer())
    controlling.veto(ill.healer(), MODEL, PLACE, reason="<b>not</b> this one\u202e")
    page = page_of(ill)
    assert "mean in production: rolled back" in page
    assert "&lt;b&gt;not&lt;/b&gt; this one" in page
    assert "\u202e" not in page


def test_a_decision_not_to_act_has_its_page_and_is_linked(ill):
    controlling.pause(ill.healer(), MODEL, PLACE, reason="month end")
    once(ill.healer())
    assert "mean in production: decided not to act" in page_of(ill)
    told = explain(ill.healer(), MODEL, PLACE)
    assert told.reports.keys() == {1}
    assert told.sentences[-1] == f"The report of healing 1 is {told.reports[1]}."
    assert told.as_dict()["reports"] == {"1": str(told.reports[1])}


def test_the_command_names_the_page(ill, monkeypatch, capsys):
    monkeypatch.chdir(ill.home)
    once(ill.healer())
    assert main.carry_out(["heal", "explain"]) == 0
    assert "The report of healing 1 is " in capsys.readouterr().out


def test_none_is_written_where_none_is_kept(made):
    held = made(settings={"healing": {"reports": 0}})
    held.fall_ill()
    once(held.healer())
    assert not (held.home / "reports" / "healing").exists()
    assert explain(held.healer(), MODEL, PLACE).reports == {}


def test_old_pages_are_removed(made):
    held = made(settings={"healing": {"reports": 1}})
    held.fall_ill()
    once(held.healer())
    controlling.veto(held.healer(), MODEL, PLACE, reason="no")
    held.hours += 2
    held.fall_ill(12.0)
    once(held.healer())
    folder = held.home / "reports" / "healing"
    assert [page.name for page in folder.iterdir()] == ["healing_00000002.html"]


def test_a_page_that_cannot_be_written_is_told_and_stops_no_healing(ill):
    (ill.home / "reports").mkdir(exist_ok=True)
    (ill.home / "reports" / "healing").write_text("in the way", encoding="utf-8")
    done = once(ill.healer())
    assert [words.split(":")[0] for words in done.failures] == ["reports"]
    assert str(done.advanced[0].healing.state) == "verifying"
    assert reports.tried(ill.healer(), [1]) != []
