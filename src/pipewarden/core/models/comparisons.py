"""What decides between a champion and a challenger: the plan of a comparison, and what is harm.

What decides is written down before the first answer: the metric, how many labelled predictions, the
test and the margin. Who looks at a test again and again until it pleases finds what is not there;
so the comparison is decided once, when the declared number is reached. Only harm is looked for all
the time, at a stricter confidence: to be stopped in error costs a challenger a week, and no
customer anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ComparisonMetric(StrEnum):
    """What a comparison measures on labelled predictions."""

    F1 = "f1"
    ACCURACY = "accuracy"
    BRIER = "brier"
    LOG_LOSS = "log_loss"
    ABSOLUTE_ERROR = "absolute_error"

    @property
    def higher_is_better(self) -> bool:
        """Whether more of it is better."""
        return self in (ComparisonMetric.F1, ComparisonMetric.ACCURACY)


class ComparisonTest(StrEnum):
    """How the interval of the improvement is found."""

    #: Both answered the same questions; the questions are drawn again.
    PAIRED_BOOTSTRAP = "paired_bootstrap"
    #: Each answered its own questions; those of either are drawn again, apart.
    TWO_SAMPLE_BOOTSTRAP = "two_sample_bootstrap"


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmLimits:
    """What stops a challenger at once.

    Parameters
    ----------
    loss
        How much worse than the champion's its metric may be, in the metric's own unit; it is
        stopped when the whole interval of the difference lies beyond.
    labelled
        Labelled predictions of each before the metric can stop it.
    confidence
        Of that interval, in percent: stricter than the comparison's, for it is looked at often.
    failed_share
        Share of the questions that the champion answers which it may leave without an answer.
    latency_ratio
        How many times as long as the champion it may take for a row, beyond a millisecond.
    asked
        Questions before a failure or its latency can stop it.
    shift
        Distance of the two distributions of answers (Kolmogorov-Smirnov, 0 to 1) beyond which it is
        told as a warning. It never stops a challenger, whose purpose is to answer otherwise.
    """

    loss: float = 0.05
    labelled: int = 50
    confidence: float = 99.0
    failed_share: float = 0.02
    latency_ratio: float = 10.0
    asked: int = 50
    shift: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """What decides between champion and challenger, declared before the first answer.

    Parameters
    ----------
    labelled
        The number of labelled predictions at which it is decided: pairs where it shadows, of each
        of the two where it is a canary.
    hours
        The time after which it ends undecided if there are fewer.
    margin
        By how much the challenger must be better, in the metric's own unit, for the whole interval
        of the improvement. Below 0: by how much it may be worse (non-inferiority).
    confidence
        Of the interval, in percent.
    """

    metric: ComparisonMetric = ComparisonMetric.BRIER
    labelled: int = 500
    hours: float = 336.0
    margin: float = 0.0
    confidence: float = 95.0
    harm: HarmLimits = field(default_factory=HarmLimits)

    def faults(self) -> list[str]:
        """Return what is wrong with it, in words; nothing where it holds."""
        harm = self.harm
        return [
            sentence
            for wrong, sentence in (
                (self.labelled < 2, "fewer than 2 labelled predictions decide nothing"),
                (not self.hours > 0, "the hours must be more than 0"),
                (not 50 < self.confidence < 100, "the confidence is a percentage from 50 to 100"),
                (not 50 < harm.confidence < 100, "harm's confidence is one from 50 to 100"),
                (harm.loss < 0, "the loss that is harm cannot be negative"),
                (not 0 <= harm.failed_share <= 1, "the share that may fail is one from 0 to 1"),
                (harm.latency_ratio < 1, "the latency ratio cannot be less than 1"),
                (harm.asked < 1 or harm.labelled < 2, "harm needs some questions to show"),
            )
            if wrong
        ]

    def as_document(self) -> dict[str, Any]:
        """Return it as plain values."""
        names = [name for name in ComparisonPlan.__slots__ if name != "harm"]
        harm = {name: getattr(self.harm, name) for name in HarmLimits.__slots__}
        return {name: getattr(self, name) for name in names} | {
            "metric": str(self.metric),
            "harm": harm,
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> ComparisonPlan:
        """Return the plan that `as_document` returned."""
        held = {name: document[name] for name in ("labelled", "hours", "margin", "confidence")}
        metric = ComparisonMetric(document["metric"])
        return cls(**held, metric=metric, harm=HarmLimits(**document["harm"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the serving processes counted of a challenger; nothing of it needs a label.

    Parameters
    ----------
    asked
        Rows that it was asked.
    failed
        Of those, the rows to which the champion had an answer and it had none.
    skipped
        Rows that a busy shadow was not asked.
    seconds
        What it took for all rows that it was asked, of processor time.
    champion_rows, champion_seconds
        The rows that the champion answered beside it, and what those took.
    """

    asked: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    champion_rows: int = 0
    champion_seconds: float = 0.0

    def plus(self, other: Figures) -> Figures:
        """Return the sum of both."""
        return Figures(**{n: getattr(self, n) + getattr(other, n) for n in Figures.__slots__})

    @property
    def failed_share(self) -> float:
        """Share of the rows that it was asked and had no answer to."""
        return self.failed / self.asked if self.asked else 0.0

    @property
    def latency_ms(self) -> float | None:
        """Milliseconds that it took for a row, on average."""
        return 1000 * self.seconds / self.asked if self.asked else None

    @property
    def champion_latency_ms(self) -> float | None:
        """The same of the champion."""
        rows = self.champion_rows
        return 1000 * self.champion_seconds / rows if rows else None


#: A challenger that takes less than this for a row harms nobody, however fast the champion is.
_HARMLESS_MS = 1.0


def harm_of(figures: Figures, limits: HarmLimits) -> str:
    """Return in words which limit the figures break, or nothing; no label is needed for it."""
    if figures.asked < limits.asked:
        return ""
    if figures.failed_share > limits.failed_share:
        return (
            f"it had no answer to {figures.failed:,} of {figures.asked:,} rows that the champion "
            f"answers ({figures.failed_share:.1%}, at most {limits.failed_share:.1%})"
        )
    own, champion = figures.latency_ms or 0.0, figures.champion_latency_ms
    if figures.champion_rows < limits.asked or champion is None:
        return ""
    allowed = max(_HARMLESS_MS, champion * limits.latency_ratio)
    if own > allowed:
        return (
            f"it takes {own:.2f} ms for a row, the champion {champion:.2f} ms "
            f"(at most {limits.latency_ratio:g} times as long)"
        )
    return ""
