"""Each statistic is what its definition says, found by another way; and its laws hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.spatial import distance

from pipewarden.monitoring.columns.frozen import FrozenNumbers, cells_of
from pipewarden.monitoring.columns.reading import read_numbers
from pipewarden.monitoring.drift import statistics

KINDS = {
    "normal": (lambda rng, n: rng.normal(size=n)),
    "heavy tail": (lambda rng, n: np.exp(rng.normal(0, 2, n))),
    "counts": (lambda rng, n: rng.poisson(2.0, n).astype(float)),
    "mostly zero": (lambda rng, n: rng.normal(size=n) * (rng.random(n) < 0.1)),
    "far from zero": (lambda rng, n: 1e9 + rng.normal(size=n)),
}


def frozen(values, limit=None) -> FrozenNumbers:
    return FrozenNumbers.of(read_numbers(np.asarray(values, dtype=float)), limit)


def differences(before, now, limit=None):
    return statistics.differences(frozen(before, limit), np.sort(np.asarray(now, dtype=float)))


quick = settings(max_examples=40)
numbers = arrays(np.float64, st.integers(2, 60), elements=st.integers(-20, 20).map(float))
counts = arrays(np.int64, 6, elements=st.integers(0, 500)).filter(lambda row: row.sum() > 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("m", "n"), [(700, 300), (300, 700), (40_000, 500), (500, 500)])
def test_numbers_differ_by_what_scipy_finds(kind, m, n):
    rng = np.random.default_rng(m + n)
    before, now = KINDS[kind](rng, m), KINDS[kind](rng, n) * 1.1
    largest, p, area = differences(before, now)
    known = stats.ks_2samp(before, now, method="asymp")
    assert largest == pytest.approx(known.statistic, abs=1e-12)
    assert p == pytest.approx(known.pvalue, rel=1e-9, abs=1e-300)
    # the other way sums over values, and loses digits far from zero
    other = stats.wasserstein_distance(before - before.mean(), now - before.mean())
    assert area == pytest.approx(other / before.std(), rel=1e-6)


@quick
@given(before=numbers, now=numbers)
def test_ties_change_nothing(before, now):
    if before.std() == 0:
        before = np.append(before, before[0] + 1)
    largest, _, area = differences(before, now)
    assert largest == pytest.approx(stats.ks_2samp(before, now, method="asymp").statistic)
    known = stats.wasserstein_distance(before, now) / before.std()
    assert area == pytest.approx(known, rel=1e-9, abs=1e-9)


@quick
@given(values=numbers)
def test_a_column_does_not_differ_from_itself(values):
    values = np.append(values, values[0] + 1)
    largest, p, area = differences(values, values[::-1])
    assert largest == pytest.approx(0.0, abs=1e-12)
    assert area == pytest.approx(0.0, abs=1e-12)
    assert p == 1.0


@quick
@given(values=numbers, shifts=st.tuples(st.integers(0, 50), st.integers(0, 50)))
def test_a_larger_shift_is_a_larger_difference(values, shifts):
    values = np.append(values, values[0] + 1)
    less, more = sorted(shifts)
    near, far = (differences(values, values + by) for by in (less, more))
    assert near[0] <= far[0] + 1e-12
    assert near[2] == pytest.approx(less / values.std(), abs=1e-9)
    assert far[2] == pytest.approx(more / values.std(), abs=1e-9)


@pytest.mark.parametrize("size", [16_384, 16_385, 50_000])
def test_a_baseline_of_many_values_is_compared_piece_by_piece(size):
    rng = np.random.default_rng(size)
    before, now = rng.normal(size=size), rng.normal(0.02, 1.1, 20_000)
    largest, _, area = differences(before, now)
    assert largest == pytest.approx(stats.ks_2samp(before, now, method="asymp").statistic)
    assert area == pytest.approx(stats.wasserstein_distance(before, now) / before.std())


@pytest.mark.parametrize("kind", ["normal", "heavy tail", "counts"])
def test_what_is_kept_of_a_long_baseline_stands_for_all_of_it(kind):
    rng = np.random.default_rng(5)
    before, now = KINDS[kind](rng, 200_000), KINDS[kind](rng, 2_000)
    whole, kept = differences(before, now), differences(before, now, limit=10_000)
    assert kept[0] == pytest.approx(whole[0], abs=2e-4)
    assert kept[2] == pytest.approx(whole[2], abs=0.02)


@pytest.mark.parametrize("shift", [0.0, 0.03, 0.05, 0.1, 0.3, 3.0])
@pytest.mark.parametrize("size", [2_100, 20_000])
def test_the_p_value_of_many_values_is_scipys_to_a_millionth(size, shift):
    rng = np.random.default_rng(size)
    before, now = rng.normal(size=size), rng.normal(shift, 1.0, size)
    known = stats.ks_2samp(before, now, method="asymp").pvalue
    assert differences(before, now)[1] == pytest.approx(known, abs=1e-6)


@quick
@given(before=counts, now=counts)
def test_chi_square_is_that_of_a_contingency_table(before, now):
    statistic, degrees, p = statistics.chi_square(before, now)
    held = (before + now) > 0
    if held.sum() < 2:
        assert (statistic, degrees, p) == (0.0, 0, 1.0)
    else:
        known = stats.chi2_contingency(np.stack([before[held], now[held]]), correction=False)
        assert (statistic, degrees) == (pytest.approx(known.statistic, abs=1e-9), known.dof)
        assert p == pytest.approx(known.pvalue, rel=1e-6, abs=1e-12)


@quick
@given(before=counts, now=counts)
def test_pooling_keeps_every_row_and_leaves_no_rare_cell_but_one(before, now):
    one, other = statistics.pooled(before, now)
    assert (one.sum(), other.sum()) == (before.sum(), now.sum())
    expected = (one + other) * min(one.sum(), other.sum()) / (one.sum() + other.sum())
    assert (expected < statistics.LEAST_EXPECTED).sum() <= 1


@quick
@given(before=counts, now=counts)
def test_jensen_shannon_is_scipys_in_bits_symmetric_and_at_most_one(before, now):
    found = statistics.jensen_shannon(before, now)
    assert found == pytest.approx(distance.jensenshannon(before, now, 2), abs=1e-7)
    assert found == pytest.approx(statistics.jensen_shannon(now, before), abs=1e-12)
    assert 0.0 <= found <= 1.0


@quick
@given(before=counts, now=counts, order=st.permutations(range(6)))
def test_the_order_of_cells_means_nothing(before, now, order):
    for of in (statistics.jensen_shannon, statistics.stability_index):
        assert of(before[order], now[order]) == pytest.approx(of(before, now), abs=1e-9)


@quick
@given(row=counts, times=st.integers(1, 9))
def test_equal_shares_have_no_distance(row, times):
    assert statistics.jensen_shannon(row, row * times) == pytest.approx(0.0, abs=1e-7)
    assert statistics.stability_index(row, row * times) == pytest.approx(0.0, abs=1e-12)


def test_the_stability_index_of_a_known_table():
    # 0.1 ln(0.5/0.4) + 0.1 ln(0.3/0.2) - 0.2 ln(0.2/0.4) over shares .4 .2 .4 and .5 .3 .2
    found = statistics.stability_index(np.array([40, 20, 40]), np.array([50, 30, 20]))
    assert found == pytest.approx(0.2014903, abs=1e-7)


def test_an_empty_cell_counts_as_a_ten_thousandth():
    found = statistics.stability_index(np.array([50, 50]), np.array([100, 0]))
    assert found == pytest.approx(0.5 * np.log(2) + (1e-4 - 0.5) * np.log(1e-4 / 0.5), abs=1e-9)


@quick
@given(values=numbers, window=numbers)
def test_every_value_falls_into_one_cell(values, window):
    edges = frozen(values).edges
    cells = cells_of(np.sort(window), edges)
    known = [((window > low) & (window <= high)).sum() for low, high in zip(
        [-np.inf, *edges], [*edges, np.inf], strict=True
    )]  # fmt: skip
    assert cells.tolist() == known


def test_a_share_that_rose_is_tested_one_sided():
    share = 30 / 2_000
    known = stats.norm.sf(0.01 / np.sqrt(share * (1 - share) * 2 / 1_000))
    assert statistics.risen((10, 1_000), (20, 1_000)) == pytest.approx(known)
    assert statistics.risen((20, 1_000), (10, 1_000)) == pytest.approx(1 - known)
    assert statistics.risen((0, 1_000), (0, 1_000)) == 1.0


p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@quick
@given(p=p_values)
def test_adjusted_p_values_are_those_of_benjamini_and_hochberg(p):
    assert statistics.adjusted(p) == pytest.approx(list(stats.false_discovery_control(p)))


@quick
@given(p=p_values)
def test_adjusting_only_raises_p_values_and_keeps_their_order(p):
    adjusted = statistics.adjusted(p)
    assert all(after >= before for before, after in zip(p, adjusted, strict=True))
    ranked = [adjusted[i] for i in np.argsort(p, kind="stable")]
    assert ranked == sorted(ranked)
    assert max(adjusted) == pytest.approx(max(p))


def test_nothing_tested_is_nothing_adjusted():
    assert statistics.adjusted([]) == []
