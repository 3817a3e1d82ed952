"""One contract for every executor: each task is answered once, whatever becomes of its worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.engine.executors.ordering import Order
from pipewarden.engine.records import RecordScan, RecordSource
from pipewarden.engine.task import Task, Worked

Make = Callable[..., Any]

#: The most that each executor takes from the tasks ahead of their results.
AHEAD = {"inline": 1, "processes": 4, "celery-redis": 12, "celery-rabbitmq": 12}

#: Inline cannot kill an item, nor look up from one, by its own docstring.
separate = pytest.mark.parametrize("kind", sorted(AHEAD.keys() - {"inline"}), indirect=True)


def tasks(folder: Path, *orders: str) -> list[Task]:
    made = []
    for number, order in enumerate(orders):
        path = folder / f"{number}-{order}.txt"
        path.write_text(order)
        made.append(Task(path.name, path))
    return made


def answers(results: Iterator[Worked | None]) -> dict[str, Worked]:
    found: dict[str, Worked] = {}
    for worked in results:
        if worked is not None:
            assert worked.key not in found
            found[worked.key] = worked
    return found


def said(found: dict[str, Worked]) -> dict[str, tuple[str, str]]:
    return {
        key.partition("-")[2].removesuffix(".txt"): (str(worked.work), worked.reason)
        for key, worked in found.items()
    }


def test_every_kind_of_end_is_told(make: Make, pipeline: Any, tmp_path: Path) -> None:
    held = tasks(tmp_path, "raise", "bad", "edit", "vanish", "fine")
    found = answers(make(pipeline.orders).results(iter(held)))
    assert said(found) == {
        "raise": ("errored", "ValueError"),
        "bad": ("rejected", "as_ordered"),
        "edit": ("deferred", "changed"),
        "vanish": ("deferred", "vanished"),
        "fine": ("judged", ""),
    }
    assert "as ordered" in found["0-raise.txt"].trace
    staged = found["4-fine.txt"].staged
    assert staged is not None
    assert json.loads(staged.read_bytes())["order"] == "fine"


@separate
def test_what_kills_its_worker_costs_itself_and_no_other(
    make: Make, pipeline: Any, tmp_path: Path
) -> None:
    orders = ("exit", "segv", "once", "bomb", "fine")
    found = answers(make(pipeline.orders).results(iter(tasks(tmp_path, *orders))))
    assert said(found) == {
        "exit": ("errored", "worker_lost"),
        "segv": ("errored", "worker_lost"),
        "once": ("judged", ""),
        "bomb": ("errored", "memory"),
        "fine": ("judged", ""),
    }


@separate
def test_what_hangs_is_killed_and_those_behind_it_are_worked_on(
    make: Make, pipeline: Any, tmp_path: Path
) -> None:
    found = answers(make(pipeline.hanging).results(iter(tasks(tmp_path, *["hang"] * 3))))
    assert [worked.reason for worked in found.values()] == ["timeout"] * 3
    found = answers(make(pipeline.orders).results(iter(tasks(tmp_path, "fine"))))
    assert said(found) == {"fine": ("judged", "")}


def test_no_more_is_taken_ahead_than_is_bounded(
    kind: str, make: Make, pipeline: Any, tmp_path: Path
) -> None:
    taken = done = 0

    def counted() -> Iterator[Task]:
        nonlocal taken
        for task in tasks(tmp_path, *["fine"] * 60):
            taken += 1
            yield task

    for worked in make(pipeline.orders).results(counted()):
        done += worked is not None
        assert taken - done <= AHEAD[kind]
    assert done == 60


@separate
def test_the_runner_is_woken_while_an_item_takes_long(
    make: Make, pipeline: Any, tmp_path: Path
) -> None:
    waits = done = 0
    for worked in make(pipeline.orders).results(iter(tasks(tmp_path, "fine", "wait"))):
        done += worked is not None
        waits += worked is None and done == 1
        if waits == 3:
            (tmp_path / "go").touch()
    assert done == 2
    assert waits >= 3


def test_a_set_up_that_fails_stops_the_run_and_says_why(
    make: Make, pipeline: Any, tmp_path: Path
) -> None:
    with pytest.raises(pw.PipewardenError, match="the model file is missing"):
        list(make(pipeline.unready).results(iter(tasks(tmp_path, "fine"))))


def test_after_a_run_that_was_closed_early_the_next_one_works(
    make: Make, pipeline: Any, tmp_path: Path
) -> None:
    results = make(pipeline.orders).results(iter(tasks(tmp_path, "fine", "wait", "wait")))
    while next(results) is None:
        pass
    results.close()
    (tmp_path / "go").touch()
    found = answers(make(pipeline.orders).results(iter(tasks(tmp_path, "fine"))))
    assert said(found) == {"fine": ("judged", "")}


# ── records ──────────────────────────────────────────────────────────────────────────────────


def scanned(folder: Path, name: str = "in.jsonl", number: int = 50) -> RecordScan:
    rows = [{"id": f"r{n}", "numbers": [n, 1], "long": 1_500 * (n == 7)} for n in range(number)]
    lines = [json.dumps(row) for row in rows]
    lines[3] = "no record at all"
    data = "".join(line + "\n" for line in lines).encode()
    file = folder / name
    if name.endswith(".gz"):
        import gzip

        data = gzip.compress(data)
    file.write_bytes(data)
    return RecordSource(file, "id").scan()


def records(scan: RecordScan) -> list[Task]:
    places = sorted(scan.found, key=lambda key: scan.found[key])
    return [
        Task(
            key=key,
            path=scan.file,
            record=scan.record(key),
            problem=scan.problems.get(key),
            known_hash=scan.hashes[key],
        )
        for key in places
    ]


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
def test_records_become_lines_in_their_order(
    make: Make, pipeline: Any, tmp_path: Path, name: str
) -> None:
    """Also one that is too long for a message, and a line that is no record."""
    scan = scanned(tmp_path, name)
    order = Order()
    executor = make(pipeline.totals, lead=20, **placed(make, scan))
    results = order.restored(executor.results(order.of(records(scan))))
    found = answers(results)
    scan.close()
    assert list(found) == [f"r{n}" if n != 3 else "line 4" for n in range(50)]
    assert found.pop("line 4").reason == "not_json"
    for key, worked in found.items():
        assert json.loads(worked.line or b"")["sum"] == int(key[1:]) + 1
    assert len(found["r7"].line or b"") > 3_000
    assert not list(tmp_path.rglob("*.tmp"))


def placed(make: Make, scan: RecordScan) -> dict[str, Any]:
    """Return how Celery finds records; the others are handed them."""
    return {"place": lambda key: tuple(scan.found[key])}


@separate
def test_no_more_is_handed_out_than_the_lead(make: Make, pipeline: Any, tmp_path: Path) -> None:
    """While the first is not answered, only so many others are."""
    held = tasks(tmp_path, "wait", *["fine"] * 40)
    order: list[str] = []
    idle = 0
    for worked in make(pipeline.orders, lead=6).results(iter(held)):
        idle = idle + 1 if worked is None else 0
        order += [] if worked is None else [worked.key]
        if len(order) >= 3 and idle == 5:  # it stays there until the first is let go
            (tmp_path / "go").touch()
    assert len(order) == 41
    assert 3 <= order.index("0-wait.txt") <= 7
