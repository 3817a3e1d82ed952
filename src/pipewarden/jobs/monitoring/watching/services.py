"""The facts of services, gathered: from the state database, from spools, and from who answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipewarden.core.monitoring.observations import Observation
from pipewarden.errors import DependencyUnavailable, PipewardenError
from pipewarden.jobs.monitoring.watching.asking import Ask
from pipewarden.jobs.monitoring.watching.parts import Part, in_words
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.checks import services
from pipewarden.monitoring.checks.services import Unanswered
from pipewarden.monitoring.checks.sheet import Sheet
from pipewarden.store.state.service import figures

_SQLITE = b"SQLite format 3\x00"


def parts(workspace: Workspace, sheet: Sheet, ask: Ask) -> Iterator[Part]:
    """Yield what there is to look at, as the settings have it."""
    held = workspace.settings
    queue = ("queue.depth", "queue.lag_seconds")
    yield Part(name="queue", subject="queue", metrics=queue, look=lambda: _queue(workspace, sheet))
    if held.events.targets:
        yield Part(
            name="outbox",
            subject="outbox",
            metrics=("outbox.lag_seconds",),
            look=lambda: _outbox(workspace, sheet),
        )
    if held.sinks:
        yield Part(
            name="sinks",
            subject="sinks",
            metrics=("sink.lag_seconds",),
            look=lambda: _sinks(workspace, sheet),
        )
    yield Part(
        name="registry",
        subject="registry",
        metrics=("registry.reachable",),
        look=lambda: _registry(workspace, sheet, ask),
    )
    for name, url in sorted(held.monitoring.endpoints.items()):
        yield _endpoint(workspace, sheet, ask, name, url)
    yield Part(
        name="disk",
        subject="disk",
        metrics=("disk.free_share",),
        look=lambda: _disk(workspace, sheet),
    )


def _endpoint(workspace: Workspace, sheet: Sheet, ask: Ask, name: str, url: str) -> Part:
    held = workspace.settings.monitoring

    def look() -> Iterable[Observation]:
        answers = []
        for _ in range(held.endpoint_probes):
            answers.append(ask(url, held.endpoint_seconds))
            if not answers[-1].well:  # the rest would only wait as long
                break
        return services.of_endpoint(sheet, name, answers)

    metrics = ("serving.reachable", "serving.latency_p99_ms")
    return Part(name=f"endpoint {name}", subject="serving", metrics=metrics, look=look)


def _queue(workspace: Workspace, sheet: Sheet) -> Iterable[Observation]:
    with workspace.database.read() as conn:
        held = figures.read(conn, sheet.at)
    return services.of_queue(sheet, held.waiting, held.oldest)


def _outbox(workspace: Workspace, sheet: Sheet) -> Iterable[Observation]:
    with workspace.database.read() as conn:
        held = figures.read(conn, sheet.at, workspace.settings.events.targets)
    lags = {name: (lag.seconds, lag.events) for name, lag in held.outbox.items()}
    return services.of_lags(sheet, "outbox.lag_seconds", "outbox", lags)


def _sinks(workspace: Workspace, sheet: Sheet) -> Iterable[Observation]:
    from pipewarden.delivery.sinks.enabled import spools_of
    from pipewarden.delivery.spool_lag import SpoolLag

    folder = spools_of(workspace.settings)
    lags: dict[str, tuple[float, int] | Unanswered] = {}
    for name in workspace.settings.sinks:
        try:
            lag = SpoolLag(folder / name).look()
            lags[name] = (lag.seconds(sheet.at), lag.documents)
        except (PipewardenError, OSError) as error:
            lags[name] = Unanswered(in_words(error))
    return services.of_lags(sheet, "sink.lag_seconds", "sinks", lags)


def _registry(workspace: Workspace, sheet: Sheet, ask: Ask) -> Iterable[Observation]:
    """Ask a registry that is a server; look at one that is a file."""
    settings = workspace.settings
    uri = settings.models.tracking_uri
    if uri == "off":
        return []
    if uri.startswith(("http://", "https://")):
        answer = ask(f"{uri.rstrip('/')}/health", settings.monitoring.endpoint_seconds)
        return [services.of_registry(sheet, None if answer.well else answer.said)]
    if not uri or uri.startswith("sqlite:///"):
        own = settings.in_home(Path(".pipewarden")) / "mlflow.db"
        file = Path(uri.removeprefix("sqlite:///")) if uri else own
        if not uri and not file.exists():
            return []  # nothing was ever shown in it
        return [services.of_registry(sheet, _unreadable(file))]
    from pipewarden.models.registry.opening import mirror_of

    try:
        mirror_of(settings, workspace.database, workspace.objects_dir, workspace.clock)
    except DependencyUnavailable as error:
        return [services.of_registry(sheet, in_words(error))]
    return [services.of_registry(sheet, None)]


def _unreadable(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            head = opened.read(len(_SQLITE))
    except OSError as error:
        return f"{file} does not read: {error.strerror}"
    return None if head == _SQLITE else f"{file} is no SQLite database"


def _disk(workspace: Workspace, sheet: Sheet) -> Iterable[Observation]:
    own = workspace.settings.in_home(Path(".pipewarden"))
    named = {"data": workspace.data_dir, "reports": workspace.reports_dir, "state": own}
    folders: dict[str, tuple[int, int] | Unanswered] = {}
    for name, folder in named.items():
        there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
        try:
            used = shutil.disk_usage(there)
        except OSError as error:
            folders[name] = Unanswered(f"{there}: {error.strerror}")
        else:
            folders[name] = (used.free, used.total)
    return services.of_disk(sheet, folders)
