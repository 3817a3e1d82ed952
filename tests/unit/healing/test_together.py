"""Tables of one header become one table."""

from __future__ import annotations

from pipewarden.healing.together.training import joined


def test_rows_follow_one_header_whether_or_not_a_table_ends_its_last_line():
    assert joined([(b"a,b", b"1,2\n3,4\n"), (b"a,b", b"5,6")]) == b"a,b\n1,2\n3,4\n5,6\n"


def test_one_table_stays_as_it_is():
    assert joined([(b"a,b", b"1,2\n")]) == b"a,b\n1,2\n"
