"""What health says of what lies outside: event targets, sinks, and whatever does not answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipewarden.app.api.views import ProbeView
from pipewarden.app.api.watch import inside, probing
from pipewarden.app.api.watch.probing import Probes, worst
from pipewarden.app.api.work.pool import Pool
from pipewarden.core.canonical import digest
from pipewarden.core.outages.breaker import Breaker
from pipewarden.core.sinks import Delivery
from pipewarden.delivery.events.enabled import enabled
from pipewarden.delivery.events.relay import relay_once
from pipewarden.delivery.sinks.enabled import spools_of
from pipewarden.delivery.sinks.spool import Spool
from pipewarden.delivery.sinks.standing import Standing, write_standing
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state import outbox

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Told = Callable[[str], ProbeView]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    settings = Settings(
        home=tmp_path,
        researcher="ada",
        events={"targets": {"next": {"kind": "file", "path": "events.jsonl"}}},
        sinks={"lines": {"kind": "jsonl", "folder": "lines"}},
    )
    held = Workspace(settings, lambda: NOW)
    yield held
    held.database.close()


@pytest.fixture
def failures() -> dict[str, str]:
    return {}


def asked(workspace: Workspace, failures: dict[str, str], **options: Any) -> list[ProbeView]:
    idle = {"ready": 0, "waiting": 0, "lost": 0, "resting": False, "loaded": lambda: ({}, {})}
    pool = cast(Pool, SimpleNamespace(**idle))

    async def ask() -> list[ProbeView]:
        probes = Probes(workspace, pool, failures, {}, **options)
        try:
            return await probes.ask()
        finally:
            await probes.close()

    return asyncio.run(ask())


@pytest.fixture
def told(workspace: Workspace, failures: dict[str, str]) -> Told:
    """Return what says how one thing is."""

    def ask(name: str) -> ProbeView:
        (found,) = (probe for probe in asked(workspace, failures) if probe.name == name)
        return found

    return ask


def happened(workspace: Workspace, seconds_ago: float) -> None:
    event = outbox.OutboxEvent(
        type="io.pipewarden.job.queued",
        subject="a",
        data={},
        at=NOW - timedelta(seconds=seconds_ago),
        id=f"{seconds_ago}",
    )
    with workspace.database.write() as conn:
        outbox.append(conn, [event])


def test_a_target_that_has_every_event_needs_no_relay_at_the_moment(workspace, told):
    assert told("events.next").state == "ok"
    happened(workspace, 3600)
    targets = enabled(workspace.settings)
    relay_once(workspace.database, targets, workspace.clock)
    assert (told("events.next").state, told("events.next").said) == ("ok", "it answers")
    assert told("events.next").facts["breaker"] == "closed"


@pytest.mark.parametrize(("seconds_ago", "state"), [(1, "ok"), (60, "degraded")])
def test_an_event_that_nobody_comes_for_is_told_after_a_while(workspace, told, seconds_ago, state):
    happened(workspace, seconds_ago)
    held = told("events.next")
    assert held.state == state
    assert ("no relay works for it" in held.said) is (state == "degraded")


def test_a_target_that_does_not_answer_is_down_and_says_why(workspace, told):
    (workspace.settings.home / "events.jsonl").mkdir()
    place = workspace.settings.home / "events.jsonl"
    assert told("events.next").state == "ok"  # asked only whether it may be written to
    place.rmdir()
    held = dict(workspace.settings.events.targets["next"])
    target = {"next": {**held, "kind": "redis_streams", "url": "redis://127.0.0.1:1"}}
    del target["next"]["path"]
    events = workspace.settings.events.model_copy(update={"targets": target})
    other = Workspace(workspace.settings.model_copy(update={"events": events}), lambda: NOW)
    (view,) = (probe for probe in asked(other, {}) if probe.name == "events.next")
    other.database.close()
    assert (view.state, view.said.startswith("Redis: ")) == ("down", True)
    assert worst([view]) == "degraded"


def delivery(number: int, seconds_ago: float = 60) -> Delivery:
    document = b'{"words":1}'
    return Delivery(
        pipeline="words",
        key=f"d{number}",
        input_hash="sha256:1",
        fingerprint="1",
        run_id="r",
        at=(NOW - timedelta(seconds=seconds_ago)).isoformat(),
        document=document,
        content_hash=digest(document),
    )


def test_a_sink_tells_what_waits_for_it_and_how_its_breaker_stands(workspace, told):
    assert (told("sinks.lines").state, told("sinks.lines").said) == ("ok", "it answers")
    folder = spools_of(workspace.settings) / "lines"
    Spool(folder, 1_000_000).append([delivery(1), delivery(2)])
    assert told("sinks.lines").said == "it answers; 2 documents wait in its spool"
    retry_at = NOW + timedelta(seconds=30)
    write_standing(folder, Standing(Breaker(5, retry_at), "token=hidden", NOW.isoformat()))
    held = told("sinks.lines")
    assert held.state == "degraded"
    assert (held.facts["breaker"], held.facts["retry_at"]) == ("open", retry_at.isoformat())
    assert (held.facts["spooled"], "hidden" in str(held.facts)) == (2, False)


def test_a_sink_that_does_not_answer_is_down(workspace, told):
    (workspace.settings.home / "lines").write_text("no folder")
    assert told("sinks.lines").state == "down"


@pytest.mark.parametrize(("work", "name"), [("relay", "events.next"), ("sinks", "sinks.lines")])
def test_work_behind_the_service_that_fails_is_told_of(failures, told, work, name):
    failures[work] = "it went boom"
    assert (told(name).state, "it went boom" in told(name).said) == ("degraded", True)


def test_what_does_not_answer_is_tried_once_at_a_time_and_keeps_nobody(
    workspace, failures, monkeypatch
):
    go, tries = threading.Event(), []

    def hangs(_: Workspace) -> inside.Told:
        tries.append("tried")
        go.wait()
        return "ok", "it answers", {}

    monkeypatch.setattr(inside, "database", hangs)
    monkeypatch.setattr(probing, "PATIENCE", 0.01)
    pool = cast(Pool, SimpleNamespace(ready=0, resting=True, waiting=0, lost=0,
                                      loaded=lambda: ({}, {})))  # fmt: skip

    async def ask() -> list[str]:
        probes = Probes(workspace, pool, failures, {})
        answers = [await probes.database_answers() for _ in range(3)]
        go.set()
        while not await probes.database_answers():
            await asyncio.sleep(0)
        await probes.close()
        return [str(answer) for answer in answers]

    assert asyncio.run(ask()) == ["False"] * 3
    assert len(tries) <= 3  # once for the three that it hung, and once or twice for the end


def test_what_lies_outside_is_not_asked_at_every_look(workspace, failures):
    async def ask() -> tuple[list[ProbeView], list[ProbeView]]:
        idle = {"ready": 0, "waiting": 0, "lost": 0, "resting": True, "loaded": lambda: ({}, {})}
        probes = Probes(workspace, cast(Pool, SimpleNamespace(**idle)), failures, {}, trusted=3600)
        first, second = await probes.ask(), await probes.ask()
        await probes.close()
        return first, second

    first, second = asyncio.run(ask())
    assert [probe.name for probe in first] == [
        "database", "documents", "runners", "events.next", "sinks.lines",
    ]  # fmt: skip
    assert [a is b for a, b in zip(first, second, strict=True)] == [False] * 3 + [True] * 2


def test_what_takes_long_to_ask_is_told_as_it_was_while_it_is_asked_again(
    workspace, failures, monkeypatch
):
    asked: list[str] = []

    class Slow:
        name, tried, told = "workers", "a question", 3600.0

        def look(self) -> inside.Told:
            asked.append("asked")
            return "ok", f"answer {len(asked)}", {}

        def close(self) -> None:
            """Nothing is open."""

    monkeypatch.setattr(probing.outside, "looks", lambda *_: [Slow()])

    async def ask() -> list[str]:
        idle = {"ready": 0, "waiting": 0, "lost": 0, "resting": True, "loaded": lambda: ({}, {})}
        probes = Probes(workspace, cast(Pool, SimpleNamespace(**idle)), failures, {}, trusted=0)
        told = [(await probes.ask())[-1].said for _ in range(2)]
        while told[-1] == "answer 1":
            told.append((await probes.ask())[-1].said)
        await probes.close()
        return told

    told = asyncio.run(ask())
    assert told[:2] == ["answer 1", "answer 1"]
    assert told[-1] != "answer 1"


def test_broker_and_workers_are_asked_where_celery_is_set(workspace, failures, monkeypatch):
    from pipewarden.app.api.watch.outside import uses_celery

    monkeypatch.setattr(probing, "PATIENCE", 60.0)
    assert not uses_celery(workspace.settings)
    assert uses_celery(Settings(executor="celery"))
    celery = Settings(celery={"broker_url": "redis://:hidden@127.0.0.1:1/0"}).celery
    settings = workspace.settings.model_copy(update={"celery": celery})
    other = Workspace(settings, lambda: NOW)
    held = {probe.name: probe for probe in asked(other, failures)}
    other.database.close()
    assert (held["broker"].state, held["workers"].state) == ("down", "down")
    assert "the broker does not answer" in held["broker"].said
    assert "hidden" not in str(held)
