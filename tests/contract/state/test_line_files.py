"""What the database knows of files of lines: the same on both kinds."""

from __future__ import annotations

from pipewarden.core.items import ItemResult, Outcome
from pipewarden.store.manifest import line_files
from pipewarden.store.manifest.line_files import LineFile
from pipewarden.store.manifest.record import Record
from pipewarden.store.state.apply import apply_records

SIGNATURE = (17, 1_772_366_400_123_456_789, 4_711, 1_772_366_400_123_456_790)


def record(seq, path, end):
    result = ItemResult(key=f"k{seq}", outcome=Outcome.PUBLISHED)
    return Record(
        run_id="run1",
        seq=seq,
        at="2026-03-01T12:00:00+00:00",
        key=f"k{seq}",
        entry={"hash": "sha256:0", "status": "success"},
        result=result,
        appended=(path, end),
    )


def known(database, *paths):
    with database.read() as conn:
        return line_files.known(conn, paths)


def test_only_files_that_were_ever_written_are_known(database):
    assert known(database, "/out/a", "/out/b") == {}
    with database.write() as conn:
        line_files.take(conn, "/out/a", 5, "run1", 5)
    assert known(database, "/out/a", "/out/b") == {"/out/a": LineFile(5, "run1", None, 5)}


def test_a_file_that_is_given_back_has_no_writer_and_keeps_what_vouches_for_it(database):
    with database.write() as conn:
        line_files.take(conn, "/out/a", 5, "run1", 3)
        line_files.give_back(conn, "/out/a", "run1", SIGNATURE, 3)
    assert known(database, "/out/a") == {"/out/a": LineFile(5, "", SIGNATURE, 3)}
    with database.write() as conn:
        line_files.take(conn, "/out/a", 17, "run2", 3)
        line_files.give_back(conn, "/out/a", "run1", SIGNATURE, 3)  # it is another's by now
    assert known(database, "/out/a") == {"/out/a": LineFile(17, "run2", None, 3)}


def test_what_is_committed_moves_with_the_records_and_never_back(database):
    with database.write() as conn:
        line_files.take(conn, "/out/a", 0, "run1", 0)
        line_files.take(conn, "/out/b", 0, "run1", 0)
    records = [record(1, "/out/a", 10), record(2, "/out/a", 20), record(3, "/out/b", 7)]
    for offered in (records[:2], records, records[:1]):  # what was applied is not applied again
        with database.write() as conn:
            apply_records(conn, offered, manifest="m")
    held = known(database, "/out/a", "/out/b")
    assert {path: file.committed for path, file in held.items()} == {"/out/a": 20, "/out/b": 7}


def test_what_is_rolled_back_is_not_committed(database):
    with database.write() as conn:
        line_files.take(conn, "/out/a", 0, "run1", 0)
    try:
        with database.write() as conn:
            apply_records(conn, [record(1, "/out/a", 10)], manifest="m")
            raise KeyError("the process dies here")
    except KeyError:
        pass
    assert known(database, "/out/a")["/out/a"].committed == 0
