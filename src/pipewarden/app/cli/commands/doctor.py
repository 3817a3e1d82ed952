"""``pipewarden doctor``: is everything here that a run needs?"""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check what a run needs: database, folders, extras, pipelines, locks.

    Exit code 4 when something needed is missing.
    """
    from dataclasses import asdict

    from pipewarden.app.cli.output.terminal import say, say_json, say_table
    from pipewarden.app.diagnosis import diagnose
    from pipewarden.report.untrusted import visible

    found = diagnose()
    missing = [row for row in found if row.state == "missing"]
    if json:
        say_json({"healthy": not missing, "checks": [asdict(row) for row in found]})
    else:
        rows = [(r.state, r.subject, visible(r.found), visible(r.advice)) for r in found]
        say_table(("", "what", "found", "what to do"), rows)
        say()
        if missing:
            say(f"Missing: {', '.join(row.subject for row in missing)}.", tone="bad")
        else:
            say("Everything that a run needs is here.", tone="good")
    raise typer.Exit(4 if missing else 0)
