"""What is published is handed over before it is committed, and what a dead run handed is known."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from pipewarden.core.canonical import digest
from pipewarden.engine.publication.files import FileOutputs
from pipewarden.engine.publication.handing import HandedOutputs
from pipewarden.engine.publication.staging import staged
from pipewarden.engine.task import Work, Worked
from pipewarden.errors import StateDamaged, StorageUnavailable


@dataclass
class Desk:
    """Takes what is handed over, and remembers it."""

    handed: list[tuple[str, bytes | None]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def hand(self, deliveries):
        self.batches.append(len(deliveries))
        self.handed += [(d.key, d.document) for d in deliveries]

    def settle(self, run_id, handed):
        return {"desk": {"delivered": handed, "spooled": 0, "refused": 0}}

    def close(self):
        pass


class Store:
    """A manifest in memory."""

    def __init__(self):
        self.held = {}

    def get(self, key):
        return self.held.get(key)

    def entries(self):
        return self.held.items()


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def open_run(tmp_path, store, desk):
    """Return what opens the outputs of a run."""

    def opened(run_id="run-1"):
        (tmp_path / "out").mkdir(exist_ok=True)
        return HandedOutputs(
            inner=FileOutputs(tmp_path / "out", tmp_path),
            handover=desk,
            store=store,
            note=tmp_path / "handed" / "it.json",
            pipeline="p",
            run_id=run_id,
            clock=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        )

    return opened


def publish(outputs, key, content):
    """Publish a document as the committer does; return its entry."""
    entry = {"hash": digest(repr(content).encode()), "fingerprint": "1", "status": "success"}
    worked = Worked(key=key, work=Work.JUDGED, input_hash=entry["hash"])
    outputs.publish(key, staged(worked, content, outputs.inner._folder), entry)
    return entry


def test_documents_are_handed_over_as_they_were_published(open_run, desk):
    outputs = open_run()
    publish(outputs, "a.txt", {"text": "Zoë"})
    assert desk.handed == []
    outputs.flush()
    assert desk.handed == [("a.txt", '{"text":"Zoë"}'.encode())]
    outputs.flush()
    assert len(desk.handed) == 1
    assert outputs.settle() == {"desk": {"delivered": 1, "spooled": 0, "refused": 0}}


def test_a_key_that_is_given_a_document_again_in_one_batch_is_not_withdrawn(open_run, desk, store):
    """Items change places: a moves to b, and b to c."""
    outputs = open_run()
    store.held = {key: publish(outputs, key, {"was": key}) for key in ("a", "b")}
    outputs.flush()
    desk.handed.clear()
    for old, new in (("a", "b"), ("b", "c")):
        outputs.move(new, store.held[old], {**store.held[old]})
    outputs.flush()
    assert {key: document is None for key, document in desk.handed} == {
        "a": True,
        "b": False,
        "c": False,
    }


def test_big_documents_are_handed_over_few_at_a_time(open_run, desk):
    outputs = open_run()
    for n in range(5):
        publish(outputs, f"{n}", {"text": "x" * 3_000_000})
    outputs.flush()
    assert desk.batches == [2, 2, 1]


def test_an_output_that_somebody_changes_meanwhile_is_not_handed_over(open_run, tmp_path):
    outputs = open_run()
    publish(outputs, "a.txt", {"n": 1})
    flush = outputs.inner.flush

    def changed():
        flush()
        (tmp_path / "out" / "a.txt.json").write_text("{}")

    outputs.inner.flush = changed
    with pytest.raises(StorageUnavailable, match="altered while"):
        outputs.flush()


def test_what_a_dead_run_handed_and_did_not_commit_is_undone(open_run, desk, store):
    dead = open_run("run-1")
    store.held["kept"] = publish(dead, "kept", {"n": 1})
    dead.flush()
    publish(dead, "new", {"n": 2})
    publish(dead, "again", {"n": 3})
    dead.flush()
    desk.handed.clear()

    after = open_run("run-2")
    store.held["again"] = publish(after, "again", {"n": 4})
    after.flush()
    after.settle()
    assert desk.handed == [("again", b'{"n":4}'), ("new", None)]
    desk.handed.clear()
    assert open_run("run-3").settle()["desk"]["delivered"] == 0
    assert desk.handed == []


def test_what_was_committed_before_the_kill_counts_for_the_run_that_goes_on(open_run, store):
    dead = open_run("run-1")
    for n in range(3):
        store.held[f"{n}"] = publish(dead, f"{n}", {"n": n})
    dead.flush()
    resumed = open_run("run-1")
    store.held["3"] = publish(resumed, "3", {"n": 3})
    resumed.flush()
    assert resumed.settle()["desk"]["delivered"] == 4


def test_a_paused_run_goes_on_counting(open_run, store):
    paused = open_run("run-1")
    store.held["0"] = publish(paused, "0", {"n": 0})
    paused.flush()
    paused.settle()
    resumed = open_run("run-1")
    store.held["1"] = publish(resumed, "1", {"n": 1})
    resumed.flush()
    assert resumed.settle()["desk"]["delivered"] == 2


def test_a_note_of_which_half_a_line_is_written_is_the_one_before(open_run, desk, store, tmp_path):
    dead = open_run("run-1")
    publish(dead, "a", {"n": 1})
    dead.flush()
    with (tmp_path / "handed" / "it.json").open("ab") as file:
        file.write(b'{"run_id": "run-1", "ha')
    desk.handed.clear()
    open_run("run-2").settle()
    assert desk.handed == [("a", None)]


def test_a_note_that_does_not_read_is_told(open_run, tmp_path):
    (tmp_path / "handed").mkdir()
    (tmp_path / "handed" / "it.json").write_text("{\n")
    with pytest.raises(StateDamaged, match=r"it\.json"):
        open_run().settle()


def test_the_note_says_nothing_once_all_agrees(open_run, store, tmp_path):
    outputs = open_run()
    store.held["a"] = publish(outputs, "a", {"n": 1})
    outputs.flush()
    outputs.settle()
    note = tmp_path / "handed" / "it.json"
    assert json.loads(note.read_text()) == {"run_id": "run-1", "handed": 1, "keys": {}}
