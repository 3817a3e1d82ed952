"""What a row must be to be answered, and that nothing passes for an answer that is none."""

from __future__ import annotations

import math
import uuid
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.models.serving import answering
from pipewarden.models.serving.answering import MODEL_FAILED, Refusal, Served
from pipewarden.models.serving.ids import PredictionIds
from pipewarden.models.serving.signature import Checked, Input, Signature

SIGNATURE = Signature(
    [
        Input(name="age", type="integer", minimum=18, maximum=100),
        Input(name="income", type="number", required=False),
        Input(name="grade", type="category", required=False),
        Input(name="member", type="boolean", required=False),
    ]
)


class Echo:
    def predict(self, rows):
        if any(row["age"] == 20 for row in rows):
            raise pw.BadInput("unlucky", "twenty is not answered")
        if any(row["age"] == 21 for row in rows):
            raise ValueError("a fault")
        if any(row["age"] == 22 for row in rows):
            return []
        return [{"score": math.nan if row["age"] == 23 else float(row["age"]), "flags": ["mine"]}
                for row in rows]  # fmt: skip

    def forecast(self, horizon, level):
        if horizon == 1:
            raise pw.BadInput("too_near", "one step is not answered")
        if horizon == 2:
            return [{"step": 1, "y_hat": level}]
        return [{"step": n, "y_hat": math.inf if horizon == 3 else level} for n in range(horizon)]


def only(row: dict[str, Any]) -> Checked:
    (checked,) = SIGNATURE.checked([row])
    return checked


def served(signature: Signature = SIGNATURE) -> Served:
    return Served(
        model="m",
        version=3,
        environment="production",
        deployment=1,
        family="f",
        opened=Echo(),
        signature=signature,
    )


def test_features_are_named_and_their_order_means_nothing():
    checked = only({"member": True, "grade": "A", "income": 1, "age": 30})
    assert list(checked.row) == ["age", "income", "grade", "member"]
    assert (checked.flags, checked.faults) == ((), ())


@pytest.mark.parametrize(
    ("row", "at", "message"),
    [
        ({}, "age", "it is missing"),
        ({"age": None}, "age", "it is missing"),
        ({"age": math.nan}, "age", "it is missing"),
        ({"age": 30, "Age": 31}, "Age", "the model knows no such feature"),
        ({"age": "30"}, "age", "it is a text, not a whole number"),
        ({"age": True}, "age", "it is true or false, not a whole number"),
        ({"age": 30.5}, "age", "it is a number, not a whole number"),
        ({"age": math.inf}, "age", "it is not finite"),
        ({"age": 30, "income": -math.inf}, "income", "it is not finite"),
        ({"age": 30, "income": [1]}, "income", "it is a list, not a number"),
        ({"age": 30, "income": {}}, "income", "it is an object, not a number"),
        ({"age": 30, "grade": 1}, "grade", "it is a number, not a text"),
        ({"age": 30, "member": 1}, "member", "it is a number, not true or false"),
    ],
)
def test_what_cannot_be_a_feature_is_a_fault_of_the_row(row, at, message):
    assert only(row).faults == ((at, message),)


def test_every_fault_of_a_row_is_named():
    faults = only({"income": "much", "x": 1}).faults
    assert [fault.at for fault in faults] == ["age", "income", "x"]


@pytest.mark.parametrize(
    ("age", "flagged"), [(18, False), (17, True), (100, False), (10**400, True)]
)
def test_what_is_out_of_range_is_flagged(age, flagged):
    checked = only({"age": age})
    assert (checked.flags, checked.faults) == (("out_of_range:age",) if flagged else (), ())


CELLS = st.sampled_from(
    [None, math.nan, math.inf, 18, 17, 100, 101, 30.0, 30.5, True, "30", [1], 10**400, 1e308]
)


ROWS = st.fixed_dictionaries({}, optional={"age": CELLS, "income": CELLS, "x": CELLS})


@given(st.lists(ROWS, min_size=6, max_size=20))
def test_rows_are_judged_together_as_each_alone(rows):
    assert SIGNATURE.checked(rows) == [only(row) for row in rows]


def test_a_model_that_states_no_features_decides_alone():
    assert Signature.of({}).checked([{"x": "anything"}]) == [({"x": "anything"}, (), ())]


@given(st.lists(st.integers(18, 40), max_size=30))
def test_every_row_has_its_own_answer_in_its_own_place(ages):
    answers = answering.predict(served(), [{"age": age} for age in ages if age not in (21, 22)])
    for age, told in zip((age for age in ages if age not in (21, 22)), answers, strict=True):
        if age == 20:
            assert told.refusal is not None
            assert told.refusal.reason == "unlucky"
        elif age == 23:
            assert told.refusal is not None
            assert told.refusal.reason == MODEL_FAILED
        else:
            assert told.answer == {"score": float(age)}
            assert told.flags == ("mine",)


@pytest.mark.parametrize("age", [21, 22, 23])
def test_a_model_that_fails_gives_no_answer(age):
    (told,) = answering.predict(served(), [{"age": age}])
    assert told.refusal is not None
    assert told.refusal.reason == MODEL_FAILED
    assert "m@3" in str(told.refusal)
    assert told.answer == {}


@pytest.mark.parametrize(
    ("horizon", "reason"), [(1, "too_near"), (2, MODEL_FAILED), (3, MODEL_FAILED)]
)
def test_a_forecast_is_whole_and_finite_or_refused(horizon, reason):
    told = answering.forecast(served(), horizon, 95.0)
    assert isinstance(told, Refusal)
    assert told.reason == reason
    whole = answering.forecast(served(), 5, 80.0)
    assert isinstance(whole, list)
    assert [step["y_hat"] for step in whole] == [80.0] * 5


def test_ids_are_uuids_of_version_7_that_tell_the_time():
    ids = PredictionIds(lambda: 0x017F22E279B0, Random(1).getrandbits)  # RFC 9562, appendix A.6
    made = uuid.UUID(ids.take(1)[0])
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == 0x017F22E279B0


@given(st.lists(st.integers(0, 2**47), min_size=1, max_size=50), st.integers(1, 5))
def test_ids_only_grow_whatever_the_clock_does(times, each):
    clock = iter(times)
    ids = PredictionIds(lambda: next(clock), Random(7).getrandbits)
    made = [one for _ in times for one in ids.take(each)]
    assert all(before < after for before, after in pairwise(made))


def test_ids_of_one_millisecond_do_not_run_out():
    ids = PredictionIds(lambda: 5, lambda bits: (1 << bits) - 1)
    ids._tail, ids._at = (1 << 74) - 2, 5
    made = ids.take(3)
    assert made == sorted(set(made))
