"""Which limits count: those of the settings, and over them those that somebody put in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pipewarden.core.monitoring.metrics import METRICS
from pipewarden.errors import InvalidSettings, UnknownName
from pipewarden.monitoring.checks.sheet import Limit
from pipewarden.settings import MonitoringSettings
from pipewarden.store.state.monitoring import limits

if TYPE_CHECKING:
    from sqlalchemy import Connection


def limits_of(conn: Connection, settings: MonitoringSettings) -> Callable[[str, str], Limit]:
    """Return what is held against a metric of a subject.

    A limit of one subject goes before one of all, and of two such the one that was put in force
    goes before the settings.

    Raises
    ------
    InvalidSettings
        The settings hold a limit against a metric that there is not.
    """
    refuse_unknown(settings.limits)
    applied = limits.in_force(conn)

    def limit(metric: str, subject: str) -> Limit:
        own = applied.get((metric, subject)) or settings.limits.get(f"{metric}/{subject}")
        held = own or applied.get((metric, "")) or settings.limit(metric)
        return Limit(warn=held.warn, breach=held.breach)

    return limit


def refuse_unknown(names: Iterable[str]) -> None:
    """Refuse settings that name what the catalogue does not.

    Raises
    ------
    InvalidSettings
        They do.
    """
    for name in names:
        if name.partition("/")[0] not in METRICS:
            raise InvalidSettings(
                f"monitoring.limits names {name!r}, which is no metric",
                next_step="docs/reference/metrics.md lists them",
            )


def known_metric(name: str) -> str:
    """Return a metric's name, if there is such a metric.

    Raises
    ------
    UnknownName
        There is not.
    """
    if name not in METRICS:
        near = [known for known in METRICS if name.partition(".")[2] in known or name in known]
        hint = f"such as {', '.join(near[:3])}" if near and len(near) < 20 else "see the catalogue"
        raise UnknownName(f"there is no metric {name!r}", next_step=hint)
    return name
