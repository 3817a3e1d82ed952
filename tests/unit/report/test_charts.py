"""Charts say what they were given, to every reader, and say it the same way each time."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st

from pipewarden.report import charts
from pipewarden.report.charts import Band, Bar, Dot, Mark, Series
from pipewarden.report.charts.scale import number, ticks, time_ticks

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"
WEEKS = [date(2025, 1, 4) + timedelta(weeks=week) for week in range(12)]


def weekly(first: int, *values: float) -> list[tuple[date, float]]:
    return list(zip(WEEKS[first:], values, strict=False))


LINES = charts.line_chart(
    [
        Series(
            name="history",
            points=list(zip(WEEKS[:8], [5, 7, 6, math.nan, 9, 8, 9, 11], strict=True)),
        ),
        Series(name="forecast", points=list(zip(WEEKS[8:], [10.5, 10, 10.25, 11], strict=True))),
    ],
    bands=[
        Band(name="95% interval", points=[(week, 7, 14 + i) for i, week in enumerate(WEEKS[8:])])
    ],
    marks=[Mark(at=16.0, text="limit", axis="y"), Mark(at=WEEKS[5], text="test weeks")],
    title="Copies of <Title> & co",
    x_label="week ending",
    y_label="copies a week",
)
EXAMPLES = {
    "lines": LINES,
    "bars": charts.bars(
        [Bar(label="18-30", value=0.41, low=0.35, high=0.47), Bar(label="none", value=math.nan)],
        marks=[Mark(at=0.45, text="all")],
        title="F1 by segment",
    ),
    "histogram": charts.histogram(
        [0.0, 0.5, 1.0, 1.5], [3, 8, 1], marks=[Mark(at=1.0, text="naive")], title="Errors"
    ),
    "histogram_pair": charts.histogram_pair(
        [-math.inf, 10.0, 20.0, math.inf], [4, 4, 2], [1, 2, 2], title="age", x_label="years"
    ),
    "calibration": charts.calibration(
        [Dot(x=0.1, y=0.12, weight=90), Dot(x=0.6, y=0.5, weight=10)], title="Calibration"
    ),
    "sparkline": charts.sparkline([1, 3, math.nan, 2], title="AUC"),
}
every_chart = pytest.mark.parametrize("svg", EXAMPLES.values(), ids=EXAMPLES)


def words(svg: str) -> list[str]:
    return [held.text or "" for held in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_chart_is_the_same_bytes_for_the_same_values(name):
    assert charts.as_file(EXAMPLES[name]) == (GOLDEN / f"{name}.svg").read_text(encoding="utf-8")


@every_chart
def test_a_chart_is_an_image_with_a_name_and_a_description(svg):
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert all(child.text for child in root[:2])


@every_chart
def test_a_chart_loads_nothing_runs_nothing_and_needs_no_style_of_its_own(svg):
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
    assert tags <= {"svg", "title", "desc", "text", "path", "rect", "circle"}
    assert "href" not in svg


@every_chart
def test_words_take_the_ink_of_the_page(svg):
    root = ElementTree.fromstring(svg)
    assert {held.get("fill") for held in root.iter(f"{SVG}text")} <= {"currentColor"}


@every_chart
def test_no_coordinate_is_left_that_cannot_be_drawn(svg):
    drawn = [
        value for element in ElementTree.fromstring(svg).iter() for value in element.attrib.values()
    ]
    assert not [value for value in drawn if "nan" in value or "inf" in value]


def test_what_was_given_as_text_is_shown_as_text():
    svg = charts.bars([Bar(label='"><script>x</script>', value=1.0)], title="a\u202eb <i>")
    assert "<script" not in svg
    assert "<i>" not in svg
    assert "a⟨U+202E⟩b <i>" in words(svg)


def test_a_gap_in_the_values_is_a_gap_in_the_line():
    def pieces(values: list[float]) -> int:
        svg = charts.line_chart([Series(name="a", points=list(enumerate(values)))], title="t")
        lines = ElementTree.fromstring(svg).iter(f"{SVG}path")
        return sum("chart-1" in line.get("stroke", "") for line in lines)

    assert pieces([1, 2, 3, 4, 5]) == 1
    assert pieces([1, 2, math.nan, 4, 5]) == 2
    assert pieces([1, 2, math.inf, 4, 5]) == 2


@pytest.mark.parametrize(
    "svg",
    [
        charts.line_chart([], title="t"),
        charts.line_chart([Series(name="a", points=[(0, math.nan)])], title="t"),
        charts.bars([], title="t"),
        charts.histogram([0, 1], [0], title="t"),
        charts.histogram_pair(["a"], [0], [0], title="t"),
        charts.scatter([Dot(x=math.nan, y=1)], title="t"),
    ],
)
def test_a_chart_of_nothing_says_so(svg):
    assert "no data" in words(svg)


def test_the_limit_is_within_the_picture_however_far_it_lies():
    svg = charts.line_chart(
        [Series(name="a", points=[(0, 1), (1, 2)])],
        marks=[Mark(at=1000.0, text="limit", axis="y")],
        title="t",
    )
    assert "1,000" in words(svg)


def test_events_that_are_near_each_other_stand_in_rows_of_their_own():
    svg = charts.line_chart(
        [Series(name="a", points=[(0, 1), (30, 2)])],
        marks=[Mark(at=day, text=f"something on {day}") for day in (4, 5, 6, 29)],
        title="t",
    )
    texts = ElementTree.fromstring(svg).iter(f"{SVG}text")
    rows = [one.get("y") for one in texts if (one.text or "").startswith("something")]
    assert len(set(rows[:3])) == 3
    assert rows[3] == rows[0], "there is room for it"


def test_a_description_tells_each_line_its_range_and_its_last_value():
    description = ElementTree.fromstring(LINES)[1].text
    assert description == (
        "history: 7 points, from 5 to 11, last 11. forecast: 4 points, from 10 to 11, last 11."
    )


def test_two_samples_of_different_size_and_one_shape_look_the_same():
    svg = charts.histogram_pair(["a", "b"], [10, 30], [1000, 3000], title="t")
    heights = [bar.get("height") for bar in ElementTree.fromstring(svg).iter(f"{SVG}rect")][2:]
    assert heights[0] == heights[1]
    assert heights[2] == heights[3]


def test_instants_of_one_day_are_named_by_the_hour():
    start = datetime(2025, 3, 1, tzinfo=UTC)
    points = [(start + timedelta(hours=hour), float(hour)) for hour in range(24)]
    assert "01 Mar 06:00" in words(charts.line_chart([Series(name="a", points=points)], title="t"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.04901, "0.049"), (1250, "1,250"), (3_200_000, "3.2M"), (1e-7, "1.0e-07"),
        (math.nan, "not a number"), (-math.inf, "-∞"),
    ],
)  # fmt: skip
def test_a_number_reads_as_a_person_writes_it(value, text):
    assert number(value) == text


@given(low=st.floats(-1e12, 1e12), wide=st.floats(1e-3, 1e12), count=st.integers(2, 8))
def test_an_axis_names_a_few_rising_values_within_its_range(low, wide, count):
    values = [value for value, _ in ticks(low, low + wide, count)]
    assert len(values) <= count * 2.5 + 1
    assert values == sorted(values)
    room = abs(low + wide) * 1e-9 + wide * 1e-6
    assert all(low - room <= value <= low + wide + room for value in values)


@given(low=st.floats(-20_000, 80_000), wide=st.floats(0.05, 20_000))
def test_a_time_axis_names_few_days_within_its_range(low, wide):
    values = [value for value, _ in time_ticks(low, low + wide)]
    assert len(values) <= 13
    assert all(low - 1e-6 <= value <= low + wide + 1e-6 for value in values)


@given(values=st.lists(st.tuples(st.floats(), st.floats(), st.floats()), max_size=12))
def test_any_numbers_at_all_give_a_whole_drawing(values):
    drawings = [
        charts.line_chart(
            [Series(name="a", points=[(i, y) for i, (y, _, _) in enumerate(values)])],
            bands=[Band(name="b", points=[(i, a, b) for i, (_, a, b) in enumerate(values)])],
            title="t",
        ),
        charts.bars([Bar(label="x", value=y, low=a, high=b) for y, a, b in values], title="t"),
        charts.scatter([Dot(x=x, y=y, weight=w) for x, y, w in values], title="t", diagonal=True),
        charts.sparkline([y for y, _, _ in values], title="t"),
    ]
    for svg in drawings:
        assert "nan" not in svg
        ElementTree.fromstring(svg)


def test_a_long_name_is_shortened_at_its_end_and_whole_in_its_title():
    name = "NumberOfTime60-89DaysPastDueNotWorse"
    values = [Bar(label=name, value=1.0), Bar(label="age", value=2.0)]
    root = ElementTree.fromstring(charts.bars(values, title="drift"))
    texts = [one for one in root.iter(f"{SVG}text") if one.get("text-anchor") == "end"]
    long, short = texts[:2]
    assert "".join(long.itertext()) == name + name[:23] + "…"
    assert long.findtext(f"{SVG}title") == name
    assert 0 < float(long.get("textLength")) <= float(long.get("x"))
    assert (short.text, short.get("textLength"), short.find(f"{SVG}title")) == ("age", None, None)
