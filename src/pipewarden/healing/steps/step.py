"""How a step ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.core.models.families import Relearning
from pipewarden.errors import Conflict
from pipewarden.healing.context import HealingContext


@dataclass(frozen=True, slots=True)
class Move:
    """The step is done: into which state, why, and what it found."""

    state: HealingState
    reason: str
    candidate: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done now, and what is waited for."""

    reason: str


def learner_of(context: HealingContext, healing: Healing) -> Relearning:
    """Return the family of the model, which learns from labelled predictions.

    Raises
    ------
    Conflict
        It does not, or is not known here any more.
    """
    found = context.learner(context.version(healing.model, healing.champion))
    if found is None:
        raise Conflict(
            f"the family of {healing.model} cannot be trained on labelled predictions here",
            left_behind="the champion serves on",
        )
    return found


def moment(healing: Healing, name: str) -> datetime:
    """Return a time that an earlier step wrote down."""
    return datetime.fromisoformat(str(healing.facts[name]))


def document_of(context: HealingContext, healing: Healing, number: int) -> Mapping[str, Any]:
    """Return the model document of a version of the model."""
    return context.models.document(context.version(healing.model, number))
