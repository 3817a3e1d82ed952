#!/usr/bin/env python3
"""Ask the Celery worker of this container over the broker whether it is there; 1 if it is not."""

from __future__ import annotations

import socket
import sys

from celery import Celery

from pipewarden.settings import load_settings


def main() -> int:
    """Return 0 if a worker with this host's name answers within five seconds."""
    app = Celery(broker=load_settings().celery.broker_url, set_as_current=False)
    answers = app.control.inspect(timeout=5).ping() or {}
    return 0 if any(name.endswith(f"@{socket.gethostname()}") for name in answers) else 1


if __name__ == "__main__":
    sys.exit(main())
