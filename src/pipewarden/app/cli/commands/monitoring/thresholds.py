"""``pipewarden thresholds``: limits recommended from the past, and put in force on record."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="Recommend limits from the past, and put them in force with a reason.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Metric = Annotated[str, typer.Argument(metavar="METRIC", help="See the reference of metrics.")]
_Subject = Annotated[str, typer.Option(help="Only of this model, pipeline or service.")]
_Reason = Annotated[str, typer.Option(help="Why, for the ledger.")]


@app.command()
def recommend(
    metric: Annotated[str, typer.Option(help="Only this metric.")] = "",
    subject: _Subject = "",
    days: Annotated[float, typer.Option(min=0.01, help="How far back the past reaches.")] = 60.0,
    false_alarms: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of figures that may alarm for nothing.")
    ] = 0.01,
    seed: Annotated[int, typer.Option(help="Of the draws from the past.")] = 0,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Write a page with charts.")
    ] = True,
    json: _Json = False,
) -> None:
    """Say what limits would have cost and caught, tried on the past; nothing is changed.

    The past is drawn again in blocks: how often a limit alarms although nothing changed, and how
    soon it catches a figure that grew worse by three deviations. The limit in force is tried
    beside the others.
    """
    from pipewarden.app.cli.output.monitoring.limits import advice_as_json, say_advice
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.jobs.monitoring.thresholds import advising
    from pipewarden.jobs.monitoring.thresholds.applying import recommended
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    found = recommended(
        workspace, metric=metric, subject=subject, days=days, false_alarms=false_alarms, seed=seed
    )
    facts = advising.facts_of(found, at=workspace.clock(), days=days, cost=false_alarms)
    page = advising.write(workspace, facts) if report and found else None
    if json:
        say_json(advice_as_json(facts, page=page))
    else:
        say_advice(facts, page=page)


@app.command()
def apply(
    metric: _Metric,
    reason: _Reason,
    warn: Annotated[float | None, typer.Option(help="Worth a look beyond this.")] = None,
    breach: Annotated[float | None, typer.Option(help="Too much beyond this.")] = None,
    subject: _Subject = "",
    json: _Json = False,
) -> None:
    """Put a limit in force over the settings; the ledger keeps who, when and why."""
    from pipewarden.errors import UsageError

    if warn is None and breach is None:
        raise UsageError("there is no limit to put in force", next_step="--warn or --breach")
    _changed(metric, subject, warn, breach, reason, json=json)


@app.command()
def reset(metric: _Metric, reason: _Reason, subject: _Subject = "", json: _Json = False) -> None:
    """Let the settings count again, on record."""
    _changed(metric, subject, None, None, reason, json=json)


@app.command("list")
def list_(json: _Json = False) -> None:
    """List the limits of the settings, and those that somebody put in force over them."""
    from pipewarden.app.cli.output.monitoring.limits import limits_as_json, say_limits
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.jobs.monitoring.thresholds.applying import in_force
    from pipewarden.jobs.workspace import Workspace

    usual, applied = in_force(Workspace())
    if json:
        say_json(limits_as_json(usual, applied))
    else:
        say_limits(usual, applied)


def _changed(
    metric: str,
    subject: str,
    warn: float | None,
    breach: float | None,
    reason: str,
    *,
    json: bool,
) -> None:
    from pipewarden.app.cli.output.monitoring.limits import applied_as_json, say_applied
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.jobs.monitoring.thresholds.applying import apply as put
    from pipewarden.jobs.workspace import Workspace

    limit = put(Workspace(), metric, subject=subject, warn=warn, breach=breach, reason=reason)
    if json:
        say_json(applied_as_json(limit))
    else:
        say_applied(limit)
