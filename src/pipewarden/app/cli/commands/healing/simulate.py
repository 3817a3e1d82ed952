"""``pipewarden simulate``: a stream of made-up requests and late labels out of a changing world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Send a model requests and labels out of a world that changes on purpose.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_World = Annotated[str, typer.Argument(metavar="WORLD", help="Its name; see 'simulate worlds'.")]
_Seed = Annotated[int, typer.Option(min=0, help="Of every draw: the same again gives the same.")]
_SECRET = "PIPEWARDEN_KEY"  # noqa: S105 - the name of a variable


@app.command()
def worlds() -> None:
    """List the worlds."""
    from pipewarden.app.cli.output.terminal import say
    from pipewarden.healing.simulation.shelves import SALES_WORLDS
    from pipewarden.healing.simulation.worlds import WORLDS

    say(f"credit: {', '.join(WORLDS)}")
    say(f"sales: {', '.join(SALES_WORLDS)}")


@app.command()
def table(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the CSV is written.")],
    rows: Annotated[int, typer.Option(min=1, help="People in it.")] = 5_000,
    world: Annotated[str, typer.Option(help="As it is long after its change.")] = "stable",
    seed: _Seed = 1,
) -> None:
    """Write a table of made-up borrowers to train a first model on."""
    from pipewarden.app.cli.output.terminal import say
    from pipewarden.healing.simulation import people
    from pipewarden.healing.simulation.worlds import world_of
    from pipewarden.store.files import durable

    drawn = people.population(rows, seed, world_of(world)(365.0))
    file.parent.mkdir(parents=True, exist_ok=True)
    durable.write_file(file, people.table(drawn))
    failing = sum(one.fails for one in drawn)
    say(f"{rows:,} borrowers, of whom {failing:,} fail, are in {file}")


@app.command()
def credit(
    *,
    world: _World,
    url: Annotated[
        str, typer.Option(help="A running service; empty: the desk of this workspace itself.")
    ] = "",
    model: Annotated[str, typer.Option(help="Who is asked.")] = "credit",
    environment: Annotated[str, typer.Option(help="Where it serves.")] = "production",
    days: Annotated[float, typer.Option(min=0.05, help="Simulated days.")] = 1.0,
    shift_day: Annotated[float, typer.Option(help="On which the world begins to change.")] = 0.0,
    rows: Annotated[int, typer.Option(min=1, help="Requests a day.")] = 2_400,
    delay: Annotated[float, typer.Option(min=0, help="Hours after which a label comes.")] = 0.0,
    labelled: Annotated[float, typer.Option(min=0, max=1, help="Share that gets one.")] = 1.0,
    seed: _Seed = 7,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask a credit model as fast as it answers, and tell it what became true.

    Nothing waits: the hours of the simulation pass as fast as they are worked through, and what is
    logged bears the present time. An API key is taken from PIPEWARDEN_KEY.
    """
    import os

    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.healing.simulation.fronts import DeskFront, Front, HttpFront
    from pipewarden.healing.simulation.stream import Plan, Stream
    from pipewarden.healing.simulation.worlds import world_of
    from pipewarden.jobs.workspace import Workspace

    plan = Plan(
        world=world_of(world),
        rows_a_day=rows,
        shift_day=shift_day,
        delay_hours=delay,
        labelled=labelled,
        seed=seed,
    )
    workspace = Workspace()
    front: Front = (
        HttpFront(url, os.environ.get(_SECRET, "")) if url else DeskFront(workspace, environment)
    )
    try:
        stream = Stream(plan, front, model, workspace.clock(), live=True)
        stream.days(days)
    finally:
        front.close()
    if json:
        say_json({"world": world, "asked": stream.asked, "labelled": stream.told})
        return
    say(f"{stream.asked:,} requests out of the world {world}; {stream.told:,} labels came")


@app.command()
def sales(
    *,
    world: _World,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the CSV is written.")],
    weeks: Annotated[int, typer.Option(min=1, help="Weeks that are known.")] = 104,
    books: Annotated[int, typer.Option(min=1, max=100_000, help="Series in it.")] = 200,
    changed: Annotated[int, typer.Option(min=0, help="How many of them change.")] = 20,
    shift_week: Annotated[
        int, typer.Option(min=0, help="In which the change begins; the first is 0.")
    ] = 104,
    seed: _Seed = 7,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a table of what made-up books sell a week, as far as it is known.

    Written again with more weeks it has the same past: so the weeks of a deployed series come, as
    its table brings them, and the next check judges its forecasts by them.
    """
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.errors import UsageError
    from pipewarden.healing.simulation.shelves import Shelf, sales_world
    from pipewarden.store.files import durable

    if changed > books:
        raise UsageError(f"of {books:,} books no {changed:,} can change")
    shelf = Shelf(
        sales_world(world), books=books, changed=changed, shift_week=shift_week, seed=seed
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    durable.write_file(file, shelf.table(weeks))
    changing = sorted(shelf.changing) if weeks > shift_week else []
    if json:
        say_json({"world": world, "books": books, "weeks": weeks, "changing": changing})
        return
    say(f"{weeks:,} weeks of {books:,} books are in {file}; {len(changing):,} have changed")
