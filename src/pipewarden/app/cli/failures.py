"""How a command ends when something goes wrong: words on stderr, and an exit code."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipewarden._version import __version__
from pipewarden.app.cli.output.terminal import say, say_json
from pipewarden.errors import PipewardenError

USAGE, BUG, INTERRUPTED = 2, 70, 130


def wants_json() -> bool:
    """Say whether the command line asked for JSON; errors are told in it too."""
    return "--json" in sys.argv[1:]


def told(error: PipewardenError) -> int:
    """Tell a failure in the error's own words; return the exit code."""
    return _tell(
        type(error).__name__,
        error.message,
        left_behind=error.left_behind,
        next_step=error.next_step,
        exit_code=error.exit_code,
    )


def told_usage(error: Any) -> int:
    """Tell what is wrong with the command line; ``error`` is the parser's."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "pipewarden"
    message = error.format_message()
    if context is not None and not wants_json():
        say(context.get_usage(), error=True)
    help_command = f"{path} --help"
    return _tell("UsageError", message, next_step=help_command, exit_code=USAGE)


def told_interrupt() -> int:
    """Tell that Ctrl-C ended a command before it could pause."""
    return _tell(
        "Interrupted",
        "stopped by Ctrl-C",
        left_behind="what was committed is kept, nothing else was changed",
        next_step="pipewarden jobs list",
        exit_code=INTERRUPTED,
    )


def told_bug(error: BaseException) -> int:
    """Keep the traceback of an error that nobody foresaw, and say where it is."""
    words = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return _tell(
        "InternalError",
        f"pipewarden has a bug, or met something it does not know: {words}",
        left_behind=f"what was committed is kept; the traceback is in {_keep_traceback(error)}",
        next_step="report it with that file; 'pipewarden jobs list' shows what can be resumed",
        exit_code=BUG,
    )


def _tell(
    kind: str, message: str, *, left_behind: str = "", next_step: str = "", exit_code: int
) -> int:
    if wants_json():
        facts = {
            "type": kind,
            "message": message,
            "left_behind": left_behind,
            "next_step": next_step,
            "exit_code": exit_code,
        }
        say_json({"error": facts}, error=True, line=True)
        return exit_code
    error = PipewardenError(message, left_behind=left_behind, next_step=next_step)
    first, *others = error.diagnostics().split("\n")
    say(f"pipewarden: {first}", tone="bad", error=True)
    for line in others:
        say(line, error=True)
    return exit_code


def _keep_traceback(error: BaseException) -> str:
    at = datetime.now(UTC)
    text = "".join(traceback.format_exception(error))
    head = f"pipewarden {__version__}, Python {sys.version}\n{at.isoformat()}\n{sys.argv}\n\n"
    name = f"crash-{at:%Y%m%d-%H%M%S}-{os.getpid()}.log"
    home = Path(os.environ.get("PIPEWARDEN_HOME") or ".")
    for folder in (home / ".pipewarden", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(exist_ok=True)
            path = folder / name
            path.write_text(head + text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return str(path)
    say(text, error=True)
    return "the lines above"
