"""Resources, what they cost, and their sums."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipewarden.core.costs.figures import Cost, CostKind, Prices, Used, total

AT = datetime(2026, 3, 1, tzinfo=UTC)


def cost(**held) -> Cost:
    return Cost(kind=CostKind.RUN, id="r", began_at=AT, at=AT, **held)


def test_money_is_hours_gigabyte_hours_and_gigabytes_by_their_prices():
    prices = Prices(cpu_hour=0.04, memory_gb_hour=0.005, storage_gb_month=0.02)
    used = Used(cpu_seconds=7200, memory_byte_seconds=2e9 * 3600, stored_bytes=5e9)
    assert used.memory_gb_hours == 2
    assert prices.of(used) == pytest.approx(2 * 0.04 + 2 * 0.005 + 5 * 0.02)


def test_without_prices_nothing_is_said_to_be_free():
    assert not Prices().known
    assert Prices(storage_gb_month=0.01).known


def test_resources_add_up_and_the_highest_peak_stays():
    made = total(
        [
            cost(cpu_seconds=1, memory_peak=5, items=2, skipped=3, output_bytes=7),
            cost(cpu_seconds=2, memory_peak=9, items=1, quarantined=1, object_bytes=10),
        ]
    )
    assert (made.number, made.items, made.skipped, made.quarantined) == (2, 3, 3, 1)
    assert (made.used.cpu_seconds, made.memory_peak, made.used.stored_bytes) == (3, 9, 17)
    assert made.cpu_per_item == 1
    assert total([]).cpu_per_item is None
