"""The demonstration runs to its end, shows what it promises, and can be taken again."""

from __future__ import annotations

import re
from contextlib import closing
from sqlite3 import connect

import pytest


@pytest.mark.slow
def test_the_tour_shows_everything_and_cleans_up_after_itself_alone(place):
    done = place.run("demo", "--dir", "tour", patience=300.0)
    out = done.stdout
    assert done.returncode == 0, out + done.stderr
    assert len(re.findall(r"^── \d\. ", out, re.MULTILINE)) == 9
    assert "12 seen = 0 skipped + 6 published + 6 quarantined + 0 deferred" in out
    assert "12 seen = 10 skipped + 2 published + 0 quarantined + 0 deferred" in out
    assert "(exit code -9: killed)" in out
    assert re.search(r"\$ pipewarden jobs resume \S+\n12 items found, \d+ to process", out)
    assert "7 seen = 0 skipped + 5 published + 2 quarantined + 0 deferred" in out
    assert "'goverment' -> 'government'" in out
    assert "The ledger holds" in out
    report = re.search(r"^reports +(\S+\.html)$", out, re.MULTILINE)
    assert report
    assert (place.folder / "tour" / report.group(1)).is_file()
    assert (place.folder / "tour" / ".pipewarden-demo.json").is_file()
    the_model_was_healed(out, place.folder / "tour")


def the_model_was_healed(out, folder):
    """The timeline tells one healing from the first figure to the proof, and the ledger has it."""
    told = [
        "world     changes, and nobody is told",
        "AUC of version 1 is 0.",
        "features drifted",
        "alert     CRITICAL",
        "healer    decides to retrain",
        "healer    retrains: ",
        "gate      lets version 2 pass",
        "trial     the new version wins",
        "healer    promotes version 2",
        "AUC of version 2 is 0.",
        "healer    verified: live, version 2 proves itself",
        "critical alerts are over by themselves",
        "$ pipewarden heal explain",
        "$ pipewarden trace ",
        "answered by version credit@2",
        "data/healing/credit/1/labelled.csv",
        "$ pipewarden rollback ",
    ]
    rest = out.partition("Watch a model heal itself")[2]
    for words in told:
        assert words in rest, f"{words!r} does not follow in\n{out}"
        rest = rest.partition(words)[2]
    assert out.count("promotes version") == 1
    assert out.count("The ledger holds") == 2

    days = re.findall(r"^  day +(\d) +version (\d) +(0\.\d{3})  █+$", out, re.MULTILINE)
    quality = {int(day): (int(version), float(auc)) for day, version, auc in days}
    assert sorted(quality) == list(range(1, 10))
    assert all(quality[day][0] == (1 if day < 7 else 2) for day in quality)
    assert min(quality[day][1] for day in (1, 2)) > 0.88
    assert max(quality[day][1] for day in (4, 5, 6)) < 0.65
    assert min(quality[day][1] for day in (7, 8, 9)) > 0.84

    page = re.search(r"^last check +(\S+\.html)$", out, re.MULTILINE)
    assert page
    assert (folder / page.group(1)).is_file()
    assert "performance.auc" in (folder / "loop" / "alerts.txt").read_text(encoding="utf-8")
    with closing(connect(folder / "loop" / ".pipewarden" / "state.db")) as state:
        acts = [action for (action,) in state.execute("SELECT action FROM ledger ORDER BY seq")]
    assert acts.count("model.promoted") == 1
    assert acts.count("healing.kept") == 1
    assert acts.count("model.rolled_back") == 2, "the drill, and back"
