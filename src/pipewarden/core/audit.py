"""Verification of a ledger: does the chain hold, and if not, what was done to it.

The strict pass is all that an intact ledger needs. Only a ledger that does
not hold is read whole and diagnosed, so that each change is named once, at the entry where it was
made, and not again at every entry after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from pipewarden.core.chain import EMPTY, GENESIS, Anchor, LedgerEntry


class FaultKind(StrEnum):
    """What was done to a ledger, as far as it can be told from what is left."""

    ALTERED = "altered"
    REMOVED = "removed"
    INSERTED = "inserted"
    SWAPPED = "swapped"
    CUT = "cut"
    REHASHED = "rehashed"
    #: The head row beside the chain does not say what the chain ends with.
    HEAD_ALTERED = "head_altered"
    #: A trigger that keeps the table append-only is gone, switched off or changed.
    UNGUARDED = "unguarded"


@dataclass(frozen=True, slots=True)
class Fault:
    """One place at which the chain does not hold; ``seq`` is the entry it shows at."""

    kind: FaultKind
    seq: int
    message: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of a verification: how many entries were read, the head, and the faults."""

    entries: int
    head: str
    anchors: int
    faults: tuple[Fault, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.faults


def audit(entries: Iterable[LedgerEntry], anchors: Iterable[Anchor] = ()) -> Audit:
    """Verify a chain against itself and against heads recorded outside it.

    Parameters
    ----------
    entries
        The whole chain in order of ``seq``. What can be iterated twice is not held in memory
        unless it has to be diagnosed.
    anchors
        Heads recorded elsewhere; each must still be where it was.
    """
    held = list(anchors)
    wanted: dict[int, list[Anchor]] = {}
    for anchor in held:
        wanted.setdefault(anchor.count, []).append(anchor)
    missed = [(a, _rehashed(a, GENESIS)) for a in wanted.pop(0, ()) if a.hash != GENESIS]
    chain = list(entries) if isinstance(entries, Iterator) else entries
    last, read, intact = EMPTY, 0, True
    for entry in chain:
        read += 1
        intact = intact and _follows(entry, last)
        missed += [
            (a, _rehashed(a, entry.hash)) for a in wanted.pop(entry.seq, ()) if a.hash != entry.hash
        ]
        last = Anchor(entry.seq, entry.hash)
    missed += [(a, _cut(a, last.count)) for rest in wanted.values() for a in rest]
    faults = [fault for _, fault in missed]
    if not intact:
        # An anchored entry that is still there has only moved, and the diagnosis names by what.
        found = list(chain)
        there = {entry.hash for entry in found}
        faults = [*_diagnosed(found), *(fault for a, fault in missed if a.hash not in there)]
    return Audit(read, last.hash, len(held), tuple(faults))


def _diagnosed(entries: list[LedgerEntry]) -> list[Fault]:
    named = _Diagnosis(list(entries)).faults()
    if named:
        return named
    # Whatever escapes the diagnosis is still named where the strict pass stumbled.
    before = EMPTY
    for entry in entries:
        if not _follows(entry, before):
            break
        before = Anchor(entry.seq, entry.hash)
    message = f"the chain does not hold at entry {before.count + 1}"
    return [Fault(FaultKind.ALTERED, before.count + 1, message)]


def _follows(entry: LedgerEntry, before: Anchor) -> bool:
    return (
        entry.seq == before.count + 1
        and entry.prev_hash == before.hash
        and entry.expected_hash() == entry.hash
    )


def _rehashed(anchor: Anchor, found: str) -> Fault:
    message = (
        f"entry {anchor.count} has the hash {found}, but {anchor.source or 'an anchor'} recorded "
        f"{anchor.hash}: the chain was computed anew, or the report is of another database"
    )
    return Fault(FaultKind.REHASHED, anchor.count, message)


def _cut(anchor: Anchor, count: int) -> Fault:
    message = (
        f"the chain ends at entry {count}, but {anchor.source or 'an anchor'} recorded "
        f"{anchor.count} entries: the tail was cut off"
    )
    return Fault(FaultKind.CUT, count, message)


class _Diagnosis:
    """A walk over a broken chain that mends, in memory, each change it has named.

    ``shift`` is by how much sequence numbers have moved against those that were hashed: +1 after an
    insertion that renumbered the rest, -1 after a removal that did.
    """

    def __init__(self, entries: list[LedgerEntry]) -> None:
        self.entries = entries
        self.index = {entry.seq: i for i, entry in enumerate(entries)}
        self.unsound = [e.seq for e in entries if e.expected_hash() != e.hash]
        self.shift = 0
        self.before = EMPTY
        self.parent = EMPTY

    def faults(self) -> list[Fault]:
        found: list[Fault] = []
        for i in range(len(self.entries)):
            entry = self.entries[i]
            if entry.seq > self.before.count + 1:
                found.append(self._gap(entry))
            fault = self._look(i)
            if fault is not None and (fault.kind, fault.seq) not in [
                (known.kind, known.seq) for known in found[-1:]
            ]:
                found.append(fault)
            entry = self.entries[i]
            if fault is None or fault.kind is not FaultKind.INSERTED or fault.seq != entry.seq:
                self.parent, self.before = self.before, Anchor(entry.seq, entry.hash)
            else:  # the entry is not part of the chain: what follows links to the one before it
                self.before = Anchor(entry.seq, self.before.hash)
        return found

    def _gap(self, entry: LedgerEntry) -> Fault:
        first, last = self.before.count + 1, entry.seq - 1
        which = f"entry {first} was" if first == last else f"entries {first} to {last} were"
        self.before = Anchor(last, entry.prev_hash)
        return Fault(FaultKind.REMOVED, first, f"{which} removed")

    def _look(self, i: int) -> Fault | None:
        entry = self.entries[i]
        born = self._born(entry)
        here = entry.seq - self.shift
        if born is None:
            return Fault(FaultKind.ALTERED, entry.seq, f"entry {entry.seq} was altered")
        if born == here:
            return None if entry.prev_hash == self.before.hash else self._unlinked(i)
        partner = self.index.get(born + self.shift)
        if partner is not None and self._born(self.entries[partner]) == here:
            return self._swapped(i, partner)
        return self._renumbered(entry, born)

    def _born(self, entry: LedgerEntry) -> int | None:
        """Return the sequence number with which the entry was hashed, if it can be found."""
        here = entry.seq - self.shift
        for seq in (here, here - 1, here + 1, *(s - self.shift for s in self.unsound[:1000])):
            if replace(entry, seq=seq).expected_hash() == entry.hash:
                return seq
        return None

    def _unlinked(self, i: int) -> Fault:
        entry = self.entries[i]
        following = self.entries[i + 1] if i + 1 < len(self.entries) else None
        if following is None or following.prev_hash == self.before.hash:
            if following is not None:
                self.shift += self._born(following) == entry.seq - self.shift
            message = f"entry {entry.seq} was inserted: it is not linked to the one before it"
            return Fault(FaultKind.INSERTED, entry.seq, message)
        message = f"entry {self.before.count} was altered: entry {entry.seq} links to another hash"
        return Fault(FaultKind.ALTERED, self.before.count, message)

    def _swapped(self, i: int, partner: int) -> Fault:
        one, other = self.entries[i], self.entries[partner]
        self.entries[i] = replace(other, seq=one.seq)
        self.entries[partner] = replace(one, seq=other.seq)
        message = f"entries {one.seq} and {other.seq} were swapped"
        return Fault(FaultKind.SWAPPED, one.seq, message)

    def _renumbered(self, entry: LedgerEntry, born: int) -> Fault:
        moved = (entry.seq - born) - self.shift
        self.shift += moved
        if moved > 0 and entry.prev_hash == self.parent.hash:
            seq = self.before.count
            return Fault(FaultKind.INSERTED, seq, f"entry {seq} was inserted, the rest renumbered")
        if moved < 0:
            message = f"an entry before {entry.seq} was removed, the rest renumbered"
            return Fault(FaultKind.REMOVED, entry.seq, message)
        message = f"entry {entry.seq} was moved from position {born}"
        return Fault(FaultKind.SWAPPED, entry.seq, message)
