"""Pipelines whose items do what they say: what every executor must cope with."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pipewarden as pw


def obey(path: Path) -> dict[str, Any]:  # noqa: C901 - a list of orders
    """Do what the file says."""
    order = path.read_text()
    if order == "hang":
        time.sleep(3600)
    if order == "wait":  # until it is let go
        while not (path.parent / "go").exists():
            time.sleep(0.01)
    if order == "exit":
        os._exit(3)
    if order == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order == "once":  # dies the first time only
        path.write_text("fine now")
        os._exit(1)
    if order == "bomb":
        return {"size": len(bytearray(2_000_000_000))}
    if order == "raise":
        raise ValueError("as ordered")
    if order == "bad":
        raise pw.BadInput("as_ordered", "no retry will mend this")
    if order.startswith("edit"):  # each time: its worker may be replaced when it has begun
        path.write_text(order + ", edited")
    if order == "vanish":
        path.unlink()
    return {"order": order, "pid": os.getpid()}


def fail_to_load() -> None:
    """Fail as a missing model does."""
    raise RuntimeError("the model file is missing")


def total(record: dict[str, Any]) -> dict[str, Any]:
    """Sum a record's numbers; some results are long."""
    return {"sum": sum(record["numbers"]), "long": "é" * record.get("long", 0)}


orders = pw.Pipeline(name="orders", process=obey, timeout=3600.0, memory_limit=300_000_000)
#: For items that hang, and no others: on a slow machine any other could be late, too.
hanging = pw.Pipeline(name="hanging", process=obey, timeout=0.5)
unready = pw.Pipeline(name="unready", process=obey, setup=fail_to_load)
totals = pw.Pipeline(name="totals", process=total, records="id", lines="totals.jsonl")
