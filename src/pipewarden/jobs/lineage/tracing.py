"""``trace``: what a word on the command line means, and the lineage of that."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipewarden.core.canonical import HASH_PREFIX
from pipewarden.core.jobs import Job
from pipewarden.core.lineage.graph import Lineage
from pipewarden.core.models.deployments import ModelVersion
from pipewarden.errors import PipewardenError, UnknownName
from pipewarden.jobs.claiming import catch_up_known, latest_jobs
from pipewarden.jobs.lineage import nodes
from pipewarden.jobs.lineage.collecting import LISTED, Collector
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.manifest.record import Entry
from pipewarden.store.state import jobs
from pipewarden.store.state.models import deployments, origins, predictions, versions

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PREDICTION = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_VERSION = re.compile(r"(.+)@(\d{1,9})")
_DEPLOYMENT = re.compile(r"deployment:(\d{1,18})")
_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Traced:
    """A lineage, and the things in it that were asked for."""

    lineage: Lineage
    roots: tuple[str, ...]


def trace(workspace: Workspace, asked: str, *, folders: bool = True) -> Traced:
    """Return the lineage of a thing, in both directions.

    Parameters
    ----------
    asked
        The id of a prediction or a run, ``MODEL@VERSION``, a model, ``deployment:N``, a hash of an
        input, an output, a model document or a dataset, a dataset's fingerprint, or the path of an
        input or output; of a record ``FILE#KEY``.
    folders
        Whether paths and hashes are looked for in the manifests of all known sources.

    Raises
    ------
    UnknownName
        Nothing of the kind is known.
    """
    if folders:
        catch_up_known(workspace)
    with workspace.database.read() as conn:
        collector = Collector(workspace, conn)
        roots = _named(collector, conn, asked)
        if not roots and folders:
            roots = _in_manifests(workspace, collector, asked)
    if not roots:
        raise UnknownName(
            f"nothing is known of {asked!r}",
            next_step="give a prediction's id, MODEL@VERSION, a run's id, sha256:…, or a path",
        )
    return Traced(collector.lineage, tuple(dict.fromkeys(roots)))


def _named(collector: Collector, conn: Connection, asked: str) -> list[str]:
    """Return what the database knows under a name."""
    if _PREDICTION.fullmatch(asked):
        return [collector.prediction(predictions.get(conn, asked)).id]
    if found := _DEPLOYMENT.fullmatch(asked):
        return [collector.deployment(deployments.get(conn, int(found[1]))).id]
    if found := _VERSION.fullmatch(asked):
        return [_whole(collector, versions.get(conn, found[1], int(found[2])))]
    job = jobs.get(conn, asked)
    if job is not None:
        collector.results_of_run(job)
        return [job.id]
    if found := _HASH.fullmatch(asked):
        asked = HASH_PREFIX + found[1]
        for version in versions.of_object(conn, asked):
            _whole(collector, version)
    collector.results_of_dataset(asked)
    if asked in collector.lineage:
        return [asked]
    roots = [_whole(collector, one) for one in versions.listed(conn, model=asked, limit=LISTED)]
    number = origins.count(conn, model=asked)
    return [*roots, *_rest(collector, asked, number, "versions")]


def _rest(collector: Collector, of: str, number: int, what: str) -> list[str]:
    """Return what stands for the things that are not listed, where there are more."""
    if number <= LISTED:
        return []
    return [collector.lineage.add(nodes.more(of, number - LISTED, what)).id]


def _whole(collector: Collector, version: ModelVersion) -> str:
    """Learn of a version in both directions; return its name in the lineage."""
    collector.results_of_version(version)
    return collector.version(version).id


def _in_manifests(workspace: Workspace, collector: Collector, asked: str) -> list[str]:
    """Return the items and documents of that path or hash, of every source that is known."""
    matched = _HASH.fullmatch(asked)
    digest = HASH_PREFIX + matched[1] if matched else ""
    path, _, key = asked.partition("#")
    wanted = "" if digest else os.path.abspath(path)  # noqa: PTH100 - it need not exist
    roots: list[str] = []
    matches = 0
    for job, folder, name, entry in _entries(workspace):
        if digest:
            as_input = entry["hash"] == digest
            as_output = entry.get("output_hash") == digest
        else:
            as_input = _is_input(job, folder, name, wanted, key)
            as_output = not key and _is_output(folder, entry, wanted)
        if not (as_input or as_output):
            continue
        matches += 1
        if matches > LISTED:
            continue
        source, document = collector.item(job, folder, name, entry)
        collector.results_of_item(job, name)
        roots.append(document.id if as_output and document is not None else source.id)
    roots += _rest(collector, asked, matches, "items")
    if key:
        return roots
    collector.results_of_table(digest, wanted)
    known = collector.lineage.nodes.values()
    if not roots and not any(collector.is_input(node, digest, wanted) for node in known):
        collector.results_of_input(digest, wanted)
    return [*roots, *(node.id for node in known if collector.is_input(node, digest, wanted))]


def _entries(workspace: Workspace) -> Iterator[tuple[Job, Path, str, Entry]]:
    for job in latest_jobs(workspace):
        with suppress(PipewardenError):  # a source that is gone has nothing to tell
            source = workspace.source(job.source, ("*",), str(job.options.get("records", "")))
            store = workspace.store(source, job.pipeline)
            for key, entry in store.entries():
                yield job, store.folder, key, entry


def _is_input(job: Job, folder: Path, name: str, wanted: str, key: str) -> bool:
    if job.options.get("records"):
        of_table = bool(key) and job.options.get("table") == wanted
        return (of_table or job.source == wanted) and (not key or key == name)
    return os.path.normpath(folder / name) == wanted


def _is_output(folder: Path, entry: Entry, wanted: str) -> bool:
    places = (entry.get("output_path"), entry.get("quarantine_path"))
    return any(place and os.path.normpath(folder / place) == wanted for place in places)
