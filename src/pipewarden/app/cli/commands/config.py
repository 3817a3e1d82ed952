"""``pipewarden config``: the settings in force."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipewarden.settings import Settings

app = typer.Typer(
    help="See the settings in force, and where each comes from.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    """Keep ``show`` a command of its own while it is the only one."""


@app.command()
def show(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print every setting, where its value comes from, and what it means; secrets are hidden."""
    from pipewarden.app.cli.output.terminal import say, say_json, say_table
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import value_in_words
    from pipewarden.settings import SETTINGS_FILE, Settings, load_settings

    settings = load_settings()
    values, origins = settings.redacted(), _origins(settings)
    if json:
        say_json({name: {"value": held, "from": origins[name]} for name, held in values.items()})
        return
    rows = []
    for name, field in Settings.model_fields.items():
        held = value_in_words(values[name]) or "(empty)"
        rows.append((name, held, origins[name], field.description or ""))
    say_table(("setting", "value", "from", "meaning"), rows)
    say()
    say(
        f"A setting is changed in {visible(str(settings.home / SETTINGS_FILE))}, or by PIPEWARDEN_"
        "<NAME> in the environment, which wins."
    )


def _origins(settings: Settings) -> dict[str, str]:
    """Return where each value comes from: a variable, the settings file, or the default."""
    import yaml

    from pipewarden.settings import SETTINGS_FILE

    named = os.environ.get("PIPEWARDEN_CONFIG")
    file = Path(named) if named else settings.home / SETTINGS_FILE
    held: Any = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
    in_file = held if isinstance(held, dict) else {}
    variables = {name.upper() for name in os.environ}
    origins = {}
    for name in type(settings).model_fields:
        variable = f"PIPEWARDEN_{name.upper()}"
        if any(v == variable or v.startswith(f"{variable}__") for v in variables):
            origins[name] = variable
        else:
            origins[name] = str(file) if name in in_file else "default"
    return origins
