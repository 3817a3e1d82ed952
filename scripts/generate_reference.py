"""Write the reference pages from the code itself, and the list of pages in the index.

With ``--check`` nothing is written: a page that differs from what would be written is named.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import enum
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
HEAD = "<!-- Written by 'make docs' from the code; edit the code instead. -->\n\n"
KINDS = {
    "tutorial": ("Tutorial", "Learn by doing, from nothing to a pipeline that runs."),
    "how-to": ("How-to guides", "One task each, for someone who knows what they want."),
    "discussion": ("Discussion", "Why it works as it does, and what it does not promise."),
    "reference": ("Reference", "Every command, setting and public name."),
}
PAGES_START, PAGES_END = "<!-- pages: written by 'make docs' -->", "<!-- end of pages -->"


def main() -> int:
    """Write the pages, or say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only name the stale pages")
    check = parser.parse_args().check
    stale = []
    for path, text in pages():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        name = path.relative_to(ROOT)
        print(f"{name} is stale: run 'make docs'" if check else f"wrote {name}")
    if not stale:
        print("the generated pages are fresh")
    return 1 if check and stale else 0


def pages() -> Iterator[tuple[Path, str]]:
    """Yield every generated page; the index last, because it lists the others."""
    if importlib.util.find_spec("pipewarden.app.cli.main"):
        yield DOCS / "reference" / "cli.md", cli_page()
    for name in ("articles", "filings", "http", "metrics"):
        yield DOCS / "reference" / f"{name}.md", pipeline_page(name)
    yield DOCS / "reference" / "python.md", python_page()
    yield DOCS / "reference" / "settings.md", settings_page()
    yield DOCS / "index.md", index_page()


def cli_page() -> str:
    """Return the page of commands, walked from the Typer application."""
    from typer.main import get_command

    app = importlib.import_module("pipewarden.app.cli.main").app
    sections = "\n".join(command_sections(get_command(app), "pipewarden", None))
    return f"{HEAD}# Command line\n\nEvery command and option of `pipewarden`.\n\n{sections}"


def command_sections(command: Any, path: str, parent: Any) -> Iterator[str]:
    """Yield the section of a command and those of its subcommands, in their order."""
    context = command.context_class(command, info_name=path.rsplit(" ", 1)[-1], parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## `{path}`\n\n{inspect.cleandoc(command.help or '')}\n\n```\n{path} {usage}\n```\n"
    parameters = [one for one in command.get_params(context) if one.name != "help"]
    records = [parameter.get_help_record(context) for parameter in parameters]
    rows = [row(f"`{name}`", text) for name, text in filter(None, records)]
    if rows:
        yield "\n".join(["| parameter | meaning |", "|---|---|", *rows]) + "\n"
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from command_sections(child, f"{path} {name}", context)


def pipeline_page(name: str) -> str:
    """Return the page of a built-in pipeline, which has a script of its own."""
    beside = Path(__file__).with_name(f"reference_{name}.py")
    spec = importlib.util.spec_from_file_location(beside.stem, beside)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return HEAD + str(module.page())


def python_page() -> str:
    """Return the page of public names."""
    import pipewarden

    names = [name for name in pipewarden.__all__ if not name.startswith("__")]
    sections = "\n".join(object_section(name, getattr(pipewarden, name)) for name in names)
    lead = "Every public name; `import pipewarden as pw` is the usual way to have them."
    return f"{HEAD}# Python\n\n{lead}\n\n{sections}"


def object_section(name: str, value: Any) -> str:
    """Return the section of one public name: signature, meaning, and a class's methods."""
    lines = [f"## `{name}`", "", "```python", f"{name}{signature(value)}", "```", ""]
    lines += [prose(value), ""]
    if isinstance(value, enum.EnumType):
        lines += ["Values: " + ", ".join(f"`{each}`" for each in value.__members__) + ".", ""]
    elif inspect.isclass(value):
        rows = [row(f"`.{member}`", first_line(found)) for member, found in own_members(value)]
        if rows:
            lines += ["| member | meaning |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def signature(value: Any) -> str:
    """Return the call's form; of an enumeration none, for it differs between Pythons."""
    if isinstance(value, enum.EnumType):
        return ""
    try:
        shown = re.sub(r" at 0x[0-9a-f]+", "", str(inspect.signature(value)))
    except (TypeError, ValueError):
        return ""
    return re.sub(r"""(: |-> )(['"])(.*?)\2""", r"\1\3", shown)


def own_members(value: type) -> Iterator[tuple[str, Any]]:
    """Yield the documented public methods and properties, in the order they are written."""
    for name, member in vars(value).items():
        found = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        documented = isinstance(found, property) or inspect.isfunction(found)
        if documented and not name.startswith("_") and inspect.getdoc(found):
            arguments = "" if isinstance(found, property) else signature(found)
            yield f"{name}{arguments}", found


def settings_page() -> str:
    """Return the page of the core's settings."""
    from pipewarden.settings import ENV_PREFIX, Settings

    rows = []
    for name, field in Settings.model_fields.items():
        default = "computed" if field.default_factory else f"`{field.default!s}`"
        cells = (f"`{name}`", f"`{ENV_PREFIX}{name.upper()}`", default, field.description or "")
        rows.append(row(*("none" if cell == "``" else cell for cell in cells)))
    table = ["| setting | environment | default | meaning |", "|---|---|---|---|", *rows]
    return f"{HEAD}# Settings\n\n{prose(Settings)}\n\n" + "\n".join(table) + "\n"


def index_page() -> str:
    """Return the index with its list of pages brought up to date."""
    path = DOCS / "index.md"
    if not path.exists():
        sys.exit(f"docs/index.md is missing; it needs the lines {PAGES_START} and {PAGES_END}")
    before, _, rest = path.read_text(encoding="utf-8").partition(PAGES_START)
    _, _, after = rest.partition(PAGES_END)
    sections = []
    for folder, (title, purpose) in KINDS.items():
        listed = [index_entry(page) for page in sorted((DOCS / folder).glob("**/*.md"))]
        if listed:
            sections += [f"## {title}\n\n{purpose}\n", "\n".join(listed) + "\n"]
    return f"{before}{PAGES_START}\n\n" + "\n".join(sections) + f"\n{PAGES_END}{after}"


def index_entry(page: Path) -> str:
    """Return one line of the index: the page's title, linked."""
    title = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    shown = title.group(1) if title else page.stem
    return f"- [{shown}]({page.relative_to(DOCS).as_posix()})"


def prose(value: Any) -> str:
    """Return a docstring as Markdown; numpy-style sections become lists."""
    text = (inspect.getdoc(value) or "").replace("``", "`")
    text = re.sub(r"^(\w[\w ]*)\n-{3,}$", r"**\1**\n", text, flags=re.MULTILINE)
    entry = re.compile(r"^(\w[\w, ]*)\n((?: {4}.+\n?)+)", re.MULTILINE)
    return entry.sub(lambda item: f"- `{item[1]}`: {' '.join(item[2].split())}\n", text).strip()


def first_line(value: Any) -> str:
    """Return the first line of a docstring."""
    return prose(value).partition("\n")[0]


def row(*cells: str) -> str:
    """Return one line of a Markdown table."""
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
