"""How fast the command answers, and how large an installation without extras is."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

from measuring import ROOT, Claim, Result, command, in_turn, main, ms, ratio, scratch

HELP_SECONDS, INSTALL_MB = 0.3, 80.0
#: What every environment has, and what is no part of an installation.
_NOT_OURS = ("pip", "pip-*", "setuptools", "setuptools-*", "pkg_resources", "_distutils_hack")
_BIGGEST = 8
_COUNT = """
import importlib.metadata as m, json
print(json.dumps(sorted(d.name for d in m.distributions())))
"""


def measure(quick: bool) -> Result:
    """Return the figures."""
    result = Result("Start-up and size", ("what", "median", "lowest"))
    _add_help(result, rounds=5 if quick else 15)
    if not quick:
        _add_install(result)
    return result


def _add_help(result: Result, rounds: int) -> None:
    program = Path(sys.executable).with_name("pipewarden")
    cases = {
        "pipewarden --help": command(program, "--help", folder=ROOT),
        "pipewarden run --help": command(program, "run", "--help", folder=ROOT),
        "pipewarden --version": command(program, "--version", folder=ROOT),
        "python -c pass": command(sys.executable, "-c", "pass", folder=ROOT),
    }
    taken = in_turn(cases, rounds)
    for name, seconds in taken.items():
        result.rows.append((name, ms(statistics.median(seconds)), ms(min(seconds))))
    median = statistics.median(taken["pipewarden --help"])
    times = ratio(taken["pipewarden --help"], taken["python -c pass"])
    measured = f"{ms(median)} ({times:.0f} x an empty Python)"
    result.claims.append(Claim(f"--help < {ms(HELP_SECONDS)}", measured, median < HELP_SECONDS))


def _add_install(result: Result) -> None:
    """Build the wheel, install it alone in a fresh environment, and weigh that."""
    with scratch() as folder:
        fresh = folder / "venv"
        command(sys.executable, "-m", "venv", fresh, folder=folder)()
        python = fresh / "bin" / "python"
        pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
        command(*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT, folder=folder)()
        wheel = next(folder.glob("pipewarden-*.whl"))
        locked = ROOT / "requirements.lock"
        command(*pip, "install", "--constraint", locked, wheel, folder=folder)()
        names = json.loads(command(python, "-c", _COUNT, folder=folder)())
        site = next(fresh.glob("lib/python*/site-packages"))
        sizes = {path.name: _size(path) for path in site.iterdir() if not _is_tool(path)}
    total = sum(sizes.values())
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:_BIGGEST]:
        result.rows.append((f"installed: {name}", f"{size / 1e6:.1f} MB", ""))
    packages = len([name for name in names if name not in ("pip", "setuptools")])
    result.rows.append((f"installed: all {packages} packages", f"{total / 1e6:.1f} MB", ""))
    holds = total / 1e6 <= INSTALL_MB
    asked = f"core install, byte code included, <= {INSTALL_MB:.0f} MB"
    result.claims.append(Claim(asked, f"{total / 1e6:.1f} MB", holds))


def _is_tool(path: Path) -> bool:
    return any(path.match(pattern) for pattern in _NOT_OURS)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    sys.exit(main(measure))
