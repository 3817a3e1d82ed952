"""Results come in the order of their tasks, whatever the workers do, and few of them wait."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.engine.executors.ordering import Order
from pipewarden.engine.executors.processes import ProcessExecutor
from pipewarden.engine.records import record_hash
from pipewarden.engine.task import Task, Work, Worked
from pipewarden.engine.worker import Workshop

WORKERS = 3


def behave(record: dict[str, Any]) -> dict[str, Any]:
    """Do what the record says; ``marks`` is a folder in which an item can leave a sign."""
    marks = Path(record["marks"])
    order = record.get("do", "")
    (marks / record["id"]).touch()
    if order == "die once":
        with (marks / "died").open("a") as file:
            if file.tell() == 0:
                file.write("x")
                file.flush()
                os._exit(9)
    if order == "die":
        os._exit(9)
    if order == "hang":
        time.sleep(3600)
    if order.startswith("after "):  # not before other items have begun
        while not all((marks / key).exists() for key in order.removeprefix("after ").split()):
            os.sched_yield()
    return {"id": record["id"]}


def tasks(marks: Path, orders: dict[str, str]) -> list[Task]:
    made = []
    for key, order in orders.items():
        record = {"id": key, "do": order, "marks": str(marks)}
        line = orjson.dumps(record)
        made.append(Task(key, marks, known_hash=record_hash(record), record=line))
    return made


def executor(
    marks: Path, lead: int, clock: Callable[[], float] = time.monotonic, **options: Any
) -> ProcessExecutor:
    pipeline = pw.Pipeline(name="p", process=behave, records="id", lines="out.jsonl", **options)
    return ProcessExecutor(Workshop(pipeline, marks, sleep=lambda _: None), WORKERS, lead, clock)


def restored(made: ProcessExecutor, given_tasks: Iterator[Task], held: list[int]) -> list[Worked]:
    """Return all results in order, noting how many waited at each moment."""
    order, found = Order(), []
    with closing(made.results(order.of(given_tasks))) as results:
        for worked in order.restored(results):
            held.append(len(order._early))
            if worked is not None:
                found.append(worked)
    return found


def test_quick_items_wait_for_a_slow_one_before_them(tmp_path):
    keys = [f"{n:02d}" for n in range(40)]
    orders = dict.fromkeys(keys, "") | {"03": "after 20 21", "10": "after 35"}
    held: list[int] = []
    found = restored(executor(tmp_path, 1000), iter(tasks(tmp_path, orders)), held)
    assert [worked.key for worked in found] == keys
    assert {worked.work for worked in found} == {Work.JUDGED}
    assert max(held) >= 10  # the order of completion was another


@pytest.mark.parametrize("doomed", ["00", "07", "39"])
def test_an_item_that_kills_its_worker_keeps_its_place(tmp_path, doomed):
    keys = [f"{n:02d}" for n in range(40)]
    orders = dict.fromkeys(keys, "") | {doomed: "die"}
    found = restored(executor(tmp_path, 1000), iter(tasks(tmp_path, orders)), [])
    assert [worked.key for worked in found] == keys
    assert {w.key: w.reason for w in found if w.work is Work.ERRORED} == {doomed: "worker_lost"}


def test_an_item_that_hangs_keeps_its_place(tmp_path):
    """The clock leaps once all is done but it, and the one that waits behind it."""
    keys = [f"{n:02d}" for n in range(30)]
    orders = dict.fromkeys(keys, "") | {"02": "hang"}
    held: list[int] = []

    def clock() -> float:
        return 0.0 if max(held, default=0) < 30 - 2 - 2 else 3600.0

    made = executor(tmp_path, 1000, clock, timeout=60.0)
    found = restored(made, iter(tasks(tmp_path, orders)), held)
    assert [worked.key for worked in found] == keys
    assert {w.key: w.reason for w in found if w.work is Work.ERRORED} == {"02": "timeout"}


@pytest.mark.parametrize("bad", [{"002": "die"}, {"002": "die once"}, {"000": "die", "001": "die"}])
def test_however_many_items_follow_one_that_is_tried_again_few_results_wait(tmp_path, bad):
    """What lost its worker, or was handed to it and not begun, is not left to the very end."""
    lead = 20
    keys = [f"{n:03d}" for n in range(400)]
    held: list[int] = []
    found = restored(
        executor(tmp_path, lead), iter(tasks(tmp_path, dict.fromkeys(keys, "") | bad)), held
    )
    assert [worked.key for worked in found] == keys
    assert max(held) <= lead


def test_no_more_tasks_are_taken_than_the_lead_allows(tmp_path):
    keys = [f"{n:02d}" for n in range(60)]
    orders = dict.fromkeys(keys, "") | {"05": "after go"}
    taken: list[str] = []

    def counted() -> Iterator[Task]:
        for task in tasks(tmp_path, orders):
            taken.append(task.key)
            yield task

    order, found, stood = Order(), [], 0
    with closing(executor(tmp_path, 16).results(order.of(counted()))) as results:
        for worked in order.restored(results):
            if worked is None and len(found) == 5 and len(taken) >= 5 + 16:
                stood += 1
                if stood == 5:  # it stays there until the slow item is let go
                    (tmp_path / "go").touch()
            found += [] if worked is None else [worked.key]
            assert len(taken) - len(found) <= 16 + 1
    assert found == keys
    assert stood >= 5


@given(st.permutations(range(12)), st.integers(1, 12), st.randoms(use_true_random=False))
def test_any_order_of_completion_is_undone(permutation, ahead, rng: random.Random):
    """Tasks are handed out up to so many ahead, and answered in whatever order."""
    order = Order()
    handed = order.of(Task(str(n), Path()) for n in range(12))

    def results() -> Iterator[Worked | None]:
        waiting: list[int] = []
        for _ in range(12):
            while len(waiting) < ahead and (task := next(handed, None)) is not None:
                waiting.append(int(task.key))
            if rng.random() < 0.2:
                yield None
            first = min(waiting, key=permutation.index)
            waiting.remove(first)
            yield Worked(key=str(first), work=Work.JUDGED)

    found = [worked.key for worked in order.restored(results()) if worked is not None]
    assert found == [str(n) for n in range(12)]
