"""A credit model learns from labelled answers, and two versions are compared on the same ones."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

import pipewarden as pw
from pipewarden.healing.broken import Broken, in_words, judged
from pipewarden.healing.simulation.people import TARGET, population, table
from pipewarden.healing.simulation.worlds import Conditions
from pipewarden.pipelines.credit.family import CreditFamily
from pipewarden.pipelines.credit.settings import credit_settings
from pipewarden.pipelines.credit.training import train
from pipewarden.settings.healing_policy import Quality

FAMILY = CreditFamily()
AT = datetime(2026, 1, 5, tzinfo=UTC)
SMALL = {
    "search": {"trials": 1, "folds": 2, "rows": 800},
    "fit": {"folds": 2, "members": 1, "learning_rate": 0.2, "max_rounds": 30, "early_stopping": 5},
    "evaluation": {"resamples": 50},
    "test_share": 0.3,
    "workers": 1,
}
NEW = Conditions(concept=1.0)


def rows_of(people):
    return [{"at": AT, "inputs": one.features, "label": int(one.fails)} for one in people]


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """Return a model of the old world and one of the new."""
    folder = tmp_path_factory.mktemp("tables")
    made = []
    for name, conditions in (("old", Conditions()), ("new", NEW)):
        path = folder / f"{name}.csv"
        path.write_bytes(table(population(1_200, 1, conditions)))
        made.append(train(path, credit_settings(SMALL)))
    return tuple(made)


def cells(made):
    return list(csv.DictReader(io.StringIO(made["data"].decode())))


def test_the_table_holds_what_was_asked_and_what_came_true(documents):
    people = population(30, 5)
    made = FAMILY.training_table(documents[0], rows_of(people), None, least=0, everything=False)
    held = cells(made)
    assert (made["rows"], made["added"]) == (30, 0)
    assert [row[TARGET] for row in held] == [str(int(one.fails)) for one in people]
    assert held[0]["age"] == str(people[0].features["age"])
    assert any(row["MonthlyIncome"] == "" for row in held)
    assert made["rare"] == min(sum(one.fails for one in people), sum(not o.fails for o in people))


@pytest.mark.parametrize(
    ("positive", "yes", "no", "neither"),
    [
        ("1", (1, 1.0, True, "1"), (0, False, "0"), ("yes", 0.5, 2, "")),
        ("0", (0, False, "0"), (1, True, "1"), ("no", -1)),
        ("yes", ("yes", 1, True), ("no", 0, False), (0.5, 7)),
        ("2", (2, "2"), (1, "1"), ()),
    ],
)
def test_a_label_says_what_the_table_means_by_it(positive, yes, no, neither):
    said = FAMILY.label_reader({"artifact": {"description": {"positive": positive}}})
    assert [said(label) for label in yes] == [True] * len(yes)
    assert [said(label) for label in no] == [False] * len(no)
    assert [said(label) for label in neither] == [None] * len(neither)


def test_a_trained_model_says_how_its_labels_are_read(documents):
    assert FAMILY.label_reader(documents[0]).positive == "1"
    assert FAMILY.label_reader({"artifact": {}}) is None


def test_a_label_that_is_no_class_is_left_out_and_never_read_as_no(documents):
    rows = rows_of(population(4, 5))
    for row, label in zip(rows, ("yes", "1", 7, False), strict=True):
        row["label"] = label
    held = cells(FAMILY.training_table(documents[0], rows, None, least=0, everything=False))
    assert [row[TARGET] for row in held] == ["1", "0"]
    with pytest.raises(pw.NotComputable):
        FAMILY.contest(documents[0], documents[1], [rows[0], rows[2]], level=0.95)


@pytest.mark.parametrize(
    ("least", "everything", "added"), [(0, False, 0), (50, False, 20), (0, True, 90)]
)
def test_older_rows_are_added_as_many_as_are_wanted(documents, tmp_path, least, everything, added):
    older = tmp_path / "older.csv"
    older.write_bytes(table(population(90, 6)))
    made = FAMILY.training_table(
        documents[0], rows_of(population(30, 5)), older, least=least, everything=everything
    )
    assert (made["rows"], made["added"]) == (30 + added, added)
    assert len(cells(made)) == 30 + added


def test_an_older_table_of_other_columns_is_refused(documents, tmp_path):
    older = tmp_path / "older.csv"
    older.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(pw.BadInput, match="no column"):
        FAMILY.training_table(documents[0], [], older, least=10, everything=False)


def test_in_the_new_world_who_learnt_it_is_surely_better(documents):
    old, new = documents
    rows = rows_of(population(800, 9, NEW))
    found = FAMILY.contest(new, old, rows, level=0.95)
    assert found["gain_low"] > 0
    assert found["challenger"] > found["champion"]
    back = FAMILY.contest(old, new, rows, level=0.95)
    assert back["gain"] == pytest.approx(-found["gain"])
    assert back["gain_high"] < 0
    assert FAMILY.contest(old, old, rows, level=0.95)["gain_low"] == 0


def test_labels_that_are_all_alike_say_nothing(documents):
    rows = [row for row in rows_of(population(200, 9)) if row["label"] == 0]
    with pytest.raises(pw.NotComputable, match="all alike"):
        FAMILY.contest(*documents, rows, level=0.95)


# ── broken rows ──────────────────────────────────────────────────────────────────────────────────


def test_rows_of_the_usual_world_are_not_broken(documents):
    assert judged(documents[0], rows_of(population(600, 9)), Quality()) == Broken()


@pytest.mark.parametrize(
    ("known", "asked", "reason"),
    [(150, 600, "the baseline has 150 rows; 200 are needed"), (None, 80, "the window has 80 rows")],
)
def test_what_too_few_rows_say_nothing_of_is_not_computable(documents, known, asked, reason):
    document = documents[0]
    held = {**document["baseline"], "rows": document["baseline"]["rows"][:known]}
    rows = rows_of(population(asked, 9, Conditions(missing=1.0)))
    found = judged({**document, "baseline": held}, rows, Quality())
    assert found.problems == (), "nothing is known, good or bad"
    (words,) = [one for one in found.not_computable if reason in one]
    assert words.startswith("missing of ")
    assert "and 7 more: " in words, "of ten columns"
    assert words in in_words(found.not_computable)


def test_of_a_model_without_columns_it_is_said_that_nothing_is_known():
    found = judged({"model": "mean", "baseline": {}}, [], Quality())
    assert found.not_computable == ("columns: the document of mean has no baseline of columns",)


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        (Conditions(missing=1.0), "missing of MonthlyIncome"),
        (Conditions(unit=0.001), "range of MonthlyIncome"),
    ],
)
def test_broken_rows_are_told(documents, conditions, told):
    (problem,) = judged(documents[0], rows_of(population(600, 9, conditions)), Quality()).problems
    assert problem.startswith(told)


def test_labels_that_say_yes_far_too_rarely_are_told(documents):
    rows = [{**row, "label": int(n % 50 == 0)} for n, row in enumerate(rows_of(population(600, 9)))]
    (problem,) = judged(documents[0], rows, Quality()).problems
    assert problem.startswith("labels: 2.0% are positive")
