"""The pipeline that the Celery tests run: records in, lines out, a little work for each."""

from __future__ import annotations

import logging
import os
import signal
import time
from typing import Any

import pipewarden as pw


def add(record: dict[str, Any]) -> dict[str, Any]:
    """Sum the numbers of a record; one that says so takes the worker down with it."""
    if marks := os.environ.get("SUMS_MARKS"):
        with open(marks, "a") as file:  # noqa: PTH123 - one line, appended at once
            file.write(record["id"] + "\n")
    if record.get("says"):
        logging.getLogger(__name__).warning("%s: %s", record["id"], record["says"])
    time.sleep(record.get("seconds", 0.0))
    if record.get("kills"):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return {"id": record["id"], "sum": sum(record["numbers"])}


sums = pw.Pipeline(name="sums", process=add, records="id", lines="sums.jsonl")
