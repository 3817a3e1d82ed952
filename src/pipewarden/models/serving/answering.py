"""Asking a model, and never taking for an answer what is none."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from pipewarden.core.models.families import Forecaster, Predictor
from pipewarden.errors import BadInput
from pipewarden.models.serving.signature import Checked, Fault, Signature

log = logging.getLogger(__name__)

#: The reason of a refusal that is the model's fault, not the row's.
MODEL_FAILED = "model_failed"
#: Under which name a model's answer holds what is odd about the row, where it has such.
FLAGS = "flags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A version in memory, ready to answer.

    Parameters
    ----------
    deployment
        The number of the deployment that made it answer; 0 where it is not deployed.
    """

    model: str
    version: int
    environment: str
    deployment: int
    family: str
    opened: Predictor | Forecaster
    signature: Signature = field(default_factory=lambda: Signature(None))
    #: Whether it answers rows; otherwise it continues a series. Asked once: it takes long to tell.
    predicts: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "predicts", isinstance(self.opened, Predictor))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer: a code, and what is wrong with what."""

    reason: str
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        said = (f"{one.at}: {one.message}" if one.at else one.message for one in self.faults)
        return "; ".join(said)


class Answer(NamedTuple):
    """What came of one row: an answer and what is odd about the row, or a refusal."""

    row: Mapping[str, Any]
    answer: Mapping[str, Any]
    flags: tuple[str, ...] = ()
    refusal: Refusal | None = None


def predict(served: Served, rows: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Answer rows, each for itself, in their order."""
    checked = served.signature.checked(rows)
    answered = _asked(served, [one.row for one in checked if not one.faults])
    return [
        Answer(one.row, {}, (), Refusal("invalid_row", one.faults))
        if one.faults
        else _answer(one, next(answered))
        for one in checked
    ]


def _answer(checked: Checked, told: Mapping[str, Any] | Refusal) -> Answer:
    """Return an answer with its flags: the model's own, and those of the signature."""
    row, flags, _ = checked
    if isinstance(told, Refusal):
        return Answer(row, {}, flags, told)
    answer = dict(told)
    own = answer.pop(FLAGS, ())
    return Answer(row, answer, tuple(dict.fromkeys((*own, *flags))) if own else flags)


def forecast(served: Served, horizon: int, level: float) -> list[Mapping[str, Any]] | Refusal:
    """Continue a series by ``horizon`` steps, with an interval of ``level`` percent."""
    opened = cast("Forecaster", served.opened)
    try:
        steps = list(opened.forecast(horizon, level))
    except BadInput as error:
        return Refusal(error.reason, (Fault("", error.message),))
    except Exception as error:  # noqa: BLE001 - a stranger's model may raise anything
        return _failed(served, f"it raised {type(error).__name__}", error)
    if len(steps) != horizon:
        return _failed(served, f"it answered {len(steps)} steps of {horizon}")
    if not all(_holds(step) for step in steps):
        return _failed(served, "it answered what is no finite number")
    return steps


def _asked(served: Served, rows: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any] | Refusal]:
    """Yield the model's answer to each row; one that it refuses does not cost the others theirs."""
    if not rows:
        return
    answers = _answers(served, rows)
    if isinstance(answers, Refusal):
        if len(rows) == 1 or answers.reason == MODEL_FAILED:
            yield from [answers] * len(rows)
            return
        half = len(rows) // 2
        yield from _asked(served, rows[:half])
        yield from _asked(served, rows[half:])
        return
    for answer in answers:
        if _holds(answer):
            yield answer
        else:
            yield _failed(served, "it answered what is no finite number")


def _answers(
    served: Served, rows: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]] | Refusal:
    """Return the model's answers to all rows, or why there are none."""
    opened = cast("Predictor", served.opened)
    try:
        answers = opened.predict(rows)
    except BadInput as error:
        return Refusal(error.reason, (Fault("", error.message),))
    except Exception as error:  # noqa: BLE001 - a stranger's model may raise anything
        return _failed(served, f"it raised {type(error).__name__}", error)
    if len(answers) != len(rows):
        return _failed(served, f"it answered {len(answers)} rows of {len(rows)}")
    return answers


def _holds(answer: Mapping[str, Any]) -> bool:
    for value in answer.values():  # a loop takes half the time of any()
        if isinstance(value, float) and not math.isfinite(value):
            return False
    return True


def _failed(served: Served, what: str, error: Exception | None = None) -> Refusal:
    log.error(
        "a model failed",
        exc_info=error,
        extra={"model": served.model, "version": served.version, "what": what},
    )
    return Refusal(MODEL_FAILED, (Fault("", f"{served.model}@{served.version}: {what}"),))
