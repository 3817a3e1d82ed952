"""``pipewarden articles``: clean one text and see why, check a file, ask what is in use."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipewarden.app.cli.output.terminal import (
    is_terminal,
    say,
    say_facts,
    say_json,
    say_next,
    say_table,
)
from pipewarden.errors import SourceNotFound, UsageError
from pipewarden.report.untrusted import clipped, visible, visible_lines

if TYPE_CHECKING:
    from pipewarden.pipelines.articles.records import CleanedArticle, LoggedChange
    from pipewarden.pipelines.articles.settings import ArticleSettings

app = typer.Typer(
    help="News articles: clean a text, check a file of records, see the settings.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
_Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting, such as rules.typos=false; repeatable."
    ),
]
#: Changes that are told one by one, and the characters that are shown of a long one.
_MOST_TOLD, _LONGEST_TOLD = 200, 400


@app.command()
def clean(
    source: Annotated[
        str | None,
        typer.Argument(metavar="[FILE]", help="A .txt, .html or .json file; - or none is stdin."),
    ] = None,
    *,
    text: Annotated[str | None, typer.Option(help="The text itself.")] = None,
    settings: _Settings = None,
    as_json: _Json = False,
) -> None:
    """Clean one article and show what changed and why; nothing is stored.

    What is removed is red and struck through, what is added is green; in a pipe they stand as
    [-removed-] and {+added+}.
    """
    record = _record(source, text)
    from pipewarden.pipelines.articles.cleaner import ArticleCleaner

    cleaned = ArticleCleaner(_settings(settings)).clean(record)
    if as_json:
        say_json(cleaned.model_dump(mode="json"))
        return
    colour = is_terminal() and not os.environ.get("NO_COLOR")
    say("".join(_difference(cleaned.original_text, cleaned.changes, colour=colour)))
    _tell(cleaned)


@app.command()
def validate(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A JSONL file, also compressed with gzip.")
    ],
    *,
    as_json: _Json = False,
) -> None:
    """Check that every line of a file is an article; nothing is cleaned.

    Exit code 0: all are; 1: some lines are not, each told with its number and the reason.
    """
    path = _existing(file)
    from pipewarden.pipelines.articles.files import validate as checked

    found = checked(path)
    if as_json:
        faults = [
            {"line": fault.line, "reason": fault.reason, "message": fault.message}
            for fault in found.faults
        ]
        say_json({"lines": found.lines, "articles": found.articles, "faults": faults})
    else:
        for fault in found.faults:
            say(visible(f"line {fault.line}: {fault.reason}: {fault.message}"))
        tone = "bad" if found.faults else "good"
        say(f"{found.articles:,} of {found.lines:,} lines hold an article", tone=tone)
        if not found.faults:
            say_next({f"pipewarden run articles {file}": "clean them"})
    raise typer.Exit(1 if found.faults else 0)


@app.command()
def info(*, settings: _Settings = None, as_json: _Json = False) -> None:
    """Show the rules, the settings, and which model is configured, available and in use."""
    from pipewarden.pipelines.articles.enrich.weights import engine_facts

    held = _settings(settings)
    engine = engine_facts(held.entities)
    if as_json:
        say_json({"settings": held.model_dump(mode="json"), "engine": engine})
        return
    rules = type(held.rules).model_fields
    rows = [
        (name, "on" if getattr(held.rules, name) else "off", rules[name].description or "")
        for name in rules
    ]
    say_table(("rule", "is", "what it does"), rows)
    say()
    plain = held.model_dump(mode="json", exclude={"rules"})
    say_facts({name: visible(json.dumps(value)) for name, value in _leaves(plain)})
    say()
    configured, available = engine["configured"], engine["available"]
    in_use = engine["in_use"] or {}
    say_facts(
        {
            "configured": f"{configured['model']}, {'gpu' if configured['gpu'] else 'cpu'}",
            "available": f"spaCy {available['spacy']}: {', '.join(available['models']) or 'none'}",
            "in use": ", ".join(f"{in_use[key]}" for key in in_use if key != "components"),
            "problem": visible(engine.get("problem", "")),
        }
    )


def _settings(pairs: list[str] | None) -> ArticleSettings:
    """Return the settings of file and environment, those of the command line over them."""
    from pipewarden.app.cli.asking import pipeline_settings
    from pipewarden.errors import MissingExtra
    from pipewarden.settings import load_settings

    try:
        from pipewarden.pipelines.articles.settings import article_settings, merged
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("pipewarden"):
            raise
        raise MissingExtra("the articles pipeline", "articles") from None
    configured = load_settings().pipelines.get("articles", {})
    return merged(article_settings(configured), pipeline_settings(pairs or [], None) or {})


def _existing(file: str) -> Path:
    path = Path(file)
    if path.is_dir():
        raise UsageError(f"{file} is a folder", next_step="name one file")
    if not path.is_file():
        raise SourceNotFound(f"the file {file} does not exist", next_step="name a file")
    return path


def _record(source: str | None, text: str | None) -> Any:
    """Return the record to clean: of a file, of the option, or of stdin."""
    if text is not None and source is not None:
        raise UsageError("there is a file and a --text", next_step="give one of them")
    if text is not None:
        return {"text": text}
    if source not in (None, "-"):
        from pipewarden.pipelines.articles.files import record_of_file

        return record_of_file(_existing(str(source)))
    if source is None and sys.stdin.isatty():
        raise UsageError("there is no text", next_step="give a file, --text or a pipe")
    return {"text": sys.stdin.buffer.read().decode("utf-8", "replace")}


def _difference(original: str, changes: Iterable[LoggedChange], *, colour: bool) -> Iterator[str]:
    """Yield the text with what was removed and what was added, marked and harmless."""
    place = 0
    for change in changes:
        yield "\n".join(visible_lines(original[place : change.start_char]))
        if change.before:
            yield _marked(clipped(change.before, _LONGEST_TOLD), "[-", "-]", colour, fg="red")
        if change.after:
            yield _marked(clipped(change.after, _LONGEST_TOLD), "{+", "+}", colour, fg="green")
        place = change.end_char
    yield "\n".join(visible_lines(original[place:]))


def _marked(text: str, opening: str, closing: str, colour: bool, fg: str) -> str:
    shown = visible(text)
    if not colour:
        return f"{opening}{shown}{closing}"
    return typer.style(shown, fg=fg, strikethrough=fg == "red")


def _tell(cleaned: CleanedArticle) -> None:
    """Print each change with its rule, the entities and the rest."""
    say()
    rows = [
        (change.rule, visible(clipped(change.before, 40)), visible(clipped(change.after, 40)))
        for change in cleaned.changes[:_MOST_TOLD]
    ]
    if rows:
        say_table(("rule", "before", "after"), rows)
        if len(cleaned.changes) > _MOST_TOLD:
            say(f"… and {len(cleaned.changes) - _MOST_TOLD:,} more changes")
    else:
        say("Nothing was changed.", tone="good")
    say()
    found = [f"{entity.text} ({entity.type})" for entity in cleaned.entities]
    dates = [f"{told.text} = {told.date or 'unresolved'}" for told in cleaned.temporal_metadata]
    language = cleaned.language
    say_facts(
        {
            "language": f"{language.code}, confidence {language.confidence:.2f}",
            "entities": visible("; ".join(found)),
            "dates": visible("; ".join(dates)),
            "words": f"{cleaned.cleaned_word_count:,}, {cleaned.reading_time_minutes:g} minutes",
        }
    )


def _leaves(plain: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in plain.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
