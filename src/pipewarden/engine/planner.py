"""The planner: compares a source with its manifest and says what a run would do, and why."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pipewarden.core.canonical import digest_of
from pipewarden.core.items import Action, Plan, State, Step
from pipewarden.core.planning import Fingerprints, OutputState, Policy, decide, unchanged
from pipewarden.engine.publication.lines import PublishedLines
from pipewarden.engine.records import RecordScan, RecordSource
from pipewarden.engine.source import Scan, SignatureRow, Source
from pipewarden.store.files.hashing import Signature, compute_file_hash, trusted_signature
from pipewarden.store.manifest.record import Entry, collector_paused
from pipewarden.store.manifest.stat_cache import StatRow


class Known(Protocol):
    """What a planner asks of a manifest, file or table."""

    def in_order(self) -> Iterable[tuple[str, Entry, StatRow | None]]:
        """Yield every key, in order, with its entry and its signatures."""
        ...

    def get(self, key: str) -> Entry | None:
        """Return what is known of the item, or None."""
        ...

    def remember(self, key: str, source: Signature | None, output: Signature | None) -> None:
        """Remember the signatures of an item's input and output, to be saved with the next save."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What a plan is asked for.

    Parameters
    ----------
    wanted
        Today's fingerprints of the pipeline and its gate.
    policy
        Attempts, force, validation, outputs of other machines.
    output_dir
        Where outputs are expected, mirroring the source.
    rehash
        Hash every input, whatever the stat cache says.
    only_failed
        Plan work only for items that lie in quarantine.
    path_sensitive
        Whether a moved file is to be processed again.
    companion
        Path → text of what an item depends on beside its bytes, if the pipeline has such.
    lines
        What lies in the files of lines, where outputs are lines.
    limit
        At most so many items to act on; the others are left for a later run.
    oldest
        Items that were processed before this time are stale; None means that none grows old.
    done
        Keys that this very run decided before it was interrupted.
    """

    wanted: Fingerprints
    policy: Policy
    output_dir: Path
    rehash: bool = False
    only_failed: bool = False
    path_sensitive: bool = False
    companion: Callable[[Path], str] | None = None
    lines: PublishedLines | None = None
    limit: int | None = None
    oldest: datetime | None = None
    done: frozenset[str] = frozenset()


@dataclass(slots=True)
class Planned:
    """A plan with what was learnt while making it.

    ``hashes`` holds the input hashes that had to be taken, ``scan`` what the source holds,
    ``left_out`` the keys that wait because of a limit, ``leftovers`` what a killed run left.
    """

    plan: Plan
    scan: Scan | RecordScan
    hashes: dict[str, str]
    deleted: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    leftovers: tuple[Path, ...] = ()


def make_plan(source: Source | RecordSource, known: Known, request: PlanRequest) -> Planned:
    """Return the plan for a source; nothing is changed, but what was hashed is remembered.

    The cost is one scan of the source, one of the output folder, and one pass over the manifest
    beside it, both in order of the keys; bytes are read only where the stat cache cannot vouch for
    them. Of the manifest, only entries whose file is not there are held in memory.
    """
    with collector_paused():
        planner = _Planner(source, known, request)
        steps = planner.steps()
    if request.lines is not None:
        request.lines.close()
    for key, (read, written) in planner.proven.items():
        known.remember(key, read, written)
    left_out: tuple[str, ...] = ()
    if request.limit is not None:
        acting = [s for s in steps if s.action in (Action.PROCESS, Action.REJUDGE)]
        left_out = tuple(s.key for s in in_order_of(planner.scan, acting)[request.limit :])
        waiting = set(left_out)
        steps = [step for step in steps if step.key not in waiting]
    deleted = tuple(planner.deleted)
    leftovers = (*planner.scan.leftovers, *planner.outputs.leftovers)
    return Planned(Plan(tuple(steps)), planner.scan, planner.hashes, deleted, left_out, leftovers)


class _Planner:
    def __init__(self, source: Source | RecordSource, known: Known, request: PlanRequest) -> None:
        self.source = source
        self.known = known
        self.request = request
        self.records = isinstance(source, RecordSource)
        self.scan: Scan | RecordScan = source.scan()
        self.hashes: dict[str, str] = {}
        #: Signatures of inputs and outputs that were hashed and found to be what they were.
        self.proven: dict[str, tuple[Signature | None, Signature | None]] = {}
        self.deleted: dict[str, tuple[Entry, StatRow | None]] = {}
        self.prefix = output_prefix(request.output_dir, source.folder)
        self.outputs = Scan({}, {}, [], [])
        if request.output_dir.is_dir() and request.lines is None:
            self.outputs = Scan.of(Source(request.output_dir, ("*",)))

    def steps(self) -> list[Step]:
        steps, unknown = self._merge()
        moves = not self.request.path_sensitive and not self.records  # a record holds its key
        moved = self._moved(unknown) if self.deleted and moves else {}
        for key, place in unknown.items():
            steps[place] = self._unknown_step(key, moved.get(key))
        taken = set(moved.values())
        what = "record" if self.records else "file"
        why = f"its {what} is gone; --prune-deleted forgets it"
        steps += [
            Step(key, State.DELETED, Action.SKIP, why) for key in self.deleted if key not in taken
        ]
        return steps

    def _merge(self) -> tuple[list[Step], dict[str, int]]:
        """Return a step for every file found, and the places of those that are not known.

        A file that is not known may have been moved, which shows only when all deleted ones are
        known: its step is made later.
        """
        found = self.scan.found
        steps: list[Step] = []
        unknown: dict[str, int] = {}
        later = Step("", State.NEW, Action.PROCESS, "")
        as_it_was = self._unchanged_rule()
        rows = iter(self.known.in_order())
        held = next(rows, None)
        for key in sorted(found):
            while held is not None and held[0] < key:
                self._missing(*held)
                held = next(rows, None)
            if held is not None and held[0] == key:
                _, entry, cached = held
                if cached is not None and as_it_was(found[key], entry, cached):
                    steps.append(Step(key, State.UNCHANGED, Action.SKIP, unchanged(entry)))
                else:
                    steps.append(self._step(key, found[key], entry, cached))
                held = next(rows, None)
            else:
                unknown[key] = len(steps)
                steps.append(later)
        while held is not None:
            self._missing(*held)
            held = next(rows, None)
        return steps, unknown

    def _missing(self, key: str, entry: Entry, cached: StatRow | None) -> None:
        if key.startswith(tuple(self.scan.unseen)):
            return  # whether it is gone cannot be seen from here
        # A file that is there is only left out by the pattern.
        if self.records or not os.path.lexists(self.source.folder / key):
            self.deleted[key] = entry, cached

    def _moved(self, unknown: Iterable[str]) -> dict[str, str]:
        """Return ``{new key: old key}`` for files whose bytes a deleted entry had."""
        sizes: set[int | None] = set()
        by_hash: dict[str, list[str]] = {}
        for key, (entry, cached) in self.deleted.items():
            sizes.add(cached[0][0] if cached and cached[0] else None)
            by_hash.setdefault(entry["hash"], []).append(key)
        moved: dict[str, str] = {}
        for key in unknown:
            row = self.scan.found[key]
            if row is None or (None not in sizes and row[0] not in sizes):
                continue
            taken = self._hash(key)
            if taken is not None and by_hash.get(taken):
                moved[key] = by_hash[taken].pop(0)
        return moved

    def _hash(self, key: str) -> str | None:
        try:
            taken = compute_file_hash(self.scan.path(self.source.folder, key))
        except OSError:
            return None  # processing it will say why
        self.hashes[key] = taken
        return taken

    def _unknown_step(self, key: str, moved_from: str | None) -> Step:
        if key not in self.request.done and moved_from:
            return self._moved_step(key, moved_from)
        return self._step(key, self.scan.found[key], None, None)

    def _step(
        self, key: str, row: SignatureRow | None, entry: Entry | None, cached: StatRow | None
    ) -> Step:
        request = self.request
        if key in request.done:
            return Step(key, State.UNCHANGED, Action.SKIP, "decided earlier in this run")
        changed, output = False, OutputState.SOUND
        if entry is not None:
            if request.rehash or cached is None or cached[0] != row:
                changed = self._changed(key, entry, cached)
            if entry["status"] == "success" and not changed:
                output = self._output(key, entry, cached)
        state, action, why = decide(
            entry, changed=changed, output=output, wanted=request.wanted, policy=request.policy
        )
        if entry is not None and action is Action.SKIP and self._freed(entry):
            state, action = State.STALE, Action.PROCESS
            why = f"the item it duplicated, {entry['duplicate_of']}, is gone"
        if entry is not None and action is Action.SKIP and self._companion_changed(key, entry):
            state, action = State.STALE, Action.PROCESS
            why = "what it depends on beside its bytes changed"
        if entry is not None and state is State.UNCHANGED and self._too_old(entry):
            state, action = State.STALE, Action.PROCESS
            why = f"it was made {entry['last_processed'][:10]}, longer ago than it may be"
        if request.only_failed:
            action, why = _only_failed(entry, action, why)
        return Step(key, state, action, why)

    def _unchanged_rule(self) -> Callable[[SignatureRow | None, Entry, StatRow], bool]:
        """Return a quick rule that is true only where `decide` would say unchanged.

        Most items of most runs are unchanged, and this is what their plan costs.
        """
        request, wanted = self.request, self.request.wanted
        plain = not (
            request.policy.force
            or request.rehash
            or request.done
            or request.only_failed
            or request.companion
            or request.oldest
        )
        prefix, cut, outputs = self.prefix, len(self.prefix), self.outputs.found

        def as_it_was(row: SignatureRow | None, entry: Entry, cached: StatRow) -> bool:
            output = entry.get("output_path")
            return (
                plain
                and cached[0] == row
                and output is not None
                and cached[1] is not None
                and cached[1] == outputs.get(output[cut:])
                and output.startswith(prefix)
                and entry["status"] == "success"
                and entry.get("fingerprint") == wanted.pipeline
                and entry.get("measures") == wanted.measures
                and entry.get("thresholds") == wanted.thresholds
                and "retry" not in entry
                and "validated" not in entry
            )

        return as_it_was

    def _changed(self, key: str, entry: Entry, cached: StatRow | None) -> bool:
        """Whether the input's bytes differ from those that the entry tells of."""
        if key in self.scan.hashes:
            return self.scan.hashes[key] != entry["hash"]
        before = time.time_ns()
        if self._hash(key) != entry["hash"]:
            return True
        source = _vouching(self.scan.path(self.source.folder, key), before)
        self.proven[key] = source, _signature(cached, 1)
        return False

    def _moved_step(self, key: str, moved_from: str) -> Step:
        entry, cached = self.deleted[moved_from]
        output = OutputState.SOUND
        if entry["status"] == "success":
            output = self._output(moved_from, entry, cached)
        state, action, why = decide(
            entry, changed=False, output=output, wanted=self.request.wanted,
            policy=self.request.policy,
        )  # fmt: skip
        if action is Action.SKIP and (self._freed(entry) or entry.get("duplicate_of", "") > key):
            state, action = State.STALE, Action.PROCESS
            why = f"{entry['duplicate_of']}, which it duplicated, comes before it no longer"
        if action is Action.SKIP:
            return Step(key, State.MOVED, Action.MOVE, f"moved from {moved_from}", moved_from)
        return Step(key, state, action, f"moved from {moved_from}; {why}", moved_from)

    def _freed(self, entry: Entry) -> bool:
        """Whether an item was rejected only as a duplicate of one that no longer stands."""
        holder = entry.get("duplicate_of")
        if holder is None:
            return False
        held = self.known.get(holder)
        stands = held is not None and held["status"] == "success" and holder in self.scan.found
        return not stands or held is None or held.get("identity") != entry.get("identity")

    def _companion_changed(self, key: str, entry: Entry) -> bool:
        """Whether what an item depends on beside its bytes is not what it was."""
        companion = self.request.companion
        if companion is None:
            return False
        text = companion(self.scan.path(self.source.folder, key))
        return entry.get("companion") != digest_of(text)

    def _too_old(self, entry: Entry) -> bool:
        oldest, made = self.request.oldest, entry.get("last_processed")
        return oldest is not None and made is not None and datetime.fromisoformat(made) < oldest

    def _output(self, key: str, entry: Entry, cached: StatRow | None) -> OutputState:
        recorded = entry.get("output_path")
        lines = self.request.lines
        if not recorded or lines is not None:
            return lines.state(entry) if recorded and lines is not None else OutputState.SOUND
        if not recorded.startswith(self.prefix):
            return OutputState.MISSING
        below = recorded[len(self.prefix) :]
        found = self.outputs.found.get(below)
        if found is None:
            self.proven.pop(key, None)  # a line in the stat cache would say it was made here
            return OutputState.MISSING if cached is not None else OutputState.ELSEWHERE
        if cached is not None and cached[1] == found:
            return OutputState.SOUND
        path, before = self.request.output_dir / below, time.time_ns()
        if compute_file_hash(path) != entry.get("output_hash"):
            return OutputState.ALTERED
        source, _ = self.proven.get(key) or (_signature(cached, 0), None)
        self.proven[key] = source, _vouching(path, before)
        return OutputState.SOUND


