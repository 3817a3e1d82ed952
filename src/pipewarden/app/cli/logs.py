"""The program's log: warnings on stderr, one line each, with their fields as ``name=value``."""

from __future__ import annotations

import logging
import sys

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: Libraries whose debugging says nothing about a run.
_QUIETER = ("asyncio", "filelock", "httpcore", "httpx", "alembic", "nats", "pika")


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        from pipewarden.report.untrusted import visible

        fields = {name: held for name, held in vars(record).items() if name not in _OWN}
        words = [f"{name}={held!r}" for name, held in fields.items()]
        text = f"{record.levelname.lower()}: {record.name}: {record.getMessage()}"
        line = visible("  ".join([text, *words]))
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def start(*, verbose: bool) -> None:
    """Send warnings to stderr, and with ``verbose`` everything that pipewarden itself logs."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    if verbose:
        logging.getLogger("pipewarden").setLevel(logging.DEBUG)
        for name in _QUIETER:
            logging.getLogger(name).setLevel(logging.INFO)
