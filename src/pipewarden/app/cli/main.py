"""The command ``pipewarden``: its commands, loaded when they are asked for, and its one way out."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from pipewarden._version import __version__
from pipewarden.app.cli import failures
from pipewarden.app.cli.output import terminal
from pipewarden.errors import PipewardenError

#: Every command: the section of the help it stands in, and where it is defined.
COMMANDS = {
    "demo": ("Start", "commands.demo:app"),
    "run": ("Run", "commands.run:run_app"),
    "status": ("Run", "commands.status:app"),
    "rerun": ("Run", "commands.run:rerun_app"),
    "jobs": ("Run", "commands.jobs:app"),
    "models": ("Models", "commands.models.versions:app"),
    "deploy": ("Models", "commands.models.deploy:app"),
    "approve": ("Models", "commands.models.approve:app"),
    "rollback": ("Models", "commands.models.rollback:app"),
    "challenge": ("Models", "commands.models.challenge:app"),
    "predict": ("Models", "commands.serving.predict:app"),
    "forecast": ("Models", "commands.serving.forecast:app"),
    "monitor": ("Watch", "commands.monitoring.monitor:app"),
    "thresholds": ("Watch", "commands.monitoring.thresholds:app"),
    "alerts": ("Watch", "commands.monitoring.alerts:app"),
    "cost": ("Watch", "commands.monitoring.cost:app"),
    "heal": ("Watch", "commands.healing.heal:app"),
    "simulate": ("Watch", "commands.healing.simulate:app"),
    "serve": ("Serve", "commands.service.serve:app"),
    "keys": ("Serve", "commands.service.keys:app"),
    "worker": ("Serve", "commands.service.worker:app"),
    "quarantine": ("Look and decide", "commands.quarantine:app"),
    "audit": ("Look and decide", "commands.audit:app"),
    "trace": ("Look and decide", "commands.trace:app"),
    "events": ("Look and decide", "commands.delivery.events:app"),
    "sinks": ("Look and decide", "commands.delivery.sinks:app"),
    "filings": ("Data", "filings:app"),
    "articles": ("Data", "articles:app"),
    "config": ("Care", "commands.config:app"),
    "doctor": ("Care", "commands.doctor:app"),
}


class _Commands(MutableMapping[str, Any]):
    """The commands by name; each is imported when it is first looked up."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            module, _, attribute = COMMANDS[name][1].partition(":")
            found = getattr(import_module(f"pipewarden.app.cli.{module}"), attribute)
            found.info.add_completion = False
            command = typer.main.get_command(found)
            command.name = name
            self._loaded[name] = command
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Interrupted(Exception):
    """Ctrl-C outside of what can be paused."""


class _Group(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast("MutableMapping[str, Any]", _Commands())

    def invoke(self, ctx: Any) -> Any:
        """Carry a command out; Ctrl-C leaves it under a name that the parser does not take."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise _Interrupted from interrupt

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - it is Typer's
        """Write the commands in their sections."""
        sections: dict[str, list[tuple[str, str]]] = {}
        room = formatter.width - 6 - max(map(len, COMMANDS))
        for name, (section, _) in COMMANDS.items():
            words = self.commands[name].get_short_help_str(room)
            sections.setdefault(section, []).append((name, words))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)


app = typer.Typer(
    name="pipewarden",
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        terminal.say(f"pipewarden {__version__}")
        raise typer.Exit


@app.callback()
def pipewarden(
    version: Annotated[  # noqa: ARG001 - its callback has done the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Log what happens, to stderr.")
    ] = False,
) -> None:
    """Run a pipeline safely over a folder of inputs.

    Only what changed is processed, what fails its gate is quarantined with the reason, and every
    run can be stopped, resumed, explained and repeated. `pipewarden demo` shows all of it.

    Exit codes: 0 done; 1 something was quarantined, a gate failed or tampering was found; 2 wrong
    usage or missing source; 3 locked or in conflict; 4 a dependency is unavailable; 5 state damaged
    or newer than this version; 70 a bug of pipewarden; 130 stopped by the user.
    """
    from pipewarden.app.cli import logs

    logs.start(verbose=verbose)


def entry() -> None:
    """Run the command line and exit."""
    gc.disable()  # until the work begins: what importing makes is never garbage
    terminal.prepare()
    code = carry_out(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            terminal.silence(stream)
    sys.exit(code)


def carry_out(arguments: list[str]) -> int:
    """Run one command line and return its exit code; whatever went wrong has been told."""
    try:
        answer = typer.main.get_command(app).main(
            arguments, prog_name="pipewarden", standalone_mode=False
        )
    except PipewardenError as error:
        return failures.told(error)
    except (_Interrupted, typer.Abort):
        return failures.told_interrupt()
    except SystemExit as ending:  # the parser's own way out when the reader went away
        return ending.code if isinstance(ending.code, int) else 0
    except Exception as error:  # noqa: BLE001 - the last line of defence
        if hasattr(error, "format_message"):
            return failures.told_usage(error)
        return failures.told_bug(error)
    return answer if isinstance(answer, int) else 0
