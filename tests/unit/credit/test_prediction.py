"""A row is answered for what it says, or refused: never scored silently wrong."""

from __future__ import annotations

import copy
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.pipelines.credit.model import CreditModel, baseline_rows, open_model

Row = dict[str, Any]


@pytest.fixture(scope="module")
def model(document: dict[str, Any]) -> CreditModel:
    return open_model(document)


def test_the_order_of_features_means_nothing(model: CreditModel, row: Row) -> None:
    backwards = dict(reversed(row.items()))
    assert model.predict([backwards]) == model.predict([row])


def test_a_plain_row_is_answered_without_flags(model: CreditModel, row: Row) -> None:
    (answer,) = model.predict([row])
    assert 0 < answer["probability"] < 1
    assert answer["prediction"] == int(answer["probability"] >= model.threshold)
    assert answer["flags"] == []


def test_no_rows_give_no_answers(model: CreditModel) -> None:
    assert model.predict([]) == []
    assert model.explain([]) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"shoe_size": 43}, "unknown_feature"),
        ({"Age": 43}, "unknown_feature"),
        ({"age": None}, "missing_feature"),
        ({"age": math.nan}, "missing_feature"),
        ({"age": math.inf}, "not_finite"),
        ({"DebtRatio": -math.inf}, "not_finite"),
        ({"DebtRatio": 10**400}, "not_finite"),
        ({"age": "40"}, "wrong_type"),
        ({"age": True}, "wrong_type"),
        ({"age": [40]}, "wrong_type"),
        ({"age": {}}, "wrong_type"),
        ({"age": 40.5}, "wrong_type"),
        ({"age": 1 + 2j}, "wrong_type"),
        ({"age": Decimal(40)}, "wrong_type"),
        ({"NumberOfDependents": 0.5}, "wrong_type"),
    ],
)
def test_what_cannot_be_known_is_refused_alone_and_among_others(
    model: CreditModel, row: Row, change: Row, reason: str
) -> None:
    for rows, index in (([{**row, **change}], 0), ([row, row, {**row, **change}], 2)):
        with pytest.raises(pw.BadInput, match=f"row {index}: ") as caught:
            model.predict(rows)
        assert caught.value.reason == reason


def test_a_missing_feature_is_refused_by_its_name(model: CreditModel, row: Row) -> None:
    del row["DebtRatio"]
    with pytest.raises(pw.BadInput, match="DebtRatio is missing"):
        model.predict([row])


def test_everything_wrong_with_a_row_is_told_at_once(model: CreditModel, row: Row) -> None:
    with pytest.raises(pw.BadInput, match=r"unknown: x; age is no number; DebtRatio is infinite"):
        model.predict([{**row, "x": 1, "age": "old", "DebtRatio": math.inf}])


def test_what_is_no_row_is_refused(model: CreditModel) -> None:
    with pytest.raises(pw.BadInput, match="no mapping"):
        model.predict([[1, 2, 3]])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"MonthlyIncome": None}, "missing:MonthlyIncome"),
        ({"MonthlyIncome": math.nan}, "missing:MonthlyIncome"),
        ({"age": 0}, "code:age"),
        ({"NumberOfTimes90DaysLate": 98}, "code:NumberOfTimes90DaysLate"),
        ({"NumberOfTimes90DaysLate": 97}, "out_of_range:NumberOfTimes90DaysLate"),
        ({"age": 130}, "out_of_range:age"),
        ({"DebtRatio": -0.1}, "out_of_range:DebtRatio"),
    ],
)
def test_what_is_odd_is_answered_as_missing_and_flagged(
    model: CreditModel, row: Row, change: Row, flag: str
) -> None:
    alone = model.predict([{**row, **change}])[0]
    assert alone["flags"] == [flag]
    assert model.predict([row, {**row, **change}])[1] == alone
    _, among = model.read([row, {**row, **change}])
    assert among == [[], [flag]]
    values, _ = model.read([{**row, **change}])
    assert np.isnan(values).sum() == 1


def test_an_optional_feature_may_be_left_out(model: CreditModel, row: Row) -> None:
    without = {name: value for name, value in row.items() if name != "MonthlyIncome"}
    assert model.predict([without]) == model.predict([{**row, "MonthlyIncome": None}])


def test_numbers_of_numpy_are_numbers(model: CreditModel, row: Row) -> None:
    held = {name: np.int64(v) if isinstance(v, int) else np.float64(v) for name, v in row.items()}
    assert model.predict([held]) == model.predict([row])


CELLS = st.one_of(
    st.none(),
    st.floats(),
    st.integers(-200, 200),
    st.integers(),
    st.booleans(),
    st.text(max_size=3),
    st.sampled_from([0, 96, 98, 18, 120, 4_000]),
)


@given(st.data())
def test_a_row_gets_the_same_answer_alone_and_in_a_batch(
    model: CreditModel, document: dict[str, Any], data: st.DataObject
) -> None:
    names = document["dataset"]["columns"]
    plain = baseline_rows(document["baseline"], model)[0]
    rows = [
        {**plain, data.draw(st.sampled_from(names)): data.draw(CELLS)}
        for _ in range(data.draw(st.integers(1, 4)))
    ]
    answers: list[Any] = []
    for row in rows:
        try:
            answers += model.predict([row])
        except pw.BadInput as error:
            answers.append(error.reason)
    if all(isinstance(answer, dict) for answer in answers):
        assert model.predict(rows) == answers
    else:
        with pytest.raises(pw.BadInput):
            model.predict(rows)
    for answer in answers:
        assert isinstance(answer, str) or 0 <= answer["probability"] <= 1


def test_contributions_add_up_to_the_difference_in_log_odds(model: CreditModel, row: Row) -> None:
    worse = {
        **row,
        "RevolvingUtilizationOfUnsecuredLines": 0.95,
        "NumberOfTime30-59DaysPastDueNotWorse": 3,
    }
    one, two = model.explain([row, worse])
    odds = [
        math.log(a["probability"] / (1 - a["probability"])) for a in model.predict([row, worse])
    ]
    assert sum(two.values()) - sum(one.values()) == pytest.approx(odds[1] - odds[0])
    assert set(one) == set(model.description.features)
    assert [abs(value) for value in two.values()] == sorted(map(abs, two.values()), reverse=True)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("booster", "tree\nnonsense"),
        ("booster", ""),
        ("format", "pickle"),
        ("description", {}),
        ("calibration", None),
        ("threshold", "high"),
        ("members", None),
        ("levels", None),
    ],
)
def test_a_damaged_artifact_is_refused(document: dict[str, Any], place: str, value: Any) -> None:
    spoilt = {**document, "artifact": {**document["artifact"], place: value}}
    with pytest.raises(pw.BadInput):
        open_model(spoilt)


def test_a_document_of_another_family_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(pw.BadInput, match="no model of the family credit"):
        open_model({**document, "family": "sales"})


def test_trees_of_other_features_are_refused(document: dict[str, Any]) -> None:
    artifact = copy.deepcopy(document["artifact"])
    del artifact["description"]["derived"]["MonthlyDebt"]
    with pytest.raises(pw.BadInput, match="other features"):
        open_model({**document, "artifact": artifact})
