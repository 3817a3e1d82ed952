"""A series learns from the weeks that became true, and two versions are compared on new ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

import pipewarden as pw
from pipewarden.pipelines.sales.artifact import opened
from pipewarden.pipelines.sales.family import SalesFamily
from pipewarden.pipelines.sales.series.reading import one_record
from pipewarden.pipelines.sales.training import train

FIRST = date(2023, 1, 7)
FAMILY = SalesFamily()


def week(at):
    return (FIRST + timedelta(weeks=at)).isoformat()


def record(values):
    return {"unique_id": "9780306406157", "ds": [week(n) for n in range(len(values))], "y": values}


def sold(weeks, level):
    return [level + (n % 4) for n in range(weeks)]


def labelled(document, first, values):
    """Rows as the log has them: a forecast each, and what was sold in its first new week."""
    rows = []
    for place, value in enumerate(values, first):
        day = date.fromisoformat(week(place))
        steps = [{"step": 1, "ds": week(place), "y_hat": 0.0}, {"step": 2, "ds": week(place + 1)}]
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        rows.append({"at": at, "label_at": at, "answer": {"steps": steps}, "label": value})
    return rows


@pytest.fixture
def champion(quick):
    return train(record(sold(80, 20)), quick)


def test_the_table_is_the_past_with_the_new_weeks(champion, quick, tmp_path):
    rows = labelled(champion, 80, [50.0, 51.0, 52.0])
    made = FAMILY.training_table(champion, rows, None, least=0, everything=False)
    assert (made["rows"], made["added"]) == (83, 80)
    path = tmp_path / made["name"]
    path.write_bytes(made["data"])
    held = one_record(path, quick.columns)
    assert held["ds"][-3:] == [week(80), week(81), week(82)]
    assert held["y"][-3:] == [50.0, 51.0, 52.0]
    assert held["y"][:4] == [20.0, 21.0, 22.0, 23.0]


def test_the_older_table_is_preferred_to_what_the_champion_kept(champion, tmp_path):
    older = tmp_path / "older.csv"
    lines = [f"9780306406157,{week(n)},7" for n in range(100)]
    lines += [f"9780131103627,{week(n)},9" for n in range(100)]
    older.write_text("unique_id,ds,y\n" + "\n".join(lines), encoding="utf-8")
    made = FAMILY.training_table(champion, [], older, least=0, everything=False)
    assert made["rows"] == 100
    assert b",9\n" not in made["data"]


def test_who_knows_the_new_level_wins_on_later_weeks(champion, quick):
    challenger = train(record([*sold(80, 20), *sold(30, 60)]), quick)
    found = FAMILY.contest(challenger, champion, labelled(champion, 110, sold(8, 60)), level=0.95)
    assert found["gain_low"] > 0
    assert found["challenger"] < found["champion"]
    assert found["rows"] == 8
    back = FAMILY.contest(champion, challenger, labelled(champion, 110, sold(8, 60)), level=0.95)
    assert back["gain_high"] < 0


def test_weeks_that_either_was_fitted_on_do_not_count(champion, quick):
    challenger = train(record([*sold(80, 20), *sold(30, 60)]), quick)
    assert opened(challenger).last > opened(champion).last
    with pytest.raises(pw.NotComputable, match="0 weeks"):
        FAMILY.contest(challenger, champion, labelled(champion, 90, sold(8, 60)), level=0.95)
