"""``pipewarden quarantine``: what failed, why, and what to do with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipewarden.report.facts import FailureFacts

app = typer.Typer(
    help="Look at what failed and why; have it tried again, published or cleared away.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help="The run that quarantined it.")]
_Key = Annotated[str, typer.Argument(metavar="ITEM", help="The item, as 'list' shows it.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    source: Annotated[str | None, typer.Option(help="Only of this folder or file.")] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only of this pipeline.")] = None,
    run_id: Annotated[str | None, typer.Option("--run", help="Only of this run.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="Leave out so many first.")] = 0,
    json: _Json = False,
) -> None:
    """List what lies in quarantine now."""
    from pipewarden.app.cli.asking import existing
    from pipewarden.app.cli.output.quarantined import say_quarantined
    from pipewarden.jobs.quarantine import listed
    from pipewarden.jobs.requests import find
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    if run_id is not None:
        find(workspace, run_id)
    held = listed(
        workspace,
        source=None if source is None else existing(source),
        pipeline=pipeline,
        run_id=run_id,
    )
    say_quarantined(held, json=json, limit=limit, offset=offset)


@app.command()
def show(run_id: _RunId, key: _Key, json: _Json = False) -> None:
    """Show why an item was quarantined: each finding that is not PASS, or the error."""
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.jobs import quarantine
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    facts = quarantine.show(workspace, run_id, key)
    if json:
        say_json(facts)
    else:
        _say_failure(facts, workspace.quarantine_dir(run_id))


@app.command()
def retry(
    run_id: _RunId,
    keys: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ITEM]...", help="The items; all that the run quarantined if none."
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it is ledgered.")] = "asked for",
    json: _Json = False,
) -> None:
    """Let the next run process items again, whatever their attempts."""
    from pipewarden.app.cli.output.outcome import shown
    from pipewarden.app.cli.output.terminal import say, say_json, say_next
    from pipewarden.jobs import quarantine
    from pipewarden.jobs.requests import find
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.untrusted import shell_line
    from pipewarden.report.wording import count

    workspace = Workspace()
    job = find(workspace, run_id)
    marked = quarantine.retry(workspace, run_id, keys or None, reason=reason)
    if json:
        say_json({"marked": marked})
        return
    if not marked:
        say(f"Nothing that run {run_id} quarantined lies there any more.")
        return
    say(f"{count(len(marked), 'item')} will be processed by the next run")
    reference = str(job.options.get("pipeline") or job.pipeline)
    command = shell_line(["pipewarden", "run", reference, shown(job.source)])
    say_next({command: "the next run"})


@app.command()
def release(
    run_id: _RunId,
    key: _Key,
    reason: Annotated[str, typer.Option(help="Why it may be published; required, ledgered.")],
    json: _Json = False,
) -> None:
    """Publish what was made of an item although the gate refused it."""
    from pipewarden.app.cli.output.outcome import shown
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs import quarantine
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.untrusted import visible

    path = quarantine.release(Workspace(), run_id, key, reason=reason)
    if json:
        say_json({"released": key, "path": str(path)})
    else:
        say(f"{visible(key)} is published at {shown(path)}; the ledger keeps who released it")


@app.command()
def purge(
    older_than_days: Annotated[
        float, typer.Option("--older-than", min=0, metavar="DAYS", help="Only files older than so.")
    ],
    reason: Annotated[str, typer.Option(help="Why; required, ledgered.")],
    include_current: Annotated[
        bool, typer.Option("--include-current", help="Also files of items that still lie there.")
    ] = False,
    json: _Json = False,
) -> None:
    """Delete old quarantine files; what the manifest knows of the items stays."""
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs import quarantine
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.wording import count

    gone = quarantine.purge(
        Workspace(), older_than_days=older_than_days, reason=reason, include_current=include_current
    )
    if json:
        say_json({"purged": gone})
    else:
        say(f"the quarantine files of {count(gone, 'item')} were deleted")


def _say_failure(facts: FailureFacts, folder: Path) -> None:
    from pipewarden.app.cli.output.outcome import shown
    from pipewarden.app.cli.output.terminal import say, say_facts, say_next
    from pipewarden.engine.publication.documents import artifact_path
    from pipewarden.engine.publication.quarantine import FAILED, REPORT
    from pipewarden.report.account import (
        attempt,
        quarantine_command,
        when_tried_again,
        why_quarantined,
    )
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import moment

    run_id, key = facts["run_id"], facts["key"]
    say(visible(key), tone="bad")
    say(why_quarantined(facts))
    say()
    say_facts(
        {
            "input": shown(facts["input"]["path"]),
            "quarantined": moment(facts["at"]),
            "run": f"{run_id} ({visible(facts['pipeline'])})",
            "attempt": attempt(facts),
            "kept in": shown(artifact_path(folder, key, FAILED)),
            "report": shown(artifact_path(folder, key, REPORT)),
        }
    )
    _say_findings(facts.get("verdict") or {})
    _say_traceback(facts.get("error") or {})
    say()
    say(when_tried_again(facts).rpartition(" To try")[0])
    commands = {quarantine_command("retry", run_id, key): "try it again with the next run"}
    if facts.get("result"):
        commands[quarantine_command("release", run_id, key)] = "publish it although it was refused"
    say_next(commands)


def _say_findings(verdict: Mapping[str, Any]) -> None:
    from pipewarden.app.cli.output.terminal import say, say_table
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import amount, threshold_in_words

    missed = [f for f in verdict.get("findings", ()) if f["status"] != "PASS"]
    if not missed:
        return
    say()
    say_table(
        ("check", "status", "value", "threshold", "message"),
        [
            (
                f["check"] + (" (blocking)" if (f.get("threshold") or {}).get("blocking") else ""),
                f["status"],
                amount(f.get("value"), str((f.get("threshold") or {}).get("unit") or "")),
                threshold_in_words(f["threshold"]) if f.get("threshold") else "",
                visible(str(f.get("message") or "")),
            )
            for f in missed
        ],
    )


def _say_traceback(error: Mapping[str, Any]) -> None:
    from pipewarden.app.cli.output.terminal import say
    from pipewarden.report.untrusted import clipped_lines, visible_lines

    if not error.get("traceback"):
        return
    say()
    for line in clipped_lines(visible_lines(error["traceback"].rstrip()), 5, 20):
        say(f"  {line}")
