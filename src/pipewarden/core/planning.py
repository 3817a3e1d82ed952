"""The one rule that says what a run does with an item, from what is known and what is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipewarden.core.items import Action, State


class OutputState(StrEnum):
    """What was found where a published output should be."""

    SOUND = "sound"
    MISSING = "missing"
    ALTERED = "altered"
    #: Not here, and this machine never produced it: a colleague's, in a shared manifest.
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What an output depends on beside its input's bytes.

    Parameters
    ----------
    pipeline
        ``<declared version>/<code>/<settings>``.
    measures
        The set of checks and their conditions; a change asks for new measurements.
    thresholds
        What judges the measured values; a change asks only for a new judgement.
    """

    pipeline: str
    measures: str
    thresholds: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What a run was asked to do beyond the ordinary.

    Parameters
    ----------
    max_attempts
        How many runs may try an item that errored.
    force
        Process every item, whatever is known of it.
    validate
        Whether the gate is on.
    require_outputs
        Process again what was produced elsewhere.
    """

    max_attempts: int = 3
    force: bool = False
    validate: bool = True
    require_outputs: bool = False


Decision = tuple[State, Action, str]


def decide(
    entry: Mapping[str, Any] | None,
    *,
    changed: bool,
    output: OutputState,
    wanted: Fingerprints | None,
    policy: Policy,
) -> Decision:
    """Return the state of an item, what to do with it, and why.

    Parameters
    ----------
    entry
        What the manifest holds; None for an item it does not know.
    changed
        Whether the input's bytes differ from the recorded hash.
    output
        What was found at the recorded output; ignored for failed items.
    wanted
        Today's fingerprints; None compares none (a manifest used without a pipeline).
    policy
        What the run was asked to do.
    """
    if entry is None:
        return State.NEW, Action.PROCESS, "not seen before"
    if changed:
        return State.CHANGED, Action.PROCESS, f"its bytes changed since {_when(entry)}"
    if entry.get("retry"):
        return State.FAILED, Action.PROCESS, f"a retry was asked for: {entry['retry']}"
    if policy.force:
        return State.FORCED, Action.PROCESS, "asked for"
    if wanted is not None and entry.get("fingerprint") != wanted.pipeline:
        return State.STALE, Action.PROCESS, _what_changed(entry.get("fingerprint"), wanted.pipeline)
    failed = entry["status"] == "failed"
    return (
        _decide_failed(entry, wanted, policy)
        if failed
        else _decide_success(entry, output, wanted, policy)
    )


def _decide_failed(
    entry: Mapping[str, Any], wanted: Fingerprints | None, policy: Policy
) -> Decision:
    reason = entry.get("reason") or "no reason recorded"
    if entry.get("kind") == "rejected":
        stale = _stale_gate(entry, wanted) if policy.validate else None
        return stale or (State.REJECTED, Action.SKIP, f"in quarantine, rejected: {reason}")
    attempts = int(entry.get("attempt_count", 1))
    if attempts < policy.max_attempts:
        why = f"errored ({reason}); attempt {attempts + 1} of {policy.max_attempts}"
        return State.FAILED, Action.PROCESS, why
    why = f"errored ({reason}); all {policy.max_attempts} attempts are spent, waits for a retry"
    return State.FAILED, Action.SKIP, why


def _decide_success(
    entry: Mapping[str, Any], output: OutputState, wanted: Fingerprints | None, policy: Policy
) -> Decision:
    if output is OutputState.ELSEWHERE and not policy.require_outputs:
        return State.ELSEWHERE, Action.SKIP, "produced on another machine; its output is not here"
    if output is OutputState.ALTERED:
        why = f"its output {entry.get('output_path')} no longer has the recorded hash"
        return State.OUTPUT_MISSING, Action.PROCESS, why
    if output is not OutputState.SOUND:
        why = f"its output {entry.get('output_path')} is not there"
        return State.OUTPUT_MISSING, Action.PROCESS, why
    if policy.validate:
        if entry.get("validated") is False and wanted is not None:
            return State.STALE, Action.PROCESS, "published without validation"
        if stale := _stale_gate(entry, wanted):
            return stale
    return State.UNCHANGED, Action.SKIP, unchanged(entry)


def unchanged(entry: Mapping[str, Any]) -> str:
    """Return why an item is skipped that is as it was."""
    return f"unchanged since {_when(entry)}"


def _stale_gate(entry: Mapping[str, Any], wanted: Fingerprints | None) -> Decision | None:
    if wanted is None:
        return None
    if entry.get("measures") != wanted.measures:
        return State.STALE, Action.PROCESS, "the gate's checks changed"
    if entry.get("thresholds") != wanted.thresholds:
        return State.STALE, Action.REJUDGE, "the gate's thresholds changed; it is judged again"
    return None


def _when(entry: Mapping[str, Any]) -> str:
    return str(entry.get("last_processed") or entry.get("last_attempt") or "an unknown time")


def _what_changed(before: str | None, after: str) -> str:
    if not before:
        return "no fingerprint is recorded for it"
    names = ("the declared version", "the code", "the settings")
    parts = zip(names, before.split("/"), after.split("/"), strict=False)
    changed = [name for name, old, new in parts if old != new]
    return f"{' and '.join(changed) or 'the fingerprint'} of the pipeline changed"
