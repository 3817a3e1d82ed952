"""Parts of a check: each looks for itself, and one that fails is told as such, never as well."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pipewarden.core.monitoring.observations import Observation
from pipewarden.errors import PipewardenError
from pipewarden.monitoring.checks.sheet import Sheet
from pipewarden.settings import redact_text

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing to look at.

    Parameters
    ----------
    name
        How it is called in messages.
    subject, metrics
        What is not computable when the look fails.
    look
        Returns its observations; whatever it raises is told.
    """

    name: str
    subject: str
    metrics: Sequence[str]
    look: Callable[[], Iterable[Observation]]
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What came of looking: observations, and by part why it failed."""

    observations: list[Observation] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def look(sheet: Sheet, parts: Iterable[Part]) -> Looked:
    """Look at everything; nothing that fails keeps the rest from being looked at."""
    found = Looked()
    for part in parts:
        try:
            found.observations.extend(part.look())
        except Exception as error:  # a monitor looks at what is broken
            log.exception("a part of a check failed", extra={"part": part.name})
            found.failures[part.name] = reason = in_words(error)
            found.observations.extend(
                sheet.unknown(metric, part.subject, reason, environment=part.environment)
                for metric in part.metrics
            )
    return found


def in_words(error: Exception) -> str:
    """Return what an error says, with its type where it is not one of ours; secrets taken out."""
    if isinstance(error, PipewardenError):
        return redact_text(error.message)
    return redact_text(" ".join(f"{type(error).__name__}: {error}".split())[:500])
