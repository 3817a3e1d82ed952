"""A baseline is frozen from columns or a model document, and survives being written as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipewarden.errors import BadInput
from pipewarden.monitoring.columns.frozen import FrozenLevels, FrozenNumbers
from pipewarden.monitoring.columns.reading import read_levels
from pipewarden.monitoring.drift.baseline import Baseline
from pipewarden.monitoring.drift.judging import judge

DOCUMENT = {
    "model": "credit",
    "signature": {
        "inputs": [{"name": "late", "type": "integer"}, {"name": "home", "type": "category"}],
        "missing": ["", "NA"],
    },
    "baseline": {
        "columns": ["late", "home"],
        "rows": [[0, "rent"], [98, "own"], [2, "NA"], [None, "rent"]],
        "labels": [0, 1, 0, 0],
        "scores": [0.1, 0.6, 0.2, 0.1],
        "missing_codes": {"late": [96, 98]},
        "segments": {"late": [1]},
    },
}


def test_a_model_document_tells_types_codes_and_segments():
    held = Baseline.of(DOCUMENT)
    late, home = held.columns["late"], held.columns["home"]
    assert isinstance(late, FrozenNumbers)
    assert (late.values.tolist(), late.missing, late.codes) == ([0.0, 2.0], 2, (96.0, 98.0))
    assert isinstance(home, FrozenLevels)
    assert (home.counts, home.missing) == ({"rent": 2, "own": 1}, 1)
    assert held.segments == {"late": (1.0,)}
    assert held.rows == 4


@pytest.mark.parametrize("rest", [{}, {"baseline": {"tail": {}, "backtest": {}}}])
def test_a_document_without_rows_of_columns_has_no_baseline(rest):
    with pytest.raises(BadInput) as raised:
        Baseline.of({"model": "sales/9780", **rest})
    assert raised.value.reason == "no_baseline"
    assert "sales/9780" in raised.value.message


def test_a_baseline_written_as_json_judges_as_before(baseline, world):
    again = Baseline.from_document(json.loads(json.dumps(baseline.as_document())))
    made = world(500, seed=3, shift=0.3)
    verdicts = [
        judge(held, made["columns"], made["scores"], labels=made["labels"])
        for held in (baseline, again)
    ]
    assert verdicts[0] == verdicts[1]


def test_a_baseline_of_another_format_is_refused(baseline):
    with pytest.raises(BadInput):
        Baseline.from_document({**baseline.as_document(), "format": "another/1"})


def test_a_long_column_is_kept_in_part_and_told_in_full():
    values = np.random.default_rng(0).normal(size=50_000)
    held = Baseline.freeze({"x": values}, limit=1_000).columns["x"]
    assert isinstance(held, FrozenNumbers)
    assert held.values.size == 1_000
    assert held.sample == 50_000
    assert (held.minimum, held.maximum) == (values.min(), values.max())
    assert held.deviation == pytest.approx(values.std())
    assert held.cells.tolist() == [5_000] * 10


def test_few_different_values_have_a_cell_each():
    held = Baseline.freeze({"x": [0, 0, 0, 1, 1, 5]}).columns["x"]
    assert isinstance(held, FrozenNumbers)
    assert held.edges.tolist() == [0.0, 1.0]
    assert held.cells.tolist() == [3, 2, 1]


def test_a_label_of_many_values_is_a_number(world):
    rng = np.random.default_rng(1)
    held = Baseline.freeze({"x": rng.normal(size=300)}, labels=rng.normal(size=300))
    assert isinstance(held.labels, FrozenNumbers)


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ([1, 1.0, "1", True, None], {"1": 3, "true": 1}),
        (["a", "", "NA", float("nan")], {"a": 1}),
        (np.array(["a", "b", "a"]), {"a": 2, "b": 1}),
        (np.array([0.5, 2.0, np.nan]), {"0.5": 1, "2": 1}),
        ([["a"], {"b": 1}, "c"], {"c": 1}),
    ],
)
def test_levels_are_told_apart_by_what_they_mean(values, counts):
    column = values if isinstance(values, np.ndarray) else np.empty(len(values), dtype=object)
    if column is not values:
        column[:] = values
    read = read_levels(column, ("", "NA"))
    assert dict(read.counts) == counts
    assert read.missing == len(values) - sum(counts.values())
