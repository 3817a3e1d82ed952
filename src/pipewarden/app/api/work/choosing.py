"""Which offered pipeline a request means: the one it names, or the only one that can take it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from pipewarden.jobs.loading import load_pipeline
from pipewarden.settings import Settings

log = logging.getLogger(__name__)


class NotOffered(Exception):
    """No offered pipeline has the name, or none is named and more than one is meant."""


def chosen(name: str, offered: Mapping[str, str], candidates: Callable[[], Sequence[str]]) -> str:
    """Return the name of the pipeline that a request means.

    Parameters
    ----------
    name
        What the request says; may be empty.
    offered
        Name → reference of the pipelines.
    candidates
        Returns the names that an unnamed request can mean; called only for such a request.

    Raises
    ------
    NotOffered
        It is not offered, or there is not exactly one candidate.
    """
    known = ", ".join(offered)
    if name:
        if name in offered:
            return name
        raise NotOffered(f"no pipeline {name!r} here; offered: {known}")
    held = tuple(candidates())
    if len(held) == 1:
        return held[0]
    raise NotOffered(f"the request must name its pipeline; offered: {known}")


def taking_documents(offered: Mapping[str, str], settings: Settings) -> tuple[str, ...]:
    """Return the offered pipelines that take documents, or the only one that is offered.

    One that trains models of records takes tables, and no document of a request.
    One that does not load may take documents, and counts: what an unnamed request means must not
    change because another pipeline is broken.
    """
    if len(offered) == 1:
        return tuple(offered)
    return tuple(name for name in offered if _may_take(offered[name], settings))


def _may_take(reference: str, settings: Settings) -> bool:
    try:
        pipeline = load_pipeline(reference, settings)
        return pipeline.records is not None and pipeline.family is None
    except Exception:  # a pipeline may raise anything when it is loaded
        log.exception("pipeline does not load", extra={"pipeline": reference})
        return True
