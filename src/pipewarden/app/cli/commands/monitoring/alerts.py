"""``pipewarden alerts``: what is wrong, who knows of it, and who cares for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from pipewarden.core.monitoring.alerts.rules import Severity
    from pipewarden.monitoring.alerts.context import AlertContext

app = typer.Typer(
    help="See what is wrong, take it on, be quiet about it, and try who can be reached.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_DEPENDENCY = 4

_Id = Annotated[int, typer.Argument(metavar="ID", min=1, help="The alert, as 'list' shows it.")]
_Reason = Annotated[str, typer.Option(help="Why; it is ledgered.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Severity = Annotated[str | None, typer.Option(help="Only critical, or only warning.")]
_Subject = Annotated[str | None, typer.Option(help="Only of this model, pipeline or service.")]
_Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
_Offset = Annotated[int, typer.Option(min=0, help="Leave out so many first.")]


@app.command("list")
def list_(
    severity: _Severity = None,
    subject: _Subject = None,
    limit: _Limit = 50,
    offset: _Offset = 0,
    json: _Json = False,
) -> None:
    """List what is wrong now, the gravest first, and channels that do not work."""
    from pipewarden.app.cli.output.monitoring.alerts import say_alerts
    from pipewarden.jobs.monitoring.alerts import not_set_up
    from pipewarden.monitoring.alerts import reading

    context = _context()
    page = reading.listed(
        context, severity=_grave(severity), subject=subject, limit=limit, offset=offset
    )
    mutes, channels = reading.mutes_in_force(context), reading.channels(context)
    say_alerts(page, channels, mutes, not_set_up(context), json=json)


@app.command()
def history(
    severity: _Severity = None,
    subject: _Subject = None,
    limit: _Limit = 50,
    offset: _Offset = 0,
    json: _Json = False,
) -> None:
    """List what was wrong and is over."""
    from pipewarden.app.cli.output.monitoring.alerts import say_past
    from pipewarden.monitoring.alerts import reading

    grave, context = _grave(severity), _context()
    page = reading.listed(
        context, reading.PAST, severity=grave, subject=subject, limit=limit, offset=offset
    )
    say_past(page, json=json)


@app.command()
def show(incident: _Id, json: _Json = False) -> None:
    """Show all that is known of an alert, and who was told by which channel."""
    from pipewarden.app.cli.output.monitoring.alerts import say_alert
    from pipewarden.monitoring.alerts import reading

    say_alert(reading.shown(_context(), incident), json=json)


@app.command()
def ack(incident: _Id, reason: _Reason, json: _Json = False) -> None:
    """Take an alert on: no reminders and no escalation any more; it lasts until it is over."""
    from pipewarden.monitoring.alerts.acting import acknowledge

    context = _context()
    held = acknowledge(context, incident, reason=reason)
    _say_done(context, held.id, f"alert {held.id} is acknowledged by {context.actor}", json=json)


@app.command()
def resolve(incident: _Id, reason: _Reason, json: _Json = False) -> None:
    """End an alert by hand, such as one about a model that was retired; who knew of it is told."""
    from pipewarden.monitoring.alerts.acting import resolve as end

    context = _context()
    held = end(context, incident, reason=reason)
    _say_done(context, held.id, f"alert {held.id} is resolved", json=json)


@app.command()
def mute(
    incident: Annotated[
        int | None, typer.Argument(metavar="[ID]", min=1, help="One alert.", show_default=False)
    ] = None,
    *,
    reason: _Reason,
    rule: Annotated[str, typer.Option(help="Or those of rules of this pattern.")] = "*",
    subject: Annotated[str, typer.Option(help="Or those about subjects of this pattern.")] = "*",
    metric: Annotated[str, typer.Option(help="Or those about metrics of this pattern.")] = "*",
    for_: Annotated[
        str | None, typer.Option("--for", metavar="SPAN", help="For how long: 30m, 2h, 3d.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until when: ISO 8601, UTC.")
    ] = None,
    end: Annotated[int | None, typer.Option(metavar="MUTE", help="End this mute now.")] = None,
    json: _Json = False,
) -> None:
    """Tell nobody of some alerts for a while; they are counted and kept all the same."""
    from pipewarden.app.cli.output.monitoring.alerts import say_mute
    from pipewarden.core.monitoring.alerts.schedule import Mute
    from pipewarden.monitoring.alerts import acting

    context = _context()
    if end is not None:
        say_mute(acting.end_mute(context, end, reason=reason), json=json, ended=True)
        return
    now = context.clock()
    asked = Mute(
        incident=incident,
        rule=rule,
        subject=subject,
        metric=metric,
        since=now,
        until=_end(for_, until, now),
        actor=context.actor,
        reason=reason,
    )
    say_mute(acting.mute(context, asked), json=json)


@app.command()
def test(
    channels: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CHANNEL]...", help="The channels; all if none."),
    ] = None,
    json: _Json = False,
) -> None:
    """Send a test message on each channel, now; exit code 4 where one does not work."""
    from pipewarden.app.cli.output.monitoring.alerts import say_tried
    from pipewarden.monitoring.alerts.acting import try_channels

    context = _context()
    context.book()  # what does not hold in the rules is found now, too
    tried = try_channels(context, channels or ())
    say_tried(tried, json=json)
    if not all(one.works for one in tried):
        raise typer.Exit(_DEPENDENCY)


def _context() -> AlertContext:
    from pipewarden.jobs.monitoring.alerts import alerts_of
    from pipewarden.jobs.workspace import Workspace

    return alerts_of(Workspace())


def _say_done(context: AlertContext, incident: int, words: str, *, json: bool) -> None:
    from pipewarden.app.cli.output.monitoring.alerts import as_json
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.monitoring.alerts import reading
    from pipewarden.report.untrusted import visible

    if json:
        say_json(as_json(reading.shown(context, incident).alert))
    else:
        say(visible(words), tone="good")


def _grave(text: str | None) -> Severity | None:
    from pipewarden.core.monitoring.alerts.rules import Severity
    from pipewarden.errors import UsageError

    if text is None:
        return None
    if text not in list(Severity):
        raise UsageError(f"there is no severity {text!r}", next_step="critical or warning")
    return Severity(text)


def _end(for_: str | None, until: str | None, now: datetime) -> datetime:
    from pipewarden.app.cli import asking
    from pipewarden.errors import UsageError

    if (for_ is None) == (until is None):
        raise UsageError("say how long: --for SPAN or --until TIME, and not both")
    return now + asking.age(for_) if for_ is not None else asking.since(until or "")
