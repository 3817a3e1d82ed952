"""Records from a program become a file that is whole, or is not there."""

from __future__ import annotations

import json

import pytest

from pipewarden.errors import InvalidSettings
from pipewarden.store.files.spooling import spool


def test_records_are_written_in_order_one_a_line(tmp_path):
    path = spool(({"id": n, "text": "a\nb"} for n in range(3)), tmp_path / "in" / "x.jsonl")
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == [0, 1, 2]


@pytest.mark.parametrize("bad", [7, {"id": 1, "what": object()}, {"id": "\ud800"}])
def test_what_is_no_record_leaves_what_was_there(tmp_path, bad):
    path = spool([{"id": 1}], tmp_path / "x.jsonl")
    with pytest.raises(InvalidSettings, match="record 2"):
        spool([{"id": 1}, bad], path)
    assert path.read_text() == '{"id":1}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_records_that_fail_to_come_leave_nothing(tmp_path):
    def breaking():
        yield {"id": 1}
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        spool(breaking(), tmp_path / "x.jsonl")
    assert not list(tmp_path.iterdir())
