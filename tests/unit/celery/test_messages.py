"""Messages between runner and workers: everything arrives as it was sent, and nothing else does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.engine.task import Task, Work, Worked
from pipewarden.errors import InvalidSettings, StorageUnavailable
from pipewarden.jobs.runners.celery.messages import (
    Answer,
    Brief,
    Chunk,
    Sent,
    Sign,
    decode_answer,
    decode_chunk,
    encode_answer,
    encode_chunk,
)

BRIEF = Brief(
    job="20260301_120000_sums",
    token=3,
    answers="pipewarden.answers.x",
    pipeline="sums:sums",
    settings={"depth": 2},
    prints=("a", "b", "c"),
    source="/data/in.jsonl",
    output_dir="/data/out",
    validate=True,
    line_bytes=1_000,
    silence=15.0,
)
#: Names of files that are not UTF-8 hold lone surrogates; every text must be able to travel.
texts = st.text(st.characters(codec=None), max_size=30)
valid = st.text(max_size=30)
spans = st.tuples(st.integers(0, 1 << 40), st.integers(0, 1 << 30))
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
tasks = st.builds(
    Task,
    key=texts,
    path=texts.filter(lambda t: "\0" not in t).map(Path),
    known_hash=st.none() | valid,
    record=st.none() | valid.map(str.encode),
    rejudge_from=st.none() | valid.map(Path),
    rejudge_span=st.none() | spans,
    identity=st.none() | texts,
    attempt=st.integers(1, 99),
)
results = st.builds(
    Worked,
    key=texts,
    work=st.sampled_from(Work),
    input_hash=valid,
    input_signature=st.none() | st.tuples(*[st.integers(0, 1 << 62)] * 4),
    staged=st.none() | valid.map(Path),
    staged_hash=valid,
    staged_size=st.integers(0, 1 << 40),
    line=st.none() | valid.map(str.encode),
    status=valid,
    findings=st.lists(st.dictionaries(texts, plain, max_size=3), max_size=2).map(tuple),
    identity=st.none() | texts,
    facts=st.none() | st.dictionaries(texts, plain, max_size=3),
    reason=texts,
    message=texts,
    trace=texts,
    seconds=st.floats(0, 1e6),
    attempt=st.integers(1, 99),
)


@given(st.lists(st.builds(Sent, tasks, st.none() | spans), max_size=4), st.integers(1, 1 << 40))
def test_a_chunk_arrives_as_it_was_sent(sent: list[Sent], number: int) -> None:
    chunk = Chunk(number, BRIEF, tuple(sent), repeated=number % 2 == 0)
    assert decode_chunk(encode_chunk(chunk)) == chunk


@given(st.lists(results, max_size=4), st.sampled_from(Sign))
def test_an_answer_arrives_as_it_was_sent(worked: list[Worked], sign: Sign) -> None:
    answer = Answer(sign=sign, number=7, worker="host:12", results=tuple(worked))
    assert decode_answer(encode_answer(answer)) == answer


def test_a_line_that_is_no_record_travels_without_its_bytes() -> None:
    task = Task("line 3", Path("in.jsonl"), record=b"\xff\xfe", problem=("not_json", "it is not"))
    (sent,) = decode_chunk(encode_chunk(Chunk(1, BRIEF, (Sent(task),)))).tasks
    assert (sent.task.problem, sent.task.record) == (task.problem, b"")


def test_an_error_keeps_its_kind_and_its_advice() -> None:
    error = StorageUnavailable("no room", left_behind="nothing", next_step="make room")
    answer = Answer(sign=Sign.REFUSED, number=1, worker="w", error=error)
    arrived = decode_answer(encode_answer(answer)).error
    assert isinstance(arrived, StorageUnavailable)
    assert arrived.diagnostics() == error.diagnostics()


@pytest.mark.parametrize("name", ["SystemExit", "_rebuild", "Annotated"])
def test_a_message_cannot_choose_what_is_raised(name: str) -> None:
    text = encode_answer(
        Answer(sign=Sign.REFUSED, number=1, worker="w", error=InvalidSettings("x"))
    )
    plain = json.loads(text)
    plain["error"]["kind"] = name
    assert type(decode_answer(json.dumps(plain)).error) is pw.PipewardenError


@pytest.mark.parametrize("decode", [decode_chunk, decode_answer])
@pytest.mark.parametrize("text", ['{"version": 2}', "{}"])
def test_another_version_is_refused_with_what_to_do(decode: Any, text: str) -> None:
    with pytest.raises(InvalidSettings, match="different versions") as raised:
        decode(text)
    assert "restart the workers" in raised.value.next_step
