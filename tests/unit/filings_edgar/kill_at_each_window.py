"""Download into one folder after another, killed before the first, second, third… step on the disk.

A script of its own, because it forks: the process of the tests has threads.
"""

from __future__ import annotations

import os
import signal
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipewarden.pipelines.filings.edgar import EdgarSettings, Order, download
from pipewarden.pipelines.filings.edgar.pacing import Clock


def main(url: str, parent: Path, compress: bool) -> None:
    os.fsync = lambda _: None
    ssl.SSLContext.load_verify_locations = lambda *_, **__: None
    import httpx  # noqa: F401 - once, before the first fork

    window = 1
    while not _survives(window, url, parent / f"{window:03d}", compress):
        window += 1


def _survives(window: int, url: str, folder: Path, compress: bool) -> bool:
    child = os.fork()
    if child == 0:
        _kill_at(window)
        order = Order(folder=folder, ciks=(42,), gzip=compress)
        settings = EdgarSettings(user_agent="Test t@example.org", www_url=url, data_url=url)
        ended = download(order, settings, clock=Clock(sleep=lambda _: None, monotonic=_hours()))
        os._exit(ended.exit_code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    if status:
        sys.exit(f"window {window} ended with status {status}")
    return True


def _hours() -> Callable[[], float]:
    """Return a clock that is always far enough for the next request to leave."""
    ticks = iter(range(0, 10**6, 10))
    return lambda: float(next(ticks))


def _kill_at(window: int) -> None:
    steps = 0

    def counted(step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == window:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*args, **options)

        return call

    for name in ("replace", "fsync"):
        setattr(os, name, counted(getattr(os, name)))
    for name in ("unlink", "touch", "open", "write_text", "write_bytes", "mkdir"):
        setattr(Path, name, counted(getattr(Path, name)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "gzip")
