"""How far a sink is behind: counted piece by piece, and the same as counted anew."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from hypothesis import given, settings, strategies as st

from pipewarden.core.canonical import digest
from pipewarden.core.sinks import Delivery
from pipewarden.delivery.sinks.spool import Spool
from pipewarden.delivery.spool_lag import Lag, SpoolLag


def make(key, content):
    document = orjson.dumps(content)
    return Delivery(
        pipeline="p",
        key=key,
        input_hash=digest(document),
        fingerprint="1/abc",
        run_id="run-1",
        at="2026-03-01T12:00:00+00:00",
        document=document,
        content_hash=digest(document),
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 5)),
        st.tuples(st.just("send"), st.integers(1, 5)),
        st.tuples(st.just("tear"), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=30)
@given(steps=STEPS)
def test_what_is_counted_piece_by_piece_is_what_waits(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("spool")
    spool, lag, number = Spool(folder, file_bytes=600), SpoolLag(folder), 0
    for what, many in steps:
        if what == "add":
            spool.append([make(f"d{number + n}", {"n": n}) for n in range(many)])
            number += many
        elif what == "send":
            portion = spool.portion(many, 1_000_000)
            if portion is not None:
                spool.advance(portion.end)
        elif spool.files():
            with spool.files()[-1][1].open("ab") as file:
                file.write(b'{"half')
        waiting = spool.waiting()
        assert (
            lag.look()
            == SpoolLag(folder).look()
            == Lag(waiting.documents, waiting.bytes, waiting.oldest)
        )


def test_its_age_is_that_of_the_oldest(tmp_path):
    now = datetime(2026, 3, 1, 12, 1, tzinfo=UTC)
    assert SpoolLag(tmp_path / "none").look().seconds(now) == 0
    Spool(tmp_path, 1_000).append([make("a", {})])
    assert SpoolLag(tmp_path).look().seconds(now) == 60


def test_what_is_counted_is_not_read_again(tmp_path, monkeypatch):
    from pipewarden.delivery import spool_lag as module

    read, real = [], module._lines
    monkeypatch.setattr(
        module,
        "_lines",
        lambda path, start, end: read.append(end - start) or real(path, start, end),
    )
    spool, held = Spool(tmp_path, 1_000_000), SpoolLag(tmp_path)
    spool.append([make(str(n), {"n": n}) for n in range(50)])
    whole = held.look().bytes
    spool.append([make("more", {})])
    spool.advance(spool.portion(1, 1_000_000).end)
    assert held.look().documents == 50
    assert read[0] == whole
    assert sum(read[1:]) < whole / 10
