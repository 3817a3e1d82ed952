"""Pipelines that workers find by name in these tests, and a count of what they worked on."""

from __future__ import annotations

import logging
from typing import Any

import pipewarden as pw


def add(record: dict[str, Any]) -> dict[str, Any]:
    """Sum the numbers of a record, and leave a mark that it was done."""
    with open(record["marks"], "a") as marks:  # noqa: PTH123 - one line
        marks.write(record["id"] + "\n")
    if "says" in record:
        logging.getLogger(__name__).warning("%s: %s", record["id"], record["says"])
    with pw.stage("add"):
        total = sum(record["numbers"])
    return {"sum": total, "long": "x" * record.get("long", 0)}


rows = pw.Pipeline(name="rows", process=add, records="id", lines="rows.jsonl")
