"""What happened, in the words of a timeline: from the checks, the alerts and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipewarden.core.chain import LedgerEntry
from pipewarden.core.healing.states import HealingState
from pipewarden.core.monitoring.alerts.incidents import Incident
from pipewarden.core.monitoring.alerts.messages import headline
from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.core.monitoring.observations import Observation, ObservationStatus

if TYPE_CHECKING:
    from pipewarden.healing.advancing import Advanced

_METRIC = "performance.auc"
_DRIFTED = (ObservationStatus.WARN, ObservationStatus.BREACH)
_TONES = {ObservationStatus.BREACH: "bad", ObservationStatus.WARN: "warn"}
_WIDTH, _BAR = 96, 40


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline.

    Parameters
    ----------
    who
        Who saw or did it.
    """

    day: float
    who: str
    words: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """How good the answers of one day were, by their labels.

    Parameters
    ----------
    auc
        Area under the ROC curve; 0.5 is a coin.
    labels
        On how many answers it rests.
    """

    day: float
    version: int
    auc: float
    labels: int
    limit: float
    status: ObservationStatus


def measured(day: float, observations: Sequence[Observation]) -> Measured | None:
    """Return how good the answers were; None where no labels came."""
    for one in observations:
        if one.metric == _METRIC and one.value is not None:
            assert one.version is not None
            return Measured(
                day, one.version, one.value, one.sample or 0, one.threshold or 0.0, one.status
            )
    return None


def seen(day: float, observations: Sequence[Observation]) -> Iterator[Happening]:
    """Yield what the monitor saw of the model: its answers, and what it is asked."""
    held = measured(day, observations)
    if held is not None:
        words = (
            f"AUC of version {held.version} is {held.auc:.3f} on {held.labels:,} labels "
            f"(limit {held.limit:.3f})"
        )
        yield Happening(day, "monitor", words, _TONES.get(held.status, "good"))
    share = next((one for one in observations if one.metric == "drift.observed_share"), None)
    drifted = [
        one
        for one in observations
        if one.metric == "drift.feature" and one.status in _DRIFTED and one.value is not None
    ]
    if share is not None and drifted:
        drifted.sort(key=lambda one: -(one.value or 0.0))
        named = " and ".join(f"{one.feature} by {one.value:.2f}" for one in drifted[:2])
        number = f"{len(drifted)} features drifted, most of all"
        words = f"{'1 feature drifted:' if len(drifted) == 1 else number} {named}"
        words += " standard deviations"
        yield Happening(day, "monitor", words, _TONES.get(share.status, "warn"))


def alerted(
    day: float, raised: Sequence[Incident], resolved: Sequence[Incident]
) -> Iterator[Happening]:
    """Yield the critical alerts, counted, the first one's figure with them."""
    grave = [one for one in raised if one.severity is Severity.CRITICAL]
    if grave:
        more = f" (and {len(grave) - 1} more)" if len(grave) > 1 else ""
        yield Happening(day, "alert", f"CRITICAL, told at once: {headline(grave[0])}{more}", "bad")
    over = [one for one in resolved if one.severity is Severity.CRITICAL]
    if over:
        words = f"{len(over)} critical alerts are over by themselves, after good checks in a row"
        yield Happening(day, "alert", words, "good")


def done(day: float, entries: Sequence[LedgerEntry]) -> Iterator[Happening]:
    """Yield what was done about it, as the ledger has it."""
    for entry in entries:
        told = _ACTS.get(entry.action)
        if told is not None:
            who, words, tone = told
            yield Happening(day, who, words(entry), tone)


def waits(day: float, healings: Sequence[Advanced]) -> Iterator[Happening]:
    """Yield what healings wait for; a trial that has begun needs no further word."""
    for one in healings:
        if one.waits and one.healing.state is not HealingState.TRYING:
            yield Happening(day, "healer", f"waits: {one.waits}")


def lines(one: Happening) -> list[str]:
    """Return a happening as lines of a terminal."""
    import textwrap

    head = f"  day {one.day:3.0f}  {one.who.ljust(8)}  "
    return textwrap.wrap(one.words, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head))


def bars(days: Sequence[Measured]) -> list[str]:
    """Return the quality of the answers day by day, as bars from a coin's 0.5 to 1."""
    return [
        f"  day {one.day:3.0f}  version {one.version}  {one.auc:.3f}  "
        + "█" * max(1, round((one.auc - 0.5) * 2 * _BAR))
        for one in days
    ]


def _reason(before: str = "", after: str = "") -> Callable[[LedgerEntry], str]:
    return lambda entry: f"{before}{entry.reason}{after}"


def _version(entry: LedgerEntry) -> str:
    return entry.subject.rpartition("@")[2]


#: What is told of the ledger: who acted, in which words and tone.
_ACTS: Mapping[str, tuple[str, Callable[[LedgerEntry], str], str]] = {
    "healing.declined": ("healer", _reason("does not act: "), ""),
    "healing.decided": ("healer", _reason("decides to retrain, because of "), ""),
    "healing.retraining": ("healer", _reason("retrains: "), ""),
    "model.quarantined": ("gate", _reason("quarantines the new version: "), "bad"),
    "healing.gating": ("healer", _reason("compares on the rows kept apart: "), ""),
    "challenger.started": (
        "gate",
        lambda entry: (
            f"lets version {_version(entry)} pass; as a {entry.details['mode']} it is "
            f"asked {entry.details['share']:.0%} of the requests"
        ),
        "",
    ),
    "challenger.won": ("trial", _reason("the new version wins: "), "good"),
    "model.promoted": ("healer", lambda entry: f"promotes version {_version(entry)}", "good"),
    "healing.kept": ("healer", _reason("verified: "), "good"),
    "healing.rejected": ("healer", _reason("gives up, the champion stays: "), "bad"),
    "healing.rolled_back": ("healer", _reason("rolls back: "), "bad"),
}
