"""The demonstration runs to its end, shows what it promises, and can be taken again."""

from __future__ import annotations

import re

import pytest


@pytest.mark.slow
def test_the_tour_shows_everything_and_cleans_up_after_itself_alone(place):
    done = place.run("demo", "--dir", "tour", patience=300.0)
    out = done.stdout
    assert done.returncode == 0, out + done.stderr
    assert len(re.findall(r"^── \d\. ", out, re.MULTILINE)) == 8
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
