"""Which model a command means."""

from __future__ import annotations

import pytest

from pipewarden.app.cli.commands.models.naming import serving_or_named


@pytest.mark.parametrize("isbn", ["978-0-306-40615-7", "9780306406157"])
def test_a_series_may_be_named_with_hyphens(house, isbn):
    house.train("sales/9780306406157", 1, 3)
    named = serving_or_named(house.context, None, isbn, "production")
    assert named == "sales/9780306406157"


def test_a_series_whose_own_name_has_a_hyphen_keeps_it(house):
    house.train("sales/book-1", 1, 3)
    assert serving_or_named(house.context, None, "book-1", "production") == "sales/book-1"
