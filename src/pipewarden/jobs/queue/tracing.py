"""Whose request a process works for, in every line of its log.

The names are those of a job's row and of its events: ``request_id`` and ``traceparent``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar

#: The id of the request that is being answered here.
request_id: ContextVar[str] = ContextVar("request_id", default="")
#: Its place in the trace that it belongs to, as W3C Trace Context writes it.
traceparent: ContextVar[str] = ContextVar("traceparent", default="")

_HELD = (request_id, traceparent)

#: What names the request that a process works for which serves one after the other.
_turn: dict[str, str] = {}


def current() -> dict[str, str]:
    """Return what names the request that is being answered here; nothing where there is none."""
    return {held.name: named for held in _HELD if (named := held.get())}


def take(trace: Mapping[str, str]) -> None:
    """Let what follows here be for the request that `current` named, maybe in another process."""
    for held in _HELD:
        held.set(trace.get(held.name, ""))


def name_requests(traced: Callable[[], Mapping[str, str]] = current) -> None:
    """Let every line of the log that is written for a request name it.

    Parameters
    ----------
    traced
        Returns what names the request that a line is for. A process that works for one request in
        several threads gives its own: a thread does not see what another one's context holds.
    """

    def named(record: logging.LogRecord) -> bool:
        for name, held in traced().items():
            if not hasattr(record, name):
                setattr(record, name, held)
        return True

    for handler in logging.getLogger().handlers:
        handler.addFilter(named)


def name_lines(traced: Mapping[str, str]) -> None:
    """Let every line of this process' log, of whatever thread, name the request that it works for.

    A process that was started afresh has no log yet, and gets one on standard error.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    name_requests(lambda: traced)
    shown = "".join(f"  {name}=%({name})r" for name in traced)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT + shown))


class _Naming(logging.Formatter):
    """Writes behind a line what names its request, if anything does."""

    def format(self, record: logging.LogRecord) -> str:
        held = vars(record)
        named = [f"  {one.name}={held[one.name]!r}" for one in _HELD if one.name in held]
        return super().format(record) + "".join(named)


def name_turns() -> None:
    """Let every line of this process' log, of whatever thread, name the request whose turn it is.

    For a process that works for one request after the other; `take_turn` says for which. One that
    was started afresh has no log yet, and gets one on standard error.
    """
    root = logging.getLogger()
    if not root.handlers:
        logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
        for handler in root.handlers:
            handler.setFormatter(_Naming(logging.BASIC_FORMAT))
    name_requests(lambda: _turn)


def take_turn(trace: Mapping[str, str]) -> None:
    """Let what this process does from now on be for this request; for none, if nothing names it."""
    _turn.clear()
    _turn.update(trace)
