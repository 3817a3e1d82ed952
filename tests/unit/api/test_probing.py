"""What health says of event targets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipewarden.app.api import probing
from pipewarden.app.api.service import Service
from pipewarden.delivery.events.enabled import enabled
from pipewarden.delivery.events.relay import relay_once
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state import outbox

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    targets = {"targets": {"next": {"kind": "file", "path": "events.jsonl"}}}
    return Workspace(Settings(home=tmp_path, researcher="ada", events=targets), lambda: NOW)


@pytest.fixture
def told(workspace: Workspace) -> Callable[[], tuple[str, str]]:
    """Return what says how the event targets are."""
    pool = SimpleNamespace(ready=0, resting=False, waiting=0, lost=0, loaded=lambda: ({}, {}))
    held = {"workspace": workspace, "settings": workspace.settings, "pool": pool}
    service = cast(Service, SimpleNamespace(**held, background=SimpleNamespace(failures={})))

    def ask() -> tuple[str, str]:
        probes: list[Any] = asyncio.run(probing.probe(service))
        (events,) = (probe for probe in probes if probe.name == "events")
        return events.state, events.said

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
    assert told() == ("ok", "all get their events")
    happened(workspace, 3600)
    relay_once(workspace.database, enabled(workspace.settings), workspace.clock)
    assert told() == ("ok", "all get their events")


@pytest.mark.parametrize(("seconds_ago", "state"), [(1, "ok"), (60, "degraded")])
def test_an_event_that_nobody_comes_for_is_told_after_a_while(workspace, told, seconds_ago, state):
    happened(workspace, seconds_ago)
    assert told()[0] == state
    assert ("no relay works for next" in told()[1]) is (state == "degraded")