def in_order_of(scan: Scan | RecordScan, steps: Iterable[Step]) -> list[Step]:
    """Return steps in the order of the source: of records that of their file, else as they are."""
    if isinstance(scan, Scan):
        return list(steps)
    return sorted(steps, key=lambda step: scan.found[step.key])


def _only_failed(entry: Entry | None, action: Action, why: str) -> tuple[Action, str]:
    """Return what to do with an item when only failed ones were asked for."""
    failed = entry is not None and entry["status"] == "failed"
    if failed and action is Action.SKIP:
        return Action.PROCESS, f"{why}; failed items were asked for"
    if not failed and action is not Action.SKIP:
        return Action.SKIP, f"{why}; only failed items were asked for"
    return action, why


def _vouching(path: Path, taken_ns: int) -> Signature | None:
    """Return the signature of a file just hashed, where it proves that it is the same still."""
    try:
        return trusted_signature(path.stat(), taken_ns)
    except OSError:
        return None


def _signature(cached: StatRow | None, side: int) -> Signature | None:
    row = cached[side] if cached else None
    return (row[0], row[1], row[2], row[3]) if row else None


def output_prefix(output_dir: Path, folder: Path) -> str:
    """Return how output paths of this folder begin, as the manifest writes them."""
    relative = os.path.relpath(output_dir, folder).replace(os.sep, "/")
    return "" if relative == "." else f"{relative}/"
