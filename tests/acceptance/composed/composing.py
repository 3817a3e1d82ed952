"""The services of the compose file as processes of this machine: their own words, other places."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
COMPOSED: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSED["services"]
#: Seconds after which what has not happened never will; nothing takes a tenth of it.
HANGS = 300.0
#: Where this interpreter's commands are: pipewarden, python, and what was installed beside them.
BIN = Path(sys.executable).parent


def interpolated(text: str, variables: Mapping[str, str] | None = None) -> str:
    """Return a text as compose reads it: variables by their values or defaults, ``$$`` as ``$``."""
    held = variables or {}

    def read(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return held.get(found[1]) or found[2] or ""

    return re.sub(r"\$\$|\$\{(\w+)(?::-([^}]*))?\}", read, text)


class Composed:
    """One service: its command and its health check, with some texts replaced by others.

    Parameters
    ----------
    name
        Of the service.
    places
        Paths, ports and names of the container → those of this machine.
    """

    def __init__(self, name: str, places: Mapping[str, str]) -> None:
        self.held, self._places = SERVICES[name], places

    def said(self, text: str) -> str:
        """Return a text of the file as it is meant here; what is replaced must be there."""
        read = interpolated(text)
        for container, here in self._places.items():
            read = read.replace(container, here)
        return read

    @property
    def command(self) -> list[str]:
        """The command, or the entry point where the file replaces that."""
        return [self.said(word) for word in self.held.get("command") or self.held["entrypoint"]]

    @property
    def environment(self) -> dict[str, str]:
        """What the file sets."""
        return {name: self.said(value) for name, value in self.held.get("environment", {}).items()}

    def health(self, folder: Path, **variables: str) -> int:
        """Run the health check as the engine would; return its exit status."""
        kind, *words = map(self.said, self.held["healthcheck"]["test"])
        command = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(**variables),
            capture_output=True,
            timeout=HANGS,
            check=False,
        )
        return done.returncode


def environment(**variables: str) -> dict[str, str]:
    """Return the environment of a command: ours, with our interpreter's commands first."""
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **variables}


@contextmanager
def running(command: Sequence[str], folder: Path, **variables: str) -> Iterator[Path]:
    """Run a command for as long as the block lasts; give the file of what it says."""
    log = folder / "said.log"
    with log.open("ab") as said:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield log
    finally:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(60)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def until(holds: Callable[[], Any], log: Path) -> None:
    """Wait for something; what the command said tells why it did not happen."""
    ends = time.monotonic() + HANGS
    while not holds():
        assert time.monotonic() < ends, log.read_text(errors="replace")[-3000:]
        time.sleep(0.1)


def free_port() -> str:
    """Return a port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return str(held.getsockname()[1])


def scripts() -> dict[str, str]:
    """Return every shell script that stands in the compose file, by where it does."""
    found = {}
    for name, service in SERVICES.items():
        for part in ("command", "entrypoint"):
            words = service.get(part) or []
            if "sh" in words:
                found[f"{name}.{part}"] = interpolated(words[-1])
        kind, *words = service["healthcheck"]["test"]
        if kind == "CMD-SHELL":
            found[f"{name}.healthcheck"] = interpolated(words[0])
    return found
