"""What sinks cost a run, beside the same run without any, and how fast each is filled.

Every item is a small text, so that hand-over and commit are what takes time; of the rounds the
fastest counts, as the least disturbed one. PostgreSQL is measured where
``PIPEWARDEN_TEST_POSTGRES_URL``, or the usual local address, answers; Elasticsearch is not, for
want of a server: a stub's speed would say nothing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import Claim, Result, answered, main, scratch

if TYPE_CHECKING:
    from pipewarden.core.sinks import Delivery

POSTGRESQL = os.environ.get(
    "PIPEWARDEN_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test"
).replace("+psycopg", "")
SCHEMA = "pipewarden_benchmark"
ITEMS, QUICK_ITEMS = 1_000, 300
DOCUMENTS, QUICK_DOCUMENTS = 20_000, 4_000
#: How much longer a run may take because of its sinks.
WITH_LINES, WITH_ONE_DOWN = 1.5, 1.5


def measure(quick: bool) -> Result:
    """Return the figures."""
    result = Result("Sinks", ("what", "items/s", "against no sink"))
    cases = _cases()
    rounds, items = (1, QUICK_ITEMS) if quick else (5, ITEMS)
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, sinks in cases.items():
            told = answered(sys.executable, __file__, "--run", str(items), json.dumps(sinks))
            taken[name].append(float(told["seconds"]))
    for name, seconds in taken.items():
        times, rate = min(seconds) / min(taken["no sink"]), items / min(seconds)
        result.rows.append((f"a run of {items:,} items, {name}", f"{rate:,.0f}", f"{times:.2f} x"))
        limit = {"jsonl": WITH_LINES, "jsonl and one that is down": WITH_ONE_DOWN}.get(name)
        if limit is not None:
            asked = f"a run with {name} takes at most {limit} x as long as without"
            result.claims.append(Claim(asked, f"{times:.2f} x", times <= limit))
    documents = QUICK_DOCUMENTS if quick else DOCUMENTS
    for name, sinks in cases.items():
        if name in ("jsonl", "postgresql"):
            told = answered(sys.executable, __file__, "--fill", str(documents), json.dumps(sinks))
            for what in ("direct, 500 at a time", "into the spool", "out of the spool"):
                rate = documents / float(told[what])
                result.rows.append((f"{name}, {what}", f"{rate:,.0f}", ""))
    if "postgresql" not in cases:
        result.claims.append(Claim("postgresql", "no server answers", None))
    return result


def _cases() -> dict[str, dict[str, Any]]:
    lines = {"kind": "jsonl", "folder": "archive"}
    rows = {"kind": "postgresql", "url": POSTGRESQL, "schema": SCHEMA}
    down = {"kind": "postgresql", "url": "postgresql://nobody@127.0.0.1:9/nowhere"}
    cases: dict[str, dict[str, Any]] = {
        "no sink": {},
        "jsonl": {"lines": lines},
        "jsonl and one that is down": {"lines": lines, "down": down},
    }
    if _answers():
        cases |= {"postgresql": {"rows": rows}, "jsonl and postgresql": {"a": lines, "b": rows}}
    return cases


def _answers() -> bool:
    import psycopg

    try:
        psycopg.connect(POSTGRESQL, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


# ── in a process of its own ──────────────────────────────────────────────────────────────────────


def process(path: Path) -> dict[str, Any]:
    """Return a small document."""
    text = path.read_text()
    return {"text": text, "words": len(text.split())}


def _run(items: int, sinks: dict[str, Any]) -> dict[str, float]:
    """Run once over a folder of small texts; `seconds` is the whole run."""
    import pipewarden as pw
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.settings import Settings

    with scratch() as folder:
        (folder / "inbox").mkdir()
        for n in range(items):
            (folder / "inbox" / f"{n:05d}.txt").write_text(f"a note, the {n}th of many. " * 20)
        pipeline = pw.Pipeline(name="notes", process=process, pattern="*.txt")
        workspace = Workspace(Settings(home=folder, sinks=sinks))
        began = time.perf_counter()
        report = pw.run(pipeline, folder / "inbox", workspace=workspace, executor="inline")
        seconds = time.perf_counter() - began
        assert report.progress.published == items
        for name, counts in report.facts.get("sinks", {}).items():
            assert counts["spooled" if name == "down" else "delivered"] == items, (name, counts)
    _drop()
    return {"seconds": seconds}


def _fill(number: int, sinks: dict[str, Any]) -> dict[str, float]:
    """Send documents of a kilobyte to a sink directly, and by way of its spool."""
    from pipewarden.delivery.sinks.enabled import enabled
    from pipewarden.delivery.sinks.lane import Lane
    from pipewarden.settings import Settings

    told: dict[str, float] = {}
    with scratch() as folder:
        (sink,) = enabled(Settings(home=folder, sinks=sinks))
        lane = Lane(sink, folder / "spool", lambda: datetime.now(UTC))
        first, second = ([_document(n, v) for n in range(number)] for v in (1, 2))
        parts = [slice(at, at + 500) for at in range(0, number, 500)]

        def directly() -> None:
            for part in parts:
                lane.begin(first[part])
                lane.finish()
            assert lane.spool.is_empty()

        def into() -> None:
            for part in parts:
                lane.spool.append(second[part])

        def out_of() -> None:
            assert lane.catch_up()

        steps: dict[str, Callable[[], None]] = {
            "direct, 500 at a time": directly,
            "into the spool": into,
            "out of the spool": out_of,
        }
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            told[name] = time.perf_counter() - began
        lane.close()
    _drop()
    return told


def _document(number: int, version: int) -> Delivery:
    from pipewarden.core.canonical import digest
    from pipewarden.core.sinks import Delivery

    text = json.dumps({"text": f"a note, the {number}th, {version}. " * 40}).encode()
    at = datetime.now(UTC).isoformat()
    hashes = {"input_hash": f"sha256:{number}", "fingerprint": "1", "content_hash": digest(text)}
    return Delivery(pipeline="p", key=f"{number}", run_id="r", at=at, document=text, **hashes)


def _drop() -> None:
    if not _answers():
        return
    import psycopg
    from psycopg.sql import SQL, Identifier

    with psycopg.connect(POSTGRESQL, autocommit=True) as conn:
        conn.execute("SET client_min_messages = warning")
        conn.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(SCHEMA)))


if __name__ == "__main__":
    if sys.argv[1:2] in (["--run"], ["--fill"]):
        act = _run if sys.argv[1] == "--run" else _fill
        print(json.dumps(act(int(sys.argv[2]), json.loads(sys.argv[3]))))
    else:
        sys.exit(main(measure))
