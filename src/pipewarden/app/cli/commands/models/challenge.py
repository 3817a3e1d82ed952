"""``pipewarden challenge``: a version beside the champion, judged by a plan declared beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipewarden.core.models.challengers import ChallengerMode
from pipewarden.core.models.comparisons import ComparisonMetric, ComparisonPlan

if TYPE_CHECKING:
    from pipewarden.models.context import ModelContext

app = typer.Typer(
    help="Try a version beside the champion: start, judge, stop, promote.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Number = Annotated[int, typer.Argument(metavar="CHALLENGER", help="Its number, see 'list'.")]
_Environment = Annotated[str, typer.Option(help="Where the champion serves.")]
_PLAN = ComparisonPlan()


@app.command()
def start(
    *,
    model: Annotated[
        str | None, typer.Option(help="The model; the only one if there is but one.")
    ] = None,
    version: Annotated[
        str, typer.Option(help="A number, or latest (the newest deployable).")
    ] = "latest",
    environment: _Environment = "production",
    mode: Annotated[
        ChallengerMode, typer.Option(help="shadow: nobody gets its answers; canary: a share does.")
    ] = ChallengerMode.SHADOW,
    share: Annotated[
        float, typer.Option(help="Of the entities that a canary answers, above 0 and below 1.")
    ] = 0.1,
    metric: Annotated[
        ComparisonMetric, typer.Option(help="What decides, on labelled predictions.")
    ] = _PLAN.metric,
    labelled: Annotated[
        int, typer.Option(min=2, help="Labelled predictions at which it is decided.")
    ] = _PLAN.labelled,
    hours: Annotated[
        float, typer.Option(help="It ends undecided after so many hours.")
    ] = _PLAN.hours,
    margin: Annotated[
        float, typer.Option(help="It must be better by more; below 0: it may be worse by less.")
    ] = _PLAN.margin,
    confidence: Annotated[
        float, typer.Option(help="Of the interval that decides, in percent.")
    ] = _PLAN.confidence,
    harm_loss: Annotated[
        float, typer.Option(help="It is stopped when it is worse by more, in the metric's unit.")
    ] = _PLAN.harm.loss,
    harm_failed: Annotated[
        float, typer.Option(help="It is stopped when a greater share has no answer, 0 to 1.")
    ] = _PLAN.harm.failed_share,
    harm_latency: Annotated[
        float, typer.Option(help="It is stopped when it takes so many times as long.")
    ] = _PLAN.harm.latency_ratio,
    reason: Annotated[str, typer.Option(help="Why; the ledger keeps it.")] = "",
    json: _Json = False,
) -> None:
    """Let a version answer beside the champion, under a plan that cannot be changed later."""
    from dataclasses import replace

    from pipewarden.app.cli.commands.models.naming import model_or_only
    from pipewarden.app.cli.output.models.challenged import say_started
    from pipewarden.models import choosing
    from pipewarden.models.challenging import starting

    context = _context()
    name = model_or_only(context, model)
    harm = replace(_PLAN.harm, loss=harm_loss, failed_share=harm_failed, latency_ratio=harm_latency)
    plan = ComparisonPlan(
        metric=metric, labelled=labelled, hours=hours, margin=margin, confidence=confidence,
        harm=harm,
    )  # fmt: skip
    with context.database.read() as conn:
        meant = choosing.to_deploy(conn, name, version, context.settings.champion)
    begun = starting.start(
        context, name, environment, meant.version,
        mode=mode, share=share, plan=plan, reason=reason,
    )  # fmt: skip
    say_started(begun, json=json)


@app.command("list")
def list_(
    model: Annotated[str | None, typer.Option(help="Only of this model.")] = None,
    environment: Annotated[str | None, typer.Option(help="Only of this environment.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    json: _Json = False,
) -> None:
    """List challengers, the newest first, and how they ended."""
    from pipewarden.app.cli.output.models.challenged import say_challengers
    from pipewarden.store.state.models import challengers

    with _context().database.read() as conn:
        held = challengers.listed(conn, model=model, environment=environment, limit=limit)
    say_challengers(held, json=json)


@app.command()
def status(
    challenger: Annotated[
        int | None,
        typer.Argument(metavar="[CHALLENGER]", help="Its number; the only one that runs if none."),
    ] = None,
    json: _Json = False,
) -> None:
    """Show a challenger: its plan, what was counted, and what the last judgement found."""
    from pipewarden.app.cli.output.models.challenged import say_challenger
    from pipewarden.store.state.models import challengers

    context = _context()
    number = _only(context) if challenger is None else challenger
    with context.database.read() as conn:
        held = challengers.get(conn, number)
        figures = challengers.figures_of(conn, number)
    say_challenger(held, figures, json=json)


@app.command()
def judge(
    challenger: Annotated[
        int | None,
        typer.Argument(metavar="[CHALLENGER]", help="Its number; every one that runs if none."),
    ] = None,
    json: _Json = False,
) -> int:
    """Judge challengers: stop on harm, and decide what has enough labels. Exit code 1: harm."""
    from pipewarden.app.cli.output.models.challenged import say_judgements
    from pipewarden.models.challenging import judging

    context = _context()
    every = [one.id for one in reversed(judging.running(context))]
    numbers = every if challenger is None else [challenger]
    many = [judging.judge(context, number) for number in numbers]
    say_judgements(many, json=json)
    return int(any(one.harm for one in many))


@app.command()
def stop(
    challenger: _Number,
    reason: Annotated[str, typer.Option(help="Why; required, ledgered.")],
    json: _Json = False,
) -> None:
    """Stop a challenger; the champion answers on."""
    from pipewarden.app.cli.output.models.challenged import say_stopped
    from pipewarden.models.challenging import ending

    say_stopped(ending.stop(_context(), challenger, reason=reason), json=json)


@app.command()
def promote(
    challenger: _Number,
    reason: Annotated[str, typer.Option(help="Why; its comparison is named in any case.")] = "",
    json: _Json = False,
) -> int:
    """Deploy a challenger that won: promotion gate, approval if the policy asks, trial."""
    from pipewarden.app.cli.output.models.deployed import say_deployed
    from pipewarden.models.challenging import ending

    done = ending.promote(_context(), challenger, reason=reason)
    say_deployed(done, json=json)
    return int(done.outcome.bad)


def _context() -> ModelContext:
    from pipewarden.jobs.models.context import model_context
    from pipewarden.jobs.workspace import Workspace

    return model_context(Workspace())


def _only(context: ModelContext) -> int:
    from pipewarden.errors import UsageError
    from pipewarden.models.challenging import judging

    held = judging.running(context)
    if len(held) == 1:
        return held[0].id
    what = "several challengers run" if held else "no challenger runs"
    raise UsageError(f"{what}, so say which", next_step="pipewarden challenge list")
