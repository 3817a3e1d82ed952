"""A real classifier is asked 1,600 rows, many of them odd: each has its answer, or its refusal."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pipewarden.models.serving import answering
from pipewarden.models.serving.answering import Answer, Served
from pipewarden.models.serving.signature import Signature
from pipewarden.pipelines.credit.family import CreditFamily

ROWS = 1_600
AGE, INCOME, DEBT = "age", "MonthlyIncome", "DebtRatio"
#: What is wrong with a row, and whether it is refused; what is odd is answered, and flagged.
FAULTS: dict[str, tuple[dict[str, Any], bool]] = {
    "not a number": ({DEBT: math.nan}, True),
    "infinite": ({DEBT: math.inf}, True),
    "minus infinite": ({INCOME: -math.inf}, True),
    "a text": ({AGE: "forty"}, True),
    "a list": ({DEBT: [1]}, True),
    "unknown": ({"shoe_size": 44}, True),
    "enormous": ({DEBT: 1e300, INCOME: 1e12}, False),
    "tiny": ({DEBT: 5e-324}, False),
    "negative": ({DEBT: -5.0}, False),
    "far too old": ({AGE: 400}, False),
    "no income": ({INCOME: None}, False),
}


@pytest.fixture(scope="module")
def served(document: dict[str, Any]) -> Served:
    return Served(
        model="credit",
        version=1,
        environment="production",
        deployment=1,
        family="credit",
        opened=CreditFamily().open(document),
        signature=Signature.of(document),
    )


@pytest.fixture
def asked(row: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return rows with what is wrong with each: every other one is plain."""
    names = list(FAULTS)
    some = []
    for number in range(ROWS):
        plain = {**row, AGE: 21 + number % 60, DEBT: number / ROWS}
        name = names[number // 2 % len(names)] if number % 2 else ""
        some.append((name, {**plain, **FAULTS[name][0]} if name else plain))
    return some


def problem_of(answer: Answer) -> str:
    """Return what is wrong with an answer; empty where it is whole."""
    if answer.refusal is not None:
        return "refused" if answer.refusal.faults and not answer.answer else "refused without why"
    chance, said = answer.answer["probability"], answer.answer["prediction"]
    if type(chance) is not float or not math.isfinite(chance) or not 0 <= chance <= 1:
        return f"the probability {chance!r}"
    return "" if said in (0, 1) else f"the prediction {said!r}"


def test_each_row_has_a_whole_answer_or_a_reason(served, asked):
    answers = answering.predict(served, [row for _, row in asked])
    assert len(answers) == ROWS
    for (name, _), answer in zip(asked, answers, strict=True):
        refused = bool(name) and FAULTS[name][1]
        assert problem_of(answer) == ("refused" if refused else ""), (name, answer)


def test_a_bad_neighbour_changes_no_answer(served, asked):
    good = [row for name, row in asked if not name]
    among = [
        answer.answer
        for (name, _), answer in zip(
            asked, answering.predict(served, [row for _, row in asked]), strict=True
        )
        if not name
    ]
    assert [answer.answer for answer in answering.predict(served, good)] == among


def test_nothing_asked_is_nothing_answered(served):
    assert answering.predict(served, []) == []


def test_a_hundred_batches_at_once_are_answered_as_one_alone(served, asked):
    rows = [row for name, row in asked if not name][:40]
    alone = answering.predict(served, rows)
    with ThreadPoolExecutor(100) as pool:
        assert all(
            each == alone
            for each in pool.map(lambda _: answering.predict(served, rows), range(100))
        )
