"""Resolve exact versions for every supported Python, with pip and nothing else.

Each lock file is plain ``name==version`` lines, so it names no index, no host and no hash, and
serves as a constraints file for any pip. Existing pins are kept unless ``--upgrade`` is given, so
that adding one dependency moves nothing else.
"""

# ruff: noqa: T201, S603

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
INSTALLER = "pip>=25.3"  # --group came with 25.1, --build-constraint with 25.3
EDITABLE = "editables"  # what hatchling asks for when it builds an editable install

Pins = dict[str, str]  # normalised name -> version


def main() -> int:
    """Write the lock files, or with ``--check`` say whether they cover pyproject.toml."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only compare with pyproject.toml")
    parser.add_argument("--upgrade", action="store_true", help="forget the present pins")
    options = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    locks = {
        ROOT / "requirements.lock": project_requirements(project),
        ROOT / "requirements-bench.lock": [*project["dependency-groups"]["bench"], INSTALLER],
    }
    if options.check:
        return report([gap for path, wanted in locks.items() for gap in gaps(path, wanted)])
    for path, wanted in locks.items():
        keep = "" if options.upgrade or not path.exists() else path.read_text(encoding="utf-8")
        path.write_text(render(resolve(wanted, keep)), encoding="utf-8")
        print(f"wrote {path.name}")
    return 0


def project_requirements(project: Mapping[str, Any]) -> list[str]:
    """Return what the core, the extra ``all``, the group ``dev`` and the build ask for."""
    name = project["project"]["name"]
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    wanted += [*project["build-system"]["requires"], INSTALLER, EDITABLE]
    pending, seen = ["all"], set[str]()
    while pending:
        extra = pending.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for requirement in extras[extra]:
            own = re.fullmatch(rf"{re.escape(name)}\[([^\]]+)\]", requirement)
            if own:
                pending += [part.strip() for part in own.group(1).split(",")]
            else:
                wanted.append(requirement)
    return wanted


def resolve(wanted: Iterable[str], keep: str) -> dict[str, Pins]:
    """Return the pins per Python version; the oldest decides first, and the others follow it."""
    resolved: dict[str, Pins] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "wanted.txt").write_text("\n".join(wanted), encoding="utf-8")
        constraints = work / "constraints.txt"
        constraints.write_text(keep, encoding="utf-8")
        for version in PYTHONS:
            print(f"resolving for Python {version}", flush=True)
            pins = resolve_one(version, work, constraints)
            if not resolved and not keep:
                held = "\n".join(f"{name}=={pin}" for name, pin in pins.items())
                constraints.write_text(held, encoding="utf-8")
            resolved[version] = pins
    return resolved


def resolve_one(version: str, work: Path, constraints: Path) -> Pins:
    """Return what pip would install under one Python, in an empty environment."""
    environment, answer = work / f"venv-{version}", work / f"report-{version}.json"
    subprocess.run([interpreter(version), "-m", "venv", str(environment)], check=True)
    command = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "--dry-run"]
    command += ["--ignore-installed", "--report", str(answer)]
    command += ["-r", str(work / "wanted.txt"), "-c", str(constraints)]
    if subprocess.run(command, check=False).returncode:
        sys.exit("pip found no solution; 'make lock UPGRADE=1' forgets the present pins")
    found = json.loads(answer.read_text(encoding="utf-8"))["install"]
    metadata = [item["metadata"] for item in found]
    return {normalised(item["name"]): item["version"] for item in metadata}


def interpreter(version: str) -> str:
    """Return a working interpreter of that version, or stop with the sentence that helps."""
    path = shutil.which(f"python{version}")
    if path and not subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode:
        return path
    sys.exit(f"python{version} does not run: a lock needs {', '.join(PYTHONS)} on the PATH")


def render(resolved: Mapping[str, Pins]) -> str:
    """Return the lock file: one line a package, or one a version where the Pythons differ."""
    lines = [
        f"# Exact versions for Python {PYTHONS[0]} to {PYTHONS[-1]}. Written by 'make lock'.",
    ]
    for name in sorted({name for pins in resolved.values() for name in pins}):
        versions: dict[str, list[str]] = {}
        for python, pins in resolved.items():
            if name in pins:
                versions.setdefault(pins[name], []).append(python)
        for version, pythons in versions.items():
            marker = python_marker(pythons)
            lines.append(f"{name}=={version}" + (f" ; {marker}" if marker else ""))
    return "\n".join(lines) + "\n"


def python_marker(pythons: list[str]) -> str:
    """Return the marker that is true for exactly these of the supported Pythons."""
    if pythons == list(PYTHONS):
        return ""
    if pythons == list(PYTHONS[: len(pythons)]):
        return f'python_version <= "{pythons[-1]}"'
    if pythons == list(PYTHONS[-len(pythons) :]):
        return f'python_version >= "{pythons[0]}"'
    return " or ".join(f'python_version == "{python}"' for python in pythons)


def gaps(path: Path, wanted: Iterable[str]) -> list[str]:
    """Return what the lock lacks, or pins outside what pyproject.toml allows."""
    from packaging.requirements import Requirement

    pins: dict[str, set[str]] = {}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, version = line.split(" ;")[0].split("==")
            pins.setdefault(name, set()).add(version)
    found = []
    for requirement in map(Requirement, wanted):
        versions = pins.get(normalised(requirement.name))
        if not versions:
            found.append(f"{path.name} has no {requirement.name}: run 'make lock'")
        elif not all(version in requirement.specifier for version in versions):
            found.append(f"{path.name} pins {requirement.name} {versions}, asked: {requirement}")
    return found


def report(problems: list[str]) -> int:
    """Print the problems and return the exit code."""
    print("\n".join(problems) or "the lock files cover pyproject.toml")
    return 1 if problems else 0


def normalised(name: str) -> str:
    """Return the name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
