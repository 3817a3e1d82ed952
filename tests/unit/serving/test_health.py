"""What the service tells of its models: nothing that is wrong with them is silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipewarden.app.api.watch import inside
from pipewarden.models.serving.desk import Desk
from pipewarden.models.serving.live import OLD, LiveStanding, Unopened
from pipewarden.models.serving.log import LogStanding

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def told(live: dict[str, Any], log: dict[str, Any]) -> tuple[str, str]:
    standing = LiveStanding(**{"models": 2, "looked_at": NOW, "failure": "", **live})
    held = {"waiting": 0, "stored": 5, "spilled": 0, "spilled_bytes": 0, "lost": 0, "failure": ""}
    logged = LogStanding(**{**held, **log})
    desk = SimpleNamespace(
        live=SimpleNamespace(environment="production", standing=lambda: standing),
        log=SimpleNamespace(standing=lambda: logged),
    )
    state, said, _ = inside.models(cast("Desk", desk), NOW)
    return state, said


def test_models_that_answer_are_well():
    assert told({}, {}) == ("ok", "2 of production answer")


@pytest.mark.parametrize(
    ("live", "log", "word"),
    [
        ({"failure": "it does not answer"}, {}, "deployments cannot be read"),
        ({"looked_at": NOW - timedelta(seconds=OLD + 1)}, {}, "last read at"),
        ({"unopened": {"m": Unopened(3, "it is broken", NOW)}}, {}, "m: version 3"),
        ({}, {"failure": "no database"}, "wait on disk: no database"),
        ({}, {"spilled_bytes": 9}, "wait on disk"),
    ],
)
def test_what_is_wrong_is_told_and_the_models_answer_on(live, log, word):
    state, said = told(live, log)
    assert state == "degraded"
    assert word in said
