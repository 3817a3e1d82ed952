"""What a run needs, each tried for real: database, folders, extras, pipelines, locks."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipewarden._version import __version__
from pipewarden.errors import PipewardenError

if TYPE_CHECKING:
    from pipewarden.engine.pipeline import Pipeline
    from pipewarden.jobs.workspace import Workspace

OK, NOTE, MISSING = "ok", "note", "missing"

#: Extra → a module of each distribution that it installs.
_EXTRAS = {
    "filings": ("httpx",),
    "articles": ("spacy", "ftfy", "symspellpy", "pycld2", "dateparser", "trafilatura", "wordfreq"),
    "credit": ("lightgbm", "numpy", "optuna", "pyarrow"),
    "models": ("mlflow",),
    "postgresql": ("psycopg", "psycopg_pool"),
    "elasticsearch": ("elasticsearch",),
    "webhook": ("cloudevents", "httpx"),
    "redis": ("redis",),
    "nats": ("nats",),
    "rabbitmq": ("pika",),
    "kafka": ("confluent_kafka",),
    "celery": ("celery",),
    "service": ("fastapi", "uvicorn", "prometheus_client"),
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was tried: ``ok``, a ``note``, or ``missing``, with what to do about it."""

    subject: str
    state: str
    found: str
    advice: str = ""


def diagnose() -> list[Diagnosis]:
    """Try everything; nothing that fails keeps the rest from being tried."""
    from pipewarden.jobs.workspace import Workspace

    found = [_interpreter(), _package()]
    try:
        workspace = Workspace()
    except PipewardenError as error:
        return [*found, _broken("settings", error)]
    looks: list[Callable[[Workspace], Iterator[Diagnosis]]] = [
        _settings,
        _database,
        _folders,
        _extras,
        _pipelines,
        _locks,
    ]
    for look in looks:
        try:
            found += look(workspace)
        except PipewardenError as error:
            found.append(_broken(look.__name__.strip("_"), error))
        except Exception as error:  # noqa: BLE001 - a doctor examines what is broken
            words = f"{type(error).__name__}: {error}"
            found.append(Diagnosis(look.__name__.strip("_"), MISSING, words))
    return found


def _broken(subject: str, error: PipewardenError) -> Diagnosis:
    return Diagnosis(subject, MISSING, error.message, error.next_step)


def _interpreter() -> Diagnosis:
    words = f"{platform.python_version()} on {platform.platform(terse=True)}"
    return Diagnosis("python", OK, words)


def _package() -> Diagnosis:
    return Diagnosis("pipewarden", OK, f"{__version__} in {Path(__file__).parents[1]}")


def _settings(workspace: Workspace) -> Iterator[Diagnosis]:
    from pipewarden.settings import SETTINGS_FILE

    named = os.environ.get("PIPEWARDEN_CONFIG")
    file = Path(named) if named else workspace.settings.home / SETTINGS_FILE
    yield Diagnosis("settings", OK, str(file) if file.is_file() else f"defaults, no {file} needed")


def _database(workspace: Workspace) -> Iterator[Diagnosis]:
    from pipewarden.store.state import verify
    from pipewarden.store.state.database import HEAD

    database = workspace.database  # opening it brings the schema up to date
    with database.read() as conn:
        version = ".".join(map(str, conn.dialect.server_version_info or ()))
        held = verify.verify_ledger(conn)
    found = f"{database!r}, {database.dialect} {version}, schema {HEAD}"
    yield Diagnosis("database", OK, found)
    if held.holds:
        yield Diagnosis("ledger", OK, f"{held.entries:,} entries, the chain holds")
    else:
        yield Diagnosis("ledger", MISSING, held.faults[0].message, "pipewarden audit verify")


def _folders(workspace: Workspace) -> Iterator[Diagnosis]:
    own = workspace.settings.in_home(Path(".pipewarden"))
    folders = {"data": workspace.data_dir, "reports": workspace.reports_dir, "own state": own}
    for name, folder in folders.items():
        there = next(
            path for path in (folder.absolute(), *folder.absolute().parents) if path.exists()
        )
        state = "" if there == folder.absolute() else ", will be made"
        try:
            with tempfile.TemporaryFile(dir=there):
                yield Diagnosis(f"{name} folder", OK, f"{folder} can be written{state}")
        except OSError as error:
            advice = "correct its permissions, or the setting"
            yield Diagnosis(f"{name} folder", MISSING, f"{there}: {error.strerror}", advice)


def _extras(_: Workspace) -> Iterator[Diagnosis]:
    for extra, modules in _EXTRAS.items():
        absent = [name for name in modules if util.find_spec(name) is None]
        if absent:
            advice = f'pip install "pipewarden[{extra}]", if it is needed'
            yield Diagnosis(f"extra {extra}", NOTE, f"{', '.join(absent)} not installed", advice)
        else:
            held = ", ".join(f"{name} {_version(name)}" for name in modules)
            yield Diagnosis(f"extra {extra}", OK, held)


def _version(module: str) -> str:
    named = metadata.packages_distributions().get(module, [module])
    return metadata.version(named[0])


def _pipelines(workspace: Workspace) -> Iterator[Diagnosis]:
    from pipewarden.jobs.loading import load_pipeline, registered

    for name, place in registered().items():
        try:
            pipeline = load_pipeline(name, workspace.settings)
        except PipewardenError as error:
            yield Diagnosis(f"pipeline {name}", NOTE, error.message, error.next_step)
        except Exception as error:  # noqa: BLE001 - a pipeline may raise anything when it is loaded
            words = f"{place} does not load: {type(error).__name__}: {error}"
            yield Diagnosis(f"pipeline {name}", MISSING, words)
        else:
            yield Diagnosis(f"pipeline {name}", OK, f"{place}, version {pipeline.version}")
            yield from _engine(name, pipeline)


def _engine(name: str, pipeline: Pipeline) -> Iterator[Diagnosis]:
    """Tell apart what a pipeline is configured to use, what is available, and what is in use."""
    if pipeline.engine_facts is None:
        return
    facts = pipeline.engine_facts()
    problem = facts.get("problem")
    for what in ("configured", "available", "in_use"):
        state = NOTE if problem and what == "in_use" else OK
        found = str(problem) if state is NOTE else _in_words(facts.get(what))
        advice = f'pip install "pipewarden[{name}]", if it is needed' if state is NOTE else ""
        yield Diagnosis(f"{name}, {what.replace('_', ' ')}", state, found, advice)


def _in_words(facts: Any) -> str:
    if not isinstance(facts, Mapping):
        return "nothing" if facts is None else str(facts)
    return ", ".join(f"{name} {_value(value)}" for name, value in facts.items())


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _locks(workspace: Workspace) -> Iterator[Diagnosis]:
    from pipewarden.core.jobs import JobStatus
    from pipewarden.jobs.requests import list_jobs
    from pipewarden.jobs.run import reap

    for job in reap(workspace):
        advice = f"pipewarden jobs resume {job.id}"
        yield Diagnosis("job", NOTE, f"{job.id} had lost its process; it is {job.status}", advice)
    held = list_jobs(workspace, status=JobStatus.RUNNING)
    for job in held.jobs:
        found = f"{job.source} by run {job.id} ({job.lease_owner})"
        yield Diagnosis("lock held", NOTE, found, f"pipewarden jobs watch {job.id}")
    if not held.total:
        yield Diagnosis("locks", OK, "no source is being processed")
