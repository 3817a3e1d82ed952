"""Every type of event that the code can make is documented, and each is a CloudEvent."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))  # tiny_models

from cloudevents_schema import SCHEMA

import pipewarden as pw
from pipewarden.core.items import ItemResult, Outcome
from pipewarden.core.jobs import Job, JobStatus
from pipewarden.delivery.events.cloud import cloud_event, json_of
from pipewarden.jobs.workspace import Workspace
from pipewarden.models import deploying, rolling_back
from pipewarden.settings import Settings
from pipewarden.store.state import items, jobs, outbox
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import versions
from pipewarden.store.state.outbox import OutboxEvent
from tiny_models import House

REPOSITORY = Path(__file__).parents[3]
SOURCES = REPOSITORY / "src/pipewarden"
PAGE = REPOSITORY / "docs/reference/events.md"
START = datetime(2026, 3, 1, tzinfo=UTC)


def made() -> dict[str, str]:
    """Return the type of every event that the code makes, as a pattern, by where it is made."""
    found = {}
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) != "OutboxEvent":
                continue
            (kind,) = [word.value for word in node.keywords if word.arg == "type"]
            where = f"{path.relative_to(SOURCES)}:{node.lineno}"
            if isinstance(kind, ast.Constant):
                found[where] = re.escape(str(kind.value))
            elif isinstance(kind, ast.JoinedStr):
                parts = [
                    re.escape(str(one.value)) if isinstance(one, ast.Constant) else r"[a-z_]+"
                    for one in kind.values
                ]
                found[where] = "".join(parts)
            else:  # a row of the outbox that is read back
                assert path.name == "outbox.py", where
    return found


def documented() -> set[str]:
    """Return every type that the page names; ``.paused`` follows the type before it."""
    found, base = set(), ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("| `io.pipewarden."):
            continue
        for name in re.findall(r"`(io\.[a-z_.]+|\.[a-z_]+)`", line.split("|")[1]):
            full = name if name.startswith("io.") else f"{base}{name}"
            base = full.rpartition(".")[0]
            found.add(full)
    return found


def test_what_the_code_makes_and_what_the_page_names_are_the_same() -> None:
    patterns, names = made(), documented()
    assert len(patterns) >= 5
    for where, pattern in patterns.items():
        assert any(re.fullmatch(pattern, name) for name in names), (where, pattern)
    for name in names:
        assert any(re.fullmatch(pattern, name) for pattern in patterns.values()), name


@pytest.mark.parametrize("kind", sorted(documented()))
def test_an_event_of_each_type_is_a_cloud_event(kind: str) -> None:
    row = OutboxEvent(type=kind, subject="a subject", data={"n": 1}, at=START, id=f"1/{kind}")
    event = json.loads(json_of(cloud_event(row)))
    jsonschema.validate(event, SCHEMA)
    assert (event["type"], event["data"]) == (kind, {"n": 1})


def told(database: Database) -> Iterator[str]:
    """Yield the types in an outbox, each event of it valid."""
    with database.read() as conn:
        for _, row in outbox.page(conn, limit=10_000):
            jsonschema.validate(json.loads(json_of(cloud_event(row))), SCHEMA)
            yield row.type


def of(chapter: str) -> set[str]:
    return {name for name in documented() if name.startswith(f"io.pipewarden.{chapter}.")}


def test_every_event_of_a_job_as_it_is_really_made_is_a_cloud_event(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
    ends = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
    for number, end in enumerate(ends):
        job_id = f"run-{number}"
        job = Job(id=job_id, pipeline="p", source="in", created_at=START, created_by="ada")
        result = ItemResult(key="a", outcome=Outcome.PUBLISHED)
        with database.write() as conn:
            jobs.insert(conn, job)
            jobs.claim(conn, job_id, owner="h:1:1", at=START, ttl_seconds=30)
            jobs.transition(conn, job_id, JobStatus.PAUSED, actor="ada", at=START)
            jobs.claim(conn, job_id, owner="h:1:1", at=START, ttl_seconds=30)
            items.put(conn, job_id, {"a": (result, START.isoformat())})
            held = jobs.get(conn, job_id)
            assert held is not None
            jobs.tell_progress(conn, held, at=START + timedelta(seconds=1))
            jobs.transition(conn, job_id, end, actor="ada", at=START)
    assert set(told(database)) == of("job")
    database.close()


def test_every_event_of_an_item_as_it_is_really_made_is_a_cloud_event(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/naïve “name” %.txt").write_text("x")

    def fails(path: Path) -> dict[str, str]:
        raise pw.BadInput("no_good", "it is no good")

    place = Workspace(Settings(home=tmp_path))
    pipeline = pw.Pipeline(name="fails", process=fails)
    pw.run(pipeline, tmp_path / "in", workspace=place, executor="inline")
    assert set(told(place.database)) >= of("item")
    place.database.close()


def test_every_event_of_a_model_as_it_is_really_made_is_a_cloud_event(tmp_path: Path) -> None:
    house = House(tmp_path / "home", policies={"production": {"cooldown_days": 0}})
    made = [house.train("a", 0, spread) for spread in (9, 6)]
    for version in made:
        asked = str(version.version)
        deploying.deploy(house.context, "a", "production", asked, reason="it is better")
    made.append(house.train("a", 5, deployable=False))
    rolling_back.rollback(house.context, ["a"], "production", reason="it was not")
    with house.database.write() as conn:  # as a run tells what it trained
        outbox.append(conn, [versions.event_of(version) for version in made])
    assert set(told(house.database)) == of("model")
    house.close()
