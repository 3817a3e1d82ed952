"""The log of predictions, the same on both databases."""

from __future__ import annotations

import pytest

from pipewarden.errors import UnknownName
from pipewarden.store.state.models import predictions
from pipewarden.store.state.models.predictions import Prediction


def asked(number: int, at, **also) -> Prediction:
    held = {"model": "m", "version": 1, "answer": {"score": number / 4}, **also}
    return Prediction(
        id=f"{number:08d}",
        at=at,
        environment="production",
        role="champion",
        entity="c\x007",
        inputs={"age": number, "name": "\ud800"},
        request_id="r",
        **held,
    )


def test_an_answer_is_written_once_however_often_it_is_offered(database, later):
    rows = [asked(number, later(number)) for number in range(5)]
    with database.write() as conn:
        predictions.append(conn, rows[:3])
    with database.write() as conn:
        predictions.append(conn, [asked(1, later(99), version=9), *rows])
        predictions.append(conn, [])
    with database.read() as conn:
        assert predictions.count(conn, "m") == predictions.count(conn, "m", 1) == 5
        kept = predictions.get(conn, "00000001")
        assert (kept.at, kept.version, kept.answer) == (later(1), 1, {"score": 0.25})
        assert (kept.entity, kept.inputs["name"]) == ("c\\x007", "\ud800")
        newest = predictions.latest(conn, "m", 1, 2)
        assert [one.id for one in newest] == ["00000004", "00000003"]
        with pytest.raises(UnknownName):
            predictions.get(conn, "none")
