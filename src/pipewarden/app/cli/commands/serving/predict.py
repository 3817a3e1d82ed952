"""``pipewarden predict``: a file of rows, answered by a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def predict(
    model: Annotated[str, typer.Option(help="The model's name.", show_default=False)],
    source: Annotated[
        Path, typer.Option("--input", metavar="FILE", help="CSV, JSON lines or Parquet.")
    ],
    target: Annotated[
        Path, typer.Option("--output", metavar="FILE", help="The same, answers added.")
    ],
    environment: Annotated[str, typer.Option(help="Where its version is deployed.")] = "production",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Answer each row of a file, and write all rows with the answers beside them.

    Added are the model's answers, such as probability and prediction, the model_version, and flags.
    The deployed version answers, else the latest deployable one. A row that cannot be answered
    keeps its place, its flag says why, and the exit code is 1. Columns that the model does not know
    are copied.
    """
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs.serving.scoring import score
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import count

    done = score(Workspace(), model, environment, source, target)
    if json:
        names = ("rows", "answered", "refused", "flagged", "copied")
        held = {name: getattr(done, name) for name in names}
        say_json({"model_version": done.chosen.name, "why": done.chosen.why, **held,
                  "output": str(target)})  # fmt: skip
        return int(done.refused > 0)
    say(f"{visible(done.chosen.name)} ({visible(done.chosen.why)}) answered "
        f"{done.answered:,} of {count(done.rows, 'row')}: {visible(str(target))}")  # fmt: skip
    if done.flagged:
        say(f"{count(done.flagged, 'answer')} with a flag: see the column flags")
    if done.copied:
        say(f"copied and not looked at: {visible(', '.join(done.copied))}")
    if done.refused:
        say(f"{count(done.refused, 'row')} refused: see the column flags", tone="bad")
    return int(done.refused > 0)
