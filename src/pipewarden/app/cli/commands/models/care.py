"""``pipewarden models release``, ``prune`` and ``reconcile``: keeping versions in order."""

from __future__ import annotations

from typing import Annotated

import typer

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def release(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model.")],
    version: Annotated[int, typer.Option(help="The quarantined version.")],
    reason: Annotated[str, typer.Option(help="Why it may be deployed; required, ledgered.")],
    json: _Json = False,
) -> None:
    """Let a version be deployed although its training gate refused it.

    Where there are API keys, one of the scope approver is needed: in the variable PIPEWARDEN_KEY,
    or at a prompt that shows nothing.
    """
    from pipewarden.app.cli.commands.models.naming import proven_key
    from pipewarden.app.cli.output.terminal import say, say_json, say_next
    from pipewarden.jobs.models.context import model_context
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.models import approving
    from pipewarden.report.untrusted import shell_line, visible

    workspace = Workspace()
    key = proven_key(workspace, needed=False)
    context = model_context(workspace)
    notices = approving.release(context, model, version, reason=reason, key=key)
    if json:
        say_json({"released": {"model": model, "version": version}, "notices": notices})
        return
    say(f"{visible(f'{model}@{version}')} may be deployed; the ledger keeps who released it")
    for notice in notices:
        say(f"note: {visible(notice)}", tone="warn")
    words = ["pipewarden", "deploy", "--model", model, "--version", str(version)]
    say_next({shell_line(words): "ask for its deployment"})


def prune(
    keep: Annotated[
        int, typer.Option(min=1, help="So many of the newest versions of each model stay.")
    ],
    reason: Annotated[str, typer.Option(help="Why; required, ledgered.")],
    model: Annotated[str | None, typer.Option(help="Only of this model.")] = None,
    json: _Json = False,
) -> None:
    """Delete the documents of old versions, and what crashes left behind.

    The newest deployable and the newest quarantined versions stay, so many of each, and every one
    that was ever deployed, waits for an approval, was signed for or has answered.
    """
    from dataclasses import asdict

    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs.claiming import catch_up_known
    from pipewarden.jobs.models.context import model_context
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.models import pruning
    from pipewarden.report.wording import amount, count

    workspace = Workspace()
    catch_up_known(workspace)
    done = pruning.prune(model_context(workspace), keep=keep, reason=reason, model=model)
    if json:
        say_json(asdict(done))
        return
    size = amount(done.freed, "bytes")
    say(
        f"the documents of {count(len(done.versions), 'version')} were deleted, and "
        f"{count(done.orphans, 'file')} of no version: {size}"
    )


def reconcile(json: _Json = False) -> int:
    """Finish what a crash left half done, and mend what the registry shows.

    Exit code 1: what serves somewhere was not found good, or the registry could not be mended.
    """
    from pipewarden.app.cli.output.models.deployed import plain_trial, say_trial
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs.claiming import catch_up_known
    from pipewarden.jobs.models.context import model_context
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.models import verifying
    from pipewarden.report.untrusted import visible

    workspace = Workspace()
    catch_up_known(workspace)
    done = verifying.reconcile(model_context(workspace))
    if json:
        settled = [plain_trial(one) for one in done.settled]
        say_json({"settled": settled, "mended": done.mended, "notices": done.notices})
        return int(not done.good)
    for one in done.settled:
        say_trial(one)
    for what in done.mended:
        say(f"mended: {visible(what)}")
    for notice in done.notices:
        say(f"note: {visible(notice)}", tone="warn")
    if not (done.settled or done.mended or done.notices):
        say("Nothing was left half done, and every registry shows what is.", tone="good")
    return int(not done.good)
