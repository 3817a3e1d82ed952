"""``pipewarden cost`` by the real command: what runs took, saved and would take, and what to do."""

from __future__ import annotations

import pytest

PRICES = """
costs:
  currency: EUR
  cpu_hour: 0.05
  memory_gb_hour: 0.006
  storage_gb_month: 0.02
"""


def worked(place, runs: int) -> None:
    """Run so often, each time with more to do, and one item that never passes."""
    place.write(bad="boom")
    for number in range(1, runs + 1):
        place.write(**{f"n{number}x{item}": "one two" for item in range(4 * number)})
        done = place.run("run", "mine:words", "raw", "--workers", "1", "-q")
        assert done.returncode in (0, 1), done.stderr


def test_nothing_is_told_before_anything_ran(place):
    done = place.run("cost")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "No run and no healing ended in the last 30 days.\n"
    assert place.json("cost")["pipelines"] == []


def test_runs_are_told_with_what_they_took_saved_and_would_take(place):
    worked(place, 5)
    done = place.run("cost", "--volume", "10")
    assert done.returncode == 0, done.stderr
    assert "In resources only: the settings have no prices" in done.stdout
    assert "What costs most for least:" in done.stdout
    assert "pipewarden quarantine list --pipeline words" in done.stdout

    told = place.json("cost", "--volume", "10")
    (words,) = told["pipelines"]
    assert told["prices"] is told["total"]["cost"] is None
    assert (words["now"]["number"], words["now"]["items"]) == (5, 63)
    assert words["now"]["skipped"] == words["saved"]["skipped"] > 0
    outputs = (place.folder / "data" / "processed").rglob("*.json")
    kept = sum(path.stat().st_size for path in outputs)
    assert words["now"]["stored_bytes"] > kept  # what is quarantined lies there, too
    assert words["now"]["cpu_seconds"] > words["now"]["item_seconds"] > 0
    assert words["now"]["memory_peak"] > 1_000_000
    grown = words["forecast"]
    assert grown["reason"] == ""
    for name in ("cpu_seconds", "memory_byte_seconds", "stored_bytes"):
        assert grown[name]["low"] <= grown[name]["value"] <= grown[name]["high"]
    assert grown["cpu_seconds"]["value"] <= grown["at_most_cpu_seconds"]
    assert grown["cost"] is None
    codes = {one["code"] for one in told["advice"]}
    assert codes >= {"items_fail_again"}


def test_each_recommendations_command_is_one_that_answers(place):
    worked(place, 5)
    advice = place.json("cost")["advice"]
    assert advice
    for one in advice:
        program, *words = one["act"].split()
        assert program == "pipewarden"
        assert place.run(*words).returncode == 0, one["act"]


def test_prices_make_money_of_it_and_too_few_runs_are_told(place):
    (place.folder / "pipewarden.yaml").write_text(PRICES)
    worked(place, 1)
    done = place.run("cost", "--volume", "3")
    assert " EUR" in done.stdout
    assert "words: too few runs: 1, 1 of which had work" in done.stdout
    told = place.json("cost")
    total = told["total"]
    assert total["cost"] == pytest.approx(
        total["cpu_seconds"] / 3600 * 0.05
        + total["memory_byte_seconds"] / 1e9 / 3600 * 0.006
        + total["stored_bytes"] / 1e9 * 0.02
    )


def test_an_unknown_model_is_wrong_usage(place):
    done = place.run("cost", "--model", "nobody")
    assert done.returncode == 2
    assert "there is no model 'nobody'" in done.stderr
