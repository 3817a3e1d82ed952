"""The planner: compares a source with its manifest and says what a run would do, and why."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipewarden.core.items import Action, Plan, State, Step
from pipewarden.core.planning import Fingerprints, OutputState, Policy, decide
from pipewarden.engine.source import Scan, SignatureRow, Source
from pipewarden.store.files.hashing import compute_file_hash
from pipewarden.store.manifest.record import Entry


class Known(Protocol):
    """What a planner asks of a manifest, file or table."""

    def entries(self) -> Iterable[tuple[str, Entry]]:
        """Yield every key and entry."""
        ...

    def stat_rows(self) -> Mapping[str, list[list[int] | None]]:
        """Return ``{key: [input signature, output signature]}``."""
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
    limit
        At most so many items to act on; the others are left for a later run.
    done
        Keys that this very run decided before it was interrupted.
    """

    wanted: Fingerprints
    policy: Policy
    output_dir: Path
    rehash: bool = False
    only_failed: bool = False
    path_sensitive: bool = False
    limit: int | None = None
    done: frozenset[str] = frozenset()


@dataclass(slots=True)
class Planned:
    """A plan with what was learnt while making it.

    ``hashes`` holds the input hashes that had to be taken, ``scan`` what the source holds,
    ``left_out`` the keys that wait because of a limit, ``leftovers`` what a killed run left.
    """

    plan: Plan
    scan: Scan
    hashes: dict[str, str]
    deleted: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    leftovers: tuple[Path, ...] = ()


def make_plan(source: Source, known: Known, request: PlanRequest) -> Planned:
    """Return the plan for a source; nothing is changed.

    The cost is one scan of the source, one of the output folder, and one look-up for each item;
    bytes are read only where the stat cache cannot vouch for them.
    """
    scan = source.scan()
    planner = _Planner(source, scan, known, request)
    steps = planner.steps()
    acting = [s.key for s in steps if s.action in (Action.PROCESS, Action.REJUDGE)]
    left_out = tuple(acting[request.limit :]) if request.limit is not None else ()
    if left_out:
        waiting = set(left_out)
        steps = [step for step in steps if step.key not in waiting]
    deleted = tuple(planner.deleted)
    leftovers = tuple(planner.outputs.leftovers)
    return Planned(Plan(tuple(steps)), scan, planner.hashes, deleted, left_out, leftovers)


class _Planner:
    def __init__(self, source: Source, scan: Scan, known: Known, request: PlanRequest) -> None:
        self.source = source
        self.scan = scan
        self.request = request
        self.entries = dict(known.entries())
        self.rows = known.stat_rows()
        self.hashes: dict[str, str] = {}
        self.deleted: list[str] = []
        self.prefix = output_prefix(request.output_dir, source.folder)
        self.outputs = Scan({}, {}, [], [])
        if request.output_dir.is_dir():
            self.outputs = Scan.of(Source(request.output_dir, ("*",)))

    def steps(self) -> list[Step]:
        found, entries = self.scan.found, self.entries
        if len(found) != len(entries) or found.keys() != entries.keys():
            self.deleted = [key for key in sorted(entries.keys() - found.keys()) if self._gone(key)]
        moved = self._moved() if self.deleted else {}
        steps = [self._step(key, found[key], moved.get(key)) for key in sorted(found)]
        taken = set(moved.values())
        for key in self.deleted:
            if key not in taken:
                why = "its file is gone; --prune-deleted forgets it"
                steps.append(Step(key, State.DELETED, Action.SKIP, why))
        return steps

    def _gone(self, key: str) -> bool:
        return not os.path.lexists(self.source.folder / key)

    def _moved(self) -> dict[str, str]:
        """Return ``{new key: old key}`` for files whose bytes a deleted entry had."""
        sizes: set[int | None] = set()
        by_hash: dict[str, list[str]] = {}
        for key in self.deleted:
            cached = self.rows.get(key)
            sizes.add(cached[0][0] if cached and cached[0] else None)
            by_hash.setdefault(self.entries[key]["hash"], []).append(key)
        moved: dict[str, str] = {}
        for key in sorted(self.scan.found.keys() - self.entries.keys()):
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

    def _step(self, key: str, row: SignatureRow | None, moved_from: str | None) -> Step:
        if key in self.request.done:
            return Step(key, State.UNCHANGED, Action.SKIP, "decided earlier in this run")
        if moved_from is not None and not self.request.path_sensitive:
            return self._moved_step(key, moved_from)
        entry = self.entries.get(key)
        cached = self.rows.get(key)
        fresh = not self.request.rehash and cached is not None and cached[0] == row
        changed = entry is not None and not fresh and self._hash(key) != entry["hash"]
        output = OutputState.SOUND
        if entry is not None and entry["status"] == "success" and not changed:
            output = self._output(entry, cached)
        state, action, why = decide(
            entry, changed=changed, output=output, wanted=self.request.wanted,
            policy=self.request.policy,
        )  # fmt: skip
        if entry is not None and action is Action.SKIP and self._freed(entry):
            state, action = State.STALE, Action.PROCESS
            why = f"the item it duplicated, {entry['duplicate_of']}, is gone"
        if self.request.only_failed and action is not Action.SKIP:
            if entry is None or entry["status"] != "failed":
                action, why = Action.SKIP, f"{why}; only failed items were asked for"
        elif self.request.only_failed and entry is not None and entry["status"] == "failed":
            action, why = Action.PROCESS, f"{why}; failed items were asked for"
        return Step(key, state, action, why)

    def _moved_step(self, key: str, moved_from: str) -> Step:
        entry = self.entries[moved_from]
        output = OutputState.SOUND
        if entry["status"] == "success":
            output = self._output(entry, self.rows.get(moved_from))
        state, action, why = decide(
            entry, changed=False, output=output, wanted=self.request.wanted,
            policy=self.request.policy,
        )  # fmt: skip
        if action is Action.SKIP:
            return Step(key, State.MOVED, Action.MOVE, f"moved from {moved_from}", moved_from)
        return Step(key, state, action, f"moved from {moved_from}; {why}", moved_from)

    def _freed(self, entry: Entry) -> bool:
        """Whether an item was rejected only as a duplicate of one that no longer stands."""
        holder = entry.get("duplicate_of")
        if holder is None:
            return False
        held = self.entries.get(holder)
        stands = held is not None and held["status"] == "success" and holder in self.scan.found
        return not stands or held is None or held.get("identity") != entry.get("identity")

    def _output(self, entry: Entry, cached: list[list[int] | None] | None) -> OutputState:
        recorded = entry.get("output_path")
        if not recorded:
            return OutputState.SOUND
        if not recorded.startswith(self.prefix):
            return OutputState.MISSING
        found = self.outputs.found.get(recorded[len(self.prefix) :])
        if found is None:
            return OutputState.MISSING if cached is not None else OutputState.ELSEWHERE
        if cached is not None and cached[1] == found:
            return OutputState.SOUND
        if compute_file_hash(self.source.folder / recorded) == entry.get("output_hash"):
            return OutputState.SOUND
        return OutputState.ALTERED


def output_prefix(output_dir: Path, folder: Path) -> str:
    """Return how output paths of this folder begin, as the manifest writes them."""
    relative = os.path.relpath(output_dir, folder).replace(os.sep, "/")
    return "" if relative == "." else f"{relative}/"
