"""A run hands documents over in bulks where they are many; a spool is sent in the same ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.jobs.runners import publishing
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings

WORDS = pw.Pipeline(name="words", process=dict, records="id", lines="w.jsonl")


@pytest.fixture
def run(elastic, tmp_path):
    """Return what runs so many records into the index."""

    def work(number: int) -> Any:
        source = tmp_path / "in.jsonl"
        rows = ({"id": f"{n:05}", "text": "one"} for n in range(number))
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
        options = {**elastic.options(), "timeout": 15.0}
        place = Workspace(Settings(home=tmp_path, sinks={"search": options}))
        report = pw.run(WORDS, source, workspace=place, executor="inline")
        place.database.close()
        return report

    return work


def test_many_documents_go_five_hundred_at_a_time(run, elastic, monkeypatch):
    """However slow the machine is: a batch that is not full waits for ever here."""
    monkeypatch.setattr(publishing, "BATCH_SECONDS", 1e9)
    monkeypatch.setattr(publishing, "HANDED_SECONDS", 1e9)
    report = run(1_200)
    assert elastic.stub.bulks == [500, 500, 200]
    assert len(elastic.contents()) == 1_200
    assert report.facts["sinks"]["search"] == {"delivered": 1_200, "spooled": 0, "refused": 0}


def test_what_waited_in_the_spool_goes_five_hundred_at_a_time(run, elastic, monkeypatch):
    monkeypatch.setattr(publishing, "BATCH_SECONDS", 1e9)
    monkeypatch.setattr(publishing, "HANDED_SECONDS", 1e9)
    elastic.down()
    assert run(1_200).facts["sinks"]["search"]["spooled"] == 1_200
    elastic.up()
    from datetime import timedelta

    from pipewarden.delivery.sinks.enabled import spools_of
    from pipewarden.delivery.sinks.lane import Lane
    from pipewarden.jobs.workspace import utc_now

    place = elastic.home
    lane = Lane(
        elastic.enabled(timeout=15.0),
        spools_of(Settings(home=place)) / "search",
        lambda: utc_now() + timedelta(hours=1),
    )
    assert lane.catch_up()
    lane.close()
    assert elastic.stub.bulks == [500, 500, 200]


def test_a_run_at_its_own_pace_loses_and_doubles_nothing(run, elastic):
    run(1_200)
    assert sum(elastic.stub.bulks) == 1_200
    assert max(elastic.stub.bulks) <= 500
    assert len(elastic.contents()) == 1_200
