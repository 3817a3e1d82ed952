"""The house rules that no linter knows, and the command that checks them.

A rule takes the root of a project and returns one sentence for each place that breaks it.
"""

# ruff: noqa: T201, S603

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("src", "scripts", "benchmarks")
MODULE_LINES, MODULE_LINES_WARNED = 450, 300
FUNCTION_LINES = 40
FOLDER_MODULES = 9
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
CORE_MAY_IMPORT = ("pipewarden.core", "pipewarden.errors", "pipewarden.settings")

# Each pattern is written so that it does not match itself.
FOREIGN_TEXT = {
    "a package registry's address": re.compile(
        r"(?:p[y]pi|conda[.]anaconda|c[r]ates)\.(?:org|io)|python[h]osted|registry[.]n[p]mjs"
        r"|deb\.d[e]bian\.org|--(?:extra-)?index[-]url",
        re.IGNORECASE,
    ),
    "a path of one machine": re.compile(
        r"(?:^|[^\w.])/(?:w[o]rk|f[a]rm|r[o]ot|(?:h[o]me|U[s]ers)/[a-z]\w*|tmp/(?:b[e]nch|c[l]aude))/",
        re.MULTILINE,
    ),
    "a foreign tool": re.compile(r"f[a]rm-(?:bench|studio)|\.l[i]brary/|\bC[l]aude\b"),
}


def main() -> int:
    """Print what breaks a rule, and what is near to breaking one."""
    for warning in long_modules(ROOT, MODULE_LINES_WARNED):
        print(f"warning: {warning}")
    broken = [sentence for rule in RULES for sentence in rule(ROOT)]
    print("\n".join(broken) or "the house rules hold")
    return 1 if broken else 0


def long_modules(root: Path, limit: int = MODULE_LINES) -> list[str]:
    """Return the modules over ``limit`` lines: each is asking to be two."""
    sizes = ((path, len(path.read_text(encoding="utf-8").splitlines())) for path in modules(root))
    return [
        f"{path.relative_to(root)} has {size} lines (limit {limit})"
        for path, size in sizes
        if size > limit
    ]


def long_functions(root: Path) -> list[str]:
    """Return the functions whose body, without its docstring, is over the limit."""
    found = []
    for path in modules(root):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = body_lines(node)
                if size > FUNCTION_LINES:
                    place = f"{path.relative_to(root)}:{node.lineno}"
                    found.append(f"{place} {node.name}() has {size} lines (limit {FUNCTION_LINES})")
    return found


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    return (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1


def full_folders(root: Path) -> list[str]:
    """Return the package folders with more modules than a reader keeps in mind."""
    counts: dict[Path, int] = {}
    for path in modules(root, "src"):
        if path.name != "__init__.py":
            counts[path.parent] = counts.get(path.parent, 0) + 1
    return [
        f"{folder.relative_to(root)} holds {count} modules (limit {FOLDER_MODULES})"
        for folder, count in sorted(counts.items())
        if count > FOLDER_MODULES
    ]


def vague_names(root: Path) -> list[str]:
    """Return the modules and packages whose names say nothing."""
    names = {
        part
        for path in modules(root, "src")
        for part in (path.with_suffix("").relative_to(root), path.parent.relative_to(root))
    }
    return [f"{name}: name it for what it holds" for name in sorted(names) if is_vague(name.name)]


def is_vague(name: str) -> bool:
    """Say whether a module's name, or a word of it, is one of the vague ones."""
    return not VAGUE_NAMES.isdisjoint(name.split("_"))


def impure_core(root: Path) -> list[str]:
    """Return the imports of ``core`` from outside the standard library and the rooms below."""
    found = []
    for path in modules(root, "src/pipewarden/core"):
        for line, name in imports(parsed(path)):
            ours = any(name == room or name.startswith(f"{room}.") for room in CORE_MAY_IMPORT)
            if not ours and name.partition(".")[0] not in sys.stdlib_module_names:
                found.append(f"{path.relative_to(root)}:{line} core imports {name}")
    return found


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the full name of every absolute import; ruff refuses the others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "pipewarden":
            yield from ((node.lineno, f"pipewarden.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def foreign_text(root: Path) -> list[str]:
    """Return the places in files under version control that only mean something elsewhere."""
    found = []
    for path in kept_files(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for what, pattern in FOREIGN_TEXT.items():
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.end()) + 1
                found.append(f"{path.relative_to(root)}:{line} names {what}")
    return found


def kept_files(root: Path) -> list[Path]:
    """Return the files that git keeps, or would keep."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    paths = sorted({root / name for name in listed.split("\0") if name})
    return [path for path in paths if path.is_file()]


def modules(root: Path, *folders: str) -> list[Path]:
    """Return the Python files below the folders (all code, when none is named)."""
    return sorted(path for folder in folders or CODE for path in (root / folder).rglob("*.py"))


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of one file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


RULES: tuple[Callable[[Path], list[str]], ...] = (
    long_modules,
    long_functions,
    full_folders,
    vague_names,
    impure_core,
    foreign_text,
)

if __name__ == "__main__":
    sys.exit(main())
