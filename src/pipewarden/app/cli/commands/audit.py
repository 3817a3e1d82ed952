"""``pipewarden audit``: verify the ledger, read it, take a copy away."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Verify the ledger, read it, take a copy away.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def verify(json: _Json = False) -> None:
    """Verify the whole hash chain, and against the heads that reports recorded.

    Exit code 1 when anything was altered, removed, inserted, swapped or cut off.
    """
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs import audit
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import count

    found = audit.verify(Workspace())
    if json:
        say_json({**asdict(found), "holds": found.holds})
    elif found.holds:
        entries, reports = count(found.entries, "entry", "entries"), count(found.anchors, "report")
        say(f"The ledger holds: {entries}, checked against {reports}.", tone="good")
        say(f"head {found.head}")
    else:
        say(f"The ledger was changed: {count(len(found.faults), 'fault')}.", tone="bad")
        for fault in found.faults:
            say(f"  {fault.kind}: {visible(fault.message)}")
        say("Left behind: nothing was repaired; the ledger is evidence as it is")
        say("Next: compare it with an earlier 'pipewarden audit export', or with a backup")
    raise typer.Exit(0 if found.holds else 1)


@app.command()
def log(
    after: Annotated[int | None, typer.Option(min=0, help="Only entries behind this one.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, as run.started.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="Only this run, or item (RUN_ID/ITEM), and what is below.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many; the last ones.")] = 50,
    json: _Json = False,
) -> None:
    """Print ledger entries: who did what to what, when, and why."""
    from pipewarden.app.cli.output.terminal import say, say_json, say_table
    from pipewarden.jobs import audit
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.untrusted import clipped, visible
    from pipewarden.report.wording import count, moment

    found = audit.entries(Workspace(), after=after or 0, action=action, subject=subject)
    page = found[:limit] if after is not None else found[-limit:]
    if json:
        say_json({"entries": [asdict(entry) for entry in page], "total": len(found)})
        return
    if not page:
        say("No entries.")
        return
    rows = [
        (
            str(entry.seq),
            moment(entry.ts).removesuffix(" UTC"),
            visible(entry.action),
            visible(entry.subject),
            visible(entry.actor),
            visible(clipped(entry.reason, 120)),
        )
        for entry in page
    ]
    say_table(("no", "time (UTC)", "action", "subject", "by", "why"), rows, right=("no",))
    if len(page) < len(found):
        say()
        which = "first" if after is not None else "last"
        say(f"the {which} {len(page):,} of {count(len(found), 'entry', 'entries')}; see --limit")


@app.command()
def export(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the JSON lines.")],
    json: _Json = False,
) -> None:
    """Write the whole ledger as JSON lines that can be verified without pipewarden."""
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.errors import UsageError
    from pipewarden.jobs import audit
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.wording import count

    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(
            f"{path} is a folder" if path.is_dir() else f"the folder of {path} does not exist",
            next_step="pipewarden audit export ledger.jsonl",
        )
    number = audit.export(Workspace(), path)
    if json:
        say_json({"entries": number, "path": str(path.absolute())})
    else:
        say(f"{count(number, 'entry', 'entries')} written to {path}")
