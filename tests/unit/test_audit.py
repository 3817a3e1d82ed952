"""The audit of a chain: an intact one holds, and no tampering passes unnamed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from pipewarden.core.audit import FaultKind, audit
from pipewarden.core.chain import EMPTY, GENESIS, Act, Anchor, link

TS = "2026-03-01T12:00:00+00:00"

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
acts = st.builds(
    Act,
    actor=st.text(min_size=1, max_size=5),
    action=st.sampled_from(["run.started", "item.released"]),
    subject=st.text(max_size=5),
    reason=st.text(max_size=5),
    details=st.dictionaries(
        st.text(max_size=3),
        plain.filter(lambda value: "inf" not in repr(value)),
        max_size=3,
    ),
)


def chained(some, head=EMPTY):
    entries = []
    for act in some:
        entries.append(link(head, act, TS))
        head = Anchor(entries[-1].seq, entries[-1].hash)
    return entries


def head_of(entries):
    return Anchor(len(entries), entries[-1].hash) if entries else EMPTY


chains = st.lists(acts, min_size=1, max_size=8).map(chained)


@given(chains)
def test_an_intact_chain_holds_against_each_of_its_heads(entries):
    anchors = [Anchor(entry.seq, entry.hash) for entry in entries]
    found = audit(iter(entries), [EMPTY, *anchors])
    assert found.holds
    assert (found.entries, found.head) == (len(entries), entries[-1].hash)
    assert found.anchors == len(entries) + 1


@given(chains, st.lists(acts, min_size=1, max_size=3))
def test_a_chain_that_grew_holds_against_its_earlier_head(entries, more):
    grown = entries + chained(more, head_of(entries))
    assert audit(grown, [head_of(entries)]).holds


def test_an_empty_chain_holds_and_an_emptied_one_is_cut():
    assert audit([]).holds
    assert audit([]).head == GENESIS
    assert audit([], [EMPTY]).holds
    (fault,) = audit([], [Anchor(3, "sha256:x", "report.md")]).faults
    assert fault.kind is FaultKind.CUT
    assert "report.md recorded 3 entries" in fault.message


# -- one tampering at a time -----------------------------------------------------------------------


def alter(entries, i, other):
    fields = ("actor", "reason", "subject", "ts", "prev_hash", "hash")
    field = fields[other % len(fields)]
    entries[i] = replace(entries[i], **{field: getattr(entries[i], field) + "!"})


def alter_details(entries, i, other):
    entries[i] = replace(entries[i], details={**entries[i].details, "forged": other})


def alter_and_rehash(entries, i, other):
    changed = replace(entries[i], reason=entries[i].reason + "!")
    entries[i] = replace(changed, hash=changed.expected_hash())


def remove(entries, i, other):
    del entries[i]


def remove_and_renumber(entries, i, other):
    del entries[i]
    entries[i:] = [replace(entry, seq=entry.seq - 1) for entry in entries[i:]]


def insert(entries, i, other):
    stranger = chained(
        [Act(actor="eve", action="forged", subject=str(other))], head_of(entries[:i])
    )
    entries[i:] = stranger + [replace(entry, seq=entry.seq + 1) for entry in entries[i:]]


def duplicate(entries, i, other):
    entries.insert(i, entries[i])


def swap(entries, i, other):
    j = other % len(entries)
    entries[i], entries[j] = replace(entries[j], seq=i + 1), replace(entries[i], seq=j + 1)


def cut(entries, i, other):
    del entries[i:]


def rehash_suffix(entries, i, other):
    changed = [
        Act(
            actor=e.actor,
            action=e.action,
            subject=e.subject,
            reason=e.reason + "!",
            details=e.details,
        )
        for e in entries[i:]
    ]
    entries[i:] = chained(changed, head_of(entries[:i]))


TAMPERINGS = [
    alter,
    alter_details,
    alter_and_rehash,
    remove,
    remove_and_renumber,
    insert,
    duplicate,
    swap,
    cut,
    rehash_suffix,
]


@pytest.mark.parametrize("tampering", TAMPERINGS)
@given(entries=chains, where=st.integers(0, 7), other=st.integers(0, 7))
def test_any_single_tampering_is_detected_given_the_anchor(tampering, entries, where, other):
    changed = list(entries)
    tampering(changed, where % len(entries), other)
    found = audit(changed, [head_of(entries)])
    assert found.holds is (changed == entries)


@given(
    entries=chains,
    steps=st.lists(
        st.tuples(st.sampled_from(TAMPERINGS), st.integers(0, 7), st.integers(0, 7)), max_size=4
    ),
)
def test_a_chain_holds_given_the_anchor_only_if_it_still_begins_as_it_was(entries, steps):
    changed = list(entries)
    for tampering, where, other in steps:
        if changed:
            tampering(changed, where % len(changed), other)
    found = audit(changed, [head_of(entries)])
    assert found.holds is (changed[: len(entries)] == entries and _sound(changed))
    assert all(fault.message for fault in found.faults)


def _sound(entries):
    head = EMPTY
    for entry in entries:
        good = (entry.seq, entry.prev_hash, entry.hash)
        if good != (head.count + 1, head.hash, entry.expected_hash()):
            return False
        head = Anchor(entry.seq, entry.hash)
    return True


# -- the name that is given ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tampering", "where", "other", "kind", "seq"),
    [
        (alter, 4, 0, FaultKind.ALTERED, 5),
        (alter, 4, 4, FaultKind.ALTERED, 5),
        (alter, 4, 5, FaultKind.ALTERED, 5),
        (alter_details, 0, 0, FaultKind.ALTERED, 1),
        (alter_and_rehash, 4, 0, FaultKind.ALTERED, 5),
        (remove, 0, 0, FaultKind.REMOVED, 1),
        (remove, 4, 0, FaultKind.REMOVED, 5),
        (remove_and_renumber, 4, 0, FaultKind.REMOVED, 5),
        (insert, 4, 0, FaultKind.INSERTED, 5),
        (swap, 4, 5, FaultKind.SWAPPED, 5),
        (swap, 1, 8, FaultKind.SWAPPED, 2),
        (cut, 7, 0, FaultKind.CUT, 7),
        (rehash_suffix, 4, 0, FaultKind.REHASHED, 10),
    ],
)
def test_a_tampering_is_named_once_and_where_it_was_made(tampering, where, other, kind, seq):
    entries = chained([Act(actor="ada", action="a", subject=str(n)) for n in range(10)])
    changed = list(entries)
    tampering(changed, where, other)
    found = audit(changed, [head_of(entries)])
    assert [(fault.kind, fault.seq) for fault in found.faults] == [(kind, seq)]
    assert str(seq) in found.faults[0].message
