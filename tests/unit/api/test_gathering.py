"""Single rows of requests that come together: asked for at once, answered each to its own."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from pipewarden.app.api.work.gathering import AT_ONCE, Gathering
from pipewarden.errors import StorageUnavailable
from pipewarden.models.serving.answering import Answer, Refusal
from pipewarden.models.serving.desk import Answered


class Desk:
    """Answers a row with its double, and refuses those that are negative."""

    def __init__(self, seconds=0.0, failure=None):
        self.calls, self.threads = [], []
        self._seconds, self._failure = seconds, failure

    def seconds(self, served, rows):
        return self._seconds * rows

    def predict(self, served, rows, entities, *, request_ids):
        self.calls.append((served.name, [row["x"] for row in rows], entities, request_ids))
        if self._failure is not None:
            raise self._failure
        answers = [
            Answer(row, {"y": 2 * row["x"]})
            if row["x"] >= 0
            else Answer(row, {}, (), Refusal("negative", ()))
            for row in rows
        ]
        ids = ["" if one.refusal else f"id-{one.row['x']}" for one in answers]
        by = [f"by-{one.row['x']}" for one in answers] if served.name == "shared" else ()
        return Answered(served, answers, ids, 7, by)


def served(name="risk"):
    return SimpleNamespace(name=name)


async def asked(gathering, model, *numbers):
    return await asyncio.gather(
        *(gathering.predict(model, {"x": x}, f"of {x}", f"request {x}") for x in numbers)
    )


@pytest.mark.parametrize("seconds", [0.0, 2 * AT_ONCE], ids=["at once", "in a thread"])
def test_what_comes_together_is_asked_together_and_told_apart(seconds):
    desk = Desk(seconds)
    told = asyncio.run(asked(Gathering(desk), served(), 3, -1, 4))
    assert desk.calls == [
        ("risk", [3, -1, 4], ["of 3", "of -1", "of 4"], ["request 3", "request -1", "request 4"])
    ]
    assert [one.answers[0].answer for one in told] == [{"y": 6}, {}, {"y": 8}]
    assert [one.ids for one in told] == [["id-3"], [""], ["id-4"]]
    assert told[1].answers[0].refusal.reason == "negative"
    assert {one.number for one in told} == {7}


def test_who_made_an_answer_stays_with_it():
    told = asyncio.run(asked(Gathering(Desk()), served("shared"), 1, 2))
    assert [one.by for one in told] == [["by-1"], ["by-2"]]


def test_versions_are_not_mixed():
    desk, gathering = Desk(), None

    async def both():
        nonlocal gathering
        gathering = Gathering(desk)
        before, after = served("before"), served("after")
        return await asyncio.gather(asked(gathering, before, 1), asked(gathering, after, 2))

    asyncio.run(both())
    assert [(name, rows) for name, rows, _, _ in desk.calls] == [("before", [1]), ("after", [2])]


def test_what_cannot_be_logged_is_told_to_each():
    desk = Desk(failure=StorageUnavailable("the disk is full"))

    async def each():
        one = Gathering(desk)
        return await asyncio.gather(
            *(one.predict(served(), {"x": x}, "", "") for x in (1, 2)), return_exceptions=True
        )

    told = asyncio.run(each())
    assert [type(one) for one in told] == [StorageUnavailable] * 2


def test_a_request_that_has_gone_costs_the_others_nothing():
    async def one_goes():
        gathering, model = Gathering(Desk()), served()
        going = asyncio.ensure_future(gathering.predict(model, {"x": 1}, "", ""))
        staying = asyncio.ensure_future(gathering.predict(model, {"x": 2}, "", ""))
        await asyncio.sleep(0)
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        return await staying

    assert asyncio.run(one_goes()).answers[0].answer == {"y": 4}
