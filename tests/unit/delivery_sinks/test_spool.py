"""A spool keeps what it was given, in order, whatever kills its writers and readers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from pipewarden.core.canonical import digest
from pipewarden.core.sinks import ID_MAX, Delivery, document_id, latest_of_each
from pipewarden.delivery.sinks.envelope import from_spool_line, spool_line
from pipewarden.delivery.sinks.spool import Place, Spool
from pipewarden.errors import Locked, StateDamaged

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DOCUMENT = st.one_of(st.none(), st.just(b'{"a":"\xe6\x9d\xb1"}'), st.just(b'{"t":"\\t\\n"}'))


@st.composite
def deliveries(draw):
    document = draw(DOCUMENT)
    return Delivery(
        pipeline="p",
        key=draw(TEXT),
        input_hash=draw(TEXT),
        fingerprint=draw(TEXT),
        run_id=draw(st.sampled_from(["run-1", "run-2"])),
        at="2026-03-01T12:00:00+00:00",
        document=document,
        content_hash="" if document is None else digest(document),
    )


@given(deliveries())
def test_a_line_says_all_that_is_known_and_is_one_line(one):
    line = spool_line(one)
    assert from_spool_line(line) == one
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")


@given(deliveries().filter(lambda d: d.document), st.data())
def test_a_line_whose_bytes_changed_is_known_to_be_damaged(one, data):
    line = bytearray(spool_line(one))
    at = data.draw(st.integers(line.index(b"\t") + 1, len(line) - 2))
    line[at] ^= 1
    with pytest.raises(ValueError, match="spool"):
        from_spool_line(bytes(line))


@given(st.lists(deliveries(), max_size=8))
def test_of_each_document_the_last_version_is_sent(many):
    kept = latest_of_each(many)
    assert [d.id for d in kept] == list(dict.fromkeys(d.id for d in reversed(many)))[::-1]
    assert all(d == [m for m in many if m.id == d.id][-1] for d in kept)


@given(st.sampled_from(["a", "b-c"]), TEXT | st.text("ü", min_size=250, max_size=520))
def test_an_id_is_short_and_is_of_one_document_only(pipeline, key):
    name = document_id(pipeline, key)
    assert len(name.encode()) <= ID_MAX
    assert name not in (document_id("other", key), document_id(pipeline, key + "ü"))


#: What happens to a spool: documents come, half a line is left by a kill, some are sent.
STEPS = st.lists(
    st.one_of(
        st.lists(deliveries(), min_size=1, max_size=5),
        st.just("torn"),
        st.just("restart"),
        st.integers(1, 7),
    ),
    max_size=14,
)


@settings(max_examples=60)
@given(STEPS)
def test_what_goes_in_comes_out_once_and_in_order(steps):
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "spool"
        spool, given_, taken = Spool(folder, 600), [], []
        for step in steps:
            if step == "torn":
                last = max(folder.glob("*.spool"), default=None)
                if last is not None:
                    with last.open("ab") as file:
                        file.write(b'{"run_id":"half a li')
            elif step == "restart":
                spool = Spool(folder, 600)
            elif isinstance(step, int):
                portion = spool.portion(step, 10_000)
                if portion is not None:
                    assert len(portion.deliveries) <= step
                    taken += portion.deliveries
                    spool.advance(portion.end)
            else:
                spool.append(step)
                given_ += step
            assert taken == given_[: len(taken)]
            assert spool.is_empty() == (len(taken) == len(given_))
            left = {
                (d.key, d.input_hash, d.fingerprint, d.document is None)
                for d in given_[len(taken) :]
            }
            assert spool.waiting().documents == len(left)
        while portion := spool.portion(100, 1_000):
            taken += portion.deliveries
            spool.advance(portion.end)
        assert taken == given_
        assert spool.waiting().bytes == 0
        assert not list(folder.glob("*.spool")) or not given_ or "torn" in steps


def test_a_portion_that_was_not_advanced_comes_again(tmp_path, make):
    spool = Spool(tmp_path, 10_000)
    spool.append([make(str(n), {"n": n}) for n in range(5)])
    first = spool.portion(3, 10_000)
    assert spool.portion(3, 10_000) == first
    assert [d.key for d in first.deliveries] == ["0", "1", "2"]


def test_a_portion_is_bounded_in_bytes_and_holds_one_at_least(tmp_path, make):
    spool = Spool(tmp_path, 10_000)
    spool.append([make("big", {"t": "x" * 5_000}), make("small", {"n": 1})])
    portion = spool.portion(10, 100)
    assert [d.key for d in portion.deliveries] == ["big"]


def test_files_are_bounded_and_numbers_never_come_back(tmp_path, make):
    spool = Spool(tmp_path, 500)
    for n in range(9):
        spool.append([make(str(n), {"n": n})])
    names = sorted(path.name for path in tmp_path.glob("*.spool"))
    assert len(names) > 2
    assert all(path.stat().st_size < 1_000 for path in tmp_path.glob("*.spool"))
    while portion := spool.portion(2, 1_000):
        spool.advance(portion.end)
    assert not list(tmp_path.glob("*.spool"))
    spool.append([make("new", {"n": 1})])
    assert min(tmp_path.glob("*.spool")).name > names[-1]
    assert spool.cursor() < Place(99)


def test_what_a_run_left_is_counted_apart(tmp_path, make):
    spool = Spool(tmp_path, 10_000)
    spool.append([make("a", {"n": 1}), make("b", {"n": 1}, run="run-2")])
    spool.append([make("a", {"n": 1})])
    assert spool.waiting().documents == 2
    assert spool.waiting("run-1").documents == 1
    assert spool.waiting().oldest == "2026-03-01T12:00:00+00:00"


def test_a_damaged_line_is_told_apart_and_hides_no_other(tmp_path, make):
    spool = Spool(tmp_path, 10_000)
    spool.append([make("a", {"n": 1}), make("b", {"n": 2}), make("c", {"n": 3})])
    path = next(tmp_path.glob("*.spool"))
    path.write_bytes(path.read_bytes().replace(b'{"n":2}', b'{"n":9}'))
    portion = spool.portion(10, 10_000)
    assert [d.key for d in portion.deliveries] == ["a", "c"]
    assert len(portion.damaged) == 1


def test_one_sends_at_a_time(tmp_path, make):
    spool = Spool(tmp_path, 10_000)
    with spool.sending(), pytest.raises(Locked), Spool(tmp_path, 10_000).sending():
        pass


def test_a_damaged_cursor_is_no_empty_spool(tmp_path, make):
    spool = Spool(tmp_path, 10_000)
    spool.append([make("a", {"n": 1})])
    (tmp_path / "cursor.json").write_text("{")
    with pytest.raises(StateDamaged, match="does not read"):
        spool.is_empty() or spool.portion(1, 1)
