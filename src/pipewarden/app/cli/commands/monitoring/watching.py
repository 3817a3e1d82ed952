"""``pipewarden monitor check``, ``run``, ``drift`` and ``digest``: look, judge, tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipewarden.jobs.monitoring.checking import Checked
    from pipewarden.jobs.workspace import Workspace

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_FOUND, _UNANSWERED = 1, 4


def check(
    alert: Annotated[
        bool, typer.Option("--alert/--no-alert", help="Let alerts see what was found.")
    ] = True,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Write page and JSON of the check.")
    ] = True,
    json: _Json = False,
) -> None:
    """Look once at every model, pipeline and service, and store what was found.

    Exit code 1 when anything is beyond its limit, else 4 when something could not be looked at.
    Only one check runs at a time; a second one ends with 3.
    """
    from pipewarden.app.cli.output.monitoring.checks import say_checked, told_as_json
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.jobs.monitoring import reporting
    from pipewarden.jobs.monitoring.checking import check as look
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    checked = look(workspace)
    assert checked is not None, "without a time to wait for, a check is made or refused"
    page = reporting.write(workspace, checked) if report else None
    problems = _alerted(workspace, checked) if alert else {}
    if json:
        say_json(told_as_json(checked, page=page, problems=problems))
    else:
        say_checked(checked, page=page, problems=problems)
    raise typer.Exit(_code(checked, problems))


def run(
    interval: Annotated[
        float | None, typer.Option(min=1, help="Seconds from one check to the next.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, one line a check.")] = False,
) -> None:
    """Check again and again, and let alerts see it, until Ctrl-C or SIGTERM.

    A check that fails is told, and the next one is made all the same. Any number of monitors may
    run beside each other: of each round one of them checks. The check in work is ended first.
    """
    import signal
    import threading

    from pipewarden.app.cli.output.monitoring.checks import say_round
    from pipewarden.app.cli.output.terminal import say
    from pipewarden.jobs.monitoring import reporting
    from pipewarden.jobs.monitoring.running import Monitor, Round
    from pipewarden.jobs.monitoring.watching.parts import in_words
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    with workspace.database.read():
        pass  # it opens, and its schema is made, before anything is promised
    seconds = interval or workspace.settings.monitoring.interval_seconds
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def told(done: Round) -> None:
        if done.checked is not None:
            try:
                reporting.write(workspace, done.checked)
            except Exception as error:  # noqa: BLE001 - a report that cannot be written is told
                done.failures["report"] = in_words(error)
        say_round(workspace.clock(), done, json=json)

    if not json:
        say(f"checking every {seconds:g} s; Ctrl-C ends")
    Monitor(workspace, seconds).run(stop, told)
    if not json:
        say("the monitor ended")


def drift(
    model: Annotated[str, typer.Option(help="Only this model.")] = "",
    environment: Annotated[str, typer.Option(help="Where it serves; the champions' place.")] = "",
    window: Annotated[str, typer.Option(help="How long back: 1h, 24h, 7d.")] = "24h",
    json: _Json = False,
) -> None:
    """Look now what models are asked that their baselines do not know; nothing is stored.

    Each model's last hours are judged for themselves, without asking whether it lasts. Exit code 1
    when anything drifted.
    """
    from pipewarden.app.cli.output.monitoring.checks import drift_as_json, say_drift
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.jobs.monitoring.drifting import drift as look
    from pipewarden.jobs.workspace import Workspace

    found = look(Workspace(), model=model, environment=environment, window=window)
    if json:
        say_json([drift_as_json(one) for one in found])
    else:
        say_drift(found)
    raise typer.Exit(_FOUND if any(one.drifted for one in found) else 0)


def digest(
    hours: Annotated[float, typer.Option(min=0.1, help="How far back.")] = 24.0,
    json: _Json = False,
) -> None:
    """Tell what the checks of a day found, what of it still stands, and when nobody checked.

    Exit code 1 when anything is beyond its limit now.
    """
    from pipewarden.app.cli.output.monitoring.checks import digest_as_json, say_digest
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.core.monitoring.observations import ObservationStatus
    from pipewarden.jobs.monitoring.digest import digest as collect
    from pipewarden.jobs.workspace import Workspace

    found = collect(Workspace(), hours)
    if json:
        say_json(digest_as_json(found))
    else:
        say_digest(found)
    beyond = any(one.status is ObservationStatus.BREACH for one in found.standing)
    raise typer.Exit(_FOUND if beyond else 0)


def _alerted(workspace: Workspace, checked: Checked) -> dict[str, str]:
    """Let alerts see a check; return what of it failed, and why."""
    from pipewarden.jobs.monitoring.running import alert

    _, failures = alert(workspace, checked)
    return failures


def _code(checked: Checked, problems: dict[str, str]) -> int:
    if any(one.metric != "monitor.failures" for one in checked.breaches):
        return _FOUND
    return _UNANSWERED if checked.failures or problems else 0
