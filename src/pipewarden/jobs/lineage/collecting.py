"""A lineage, collected from the state database, the object store, runs' folders and manifests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipewarden.core.canonical import HASH_PREFIX, digest
from pipewarden.core.jobs import Job
from pipewarden.core.lineage.graph import Kind, Lineage, Node
from pipewarden.core.models.challengers import CHALLENGER, Challenger
from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.errors import StateDamaged
from pipewarden.jobs.lineage import nodes
from pipewarden.jobs.serving.opening import Opener
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.files.objects import object_path
from pipewarden.store.manifest.record import Entry
from pipewarden.store.state import items, jobs, ledger
from pipewarden.store.state.models import (
    approvals,
    challengers,
    deployments,
    origins,
    predictions,
    versions,
)
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.models.versions import subject

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Of each kind so many results of one thing are listed; how many more there are is told.
LISTED = 20


class Collector:
    """Learns of things and of all that they came from; on request, of what became of them.

    Parameters
    ----------
    conn
        One unchanging state of the database.
    """

    def __init__(self, workspace: Workspace, conn: Connection) -> None:
        self.lineage = Lineage()
        self._workspace, self._conn = workspace, conn
        self._opener = Opener(workspace)

    # ── backwards ────────────────────────────────────────────────────────────────────────────────

    def prediction(self, held: Prediction) -> Node:
        """Learn of a prediction: the version that made it, and why that one answered."""
        node = nodes.prediction(held)
        self.lineage.add(node)
        made_by = self.version(versions.get(self._conn, held.model, held.version))
        self.lineage.link(node, made_by, "answered by", "answered")
        asked = (held.model, held.version, held.environment, held.at)
        if held.role == CHALLENGER:
            tried = challengers.last_begun(self._conn, *asked)
            if tried is not None:
                self.lineage.link(node, self._challenger(tried), "while tried as", "let it answer")
            return node
        serving = deployments.last_begun(self._conn, *asked)
        if serving is not None:
            self.lineage.link(node, self.deployment(serving), "while serving as", "let it answer")
        return node

    def deployment(self, held: Deployment) -> Node:
        """Learn of a deployment: its version, and who approved of it."""
        node = nodes.deployment(held)
        if node.id in self.lineage:
            return node
        self.lineage.add(node)
        made_by = self.version(versions.get(self._conn, held.model, held.version))
        self.lineage.link(node, made_by, "of", "deployed as")
        signed = approvals.of_version(self._conn, held.model, held.version, held.environment)
        for one in signed:
            self.lineage.link(node, nodes.approval(one), "with", "let begin")
        return node

    def _challenger(self, held: Challenger) -> Node:
        node = nodes.challenger(held)
        if node.id not in self.lineage:
            self.lineage.add(node)
            made_by = self.version(versions.get(self._conn, held.model, held.version))
            self.lineage.link(node, made_by, "of", "tried as")
        return node

    def version(self, held: ModelVersion) -> Node:
        """Learn of a version: its data, its run, its verdict, its document."""
        name = subject(held.model, held.version)
        if name in self.lineage:
            return self.lineage.nodes[name]
        entries = [entry.seq for entry in ledger.entries(self._conn, subject=name, limit=LISTED)]
        node = self.lineage.add(nodes.version(held, entries))
        document = self._document(held)
        link = self.lineage.link
        data = nodes.dataset(held.dataset, document)
        link(node, data, "trained on", "trained")
        source = self._input_of(held, document)
        if source is not None:
            link(data, source, "read from", "read as")
            self._link_table(source, held.run_id)
        link(node, self.run(held.run_id), "made by", "made")
        link(node, nodes.verdict(held, document), "with", "of")
        lost = {} if document is not None else {"problem": "it does not read"}
        place = self.shown(object_path(self._workspace.objects_dir, held.object_hash))
        kept = nodes.document(place, held.object_hash, **lost)
        link(node, kept, "kept as", "is")
        return node

    def run(self, run_id: str) -> Node:
        """Learn of a run: its table, where it read one, its configuration, and its code."""
        if run_id in self.lineage:
            return self.lineage.nodes[run_id]
        job = jobs.get(self._conn, run_id)
        if job is None:
            return self.lineage.add(nodes.lost_run(run_id))
        node = self.lineage.add(nodes.run(job))
        table = self._table_of(job)
        if table is not None:
            self.lineage.link(node, table, "of the table", "read by")
        path = self._workspace.runs_dir / run_id / "run_config.yaml"
        if path.is_file():
            data = path.read_bytes()
            told = _yaml(data)
            shown = self.shown(path)
            made = nodes.config(Path(shown), digest(data), told)
            self.lineage.link(node, made, "with", "of")
            if sha := told.get("git_sha"):
                code = nodes.commit(
                    str(sha), str(told.get("git_branch") or ""), told.get("git_dirty")
                )
                self.lineage.link(node, code, "with the code of", "ran as")
        return node

    def item(self, job: Job, folder: Path, key: str, entry: Entry) -> tuple[Node, Node | None]:
        """Learn of an item of a source as its manifest has it: its input, and its document."""
        source = nodes.source(self._place(job, folder, key), str(entry["hash"]))
        self.lineage.add(source)
        self._link_table(source, str(entry.get("run_id") or job.id))
        output = entry.get("output_path")
        quarantined = entry.get("quarantine_path")
        if not (output or quarantined):
            return source, None
        facts = {name: entry[name] for name in ("reason", "released") if entry.get(name)}
        if quarantined and not output:
            facts["kept in"] = "quarantine"
        place = self.shown(Path(os.path.normpath(folder / str(output or quarantined))))
        span = entry.get("output_span")
        if span:
            facts["bytes"] = f"{span[0]}+{span[1]}"
        made = nodes.document(place, str(entry.get("output_hash") or ""), **facts)
        self.lineage.link(made, source, "made of", "became")
        if run_id := entry.get("run_id"):
            self.lineage.link(made, self.run(run_id), "made by", "made")
        return source, made

    # ── forwards ─────────────────────────────────────────────────────────────────────────────────

    def results_of_version(self, held: ModelVersion) -> None:
        """Learn where a version was deployed, and what it answered."""
        node = self.version(held)
        history = deployments.history(
            self._conn, model=held.model, version=held.version, limit=LISTED
        )
        for one in reversed(history):
            self.deployment(one)
        often = deployments.times_deployed(self._conn, held.model, held.version)
        if often > LISTED:
            rest = nodes.more(node.id, often - LISTED, "deployments")
            self.lineage.link(rest, node, "of", "deployed as")
        for answer in predictions.latest(self._conn, held.model, held.version, LISTED):
            self.prediction(answer)
        number = predictions.count(self._conn, held.model, held.version)
        if number > LISTED:
            rest = nodes.more(node.id, number - LISTED, "predictions")
            self.lineage.link(rest, node, "answered by", "answered")

    def results_of_dataset(self, fingerprint: str) -> None:
        """Learn what was trained on a dataset."""
        for version in origins.of_dataset(self._conn, fingerprint, LISTED):
            self.results_of_version(version)
        number = origins.count(self._conn, dataset=fingerprint)
        if number > LISTED:
            rest = nodes.more(fingerprint, number - LISTED, "versions")
            self.lineage.link(rest, self.lineage.nodes[fingerprint], "trained on", "trained")

    def results_of_run(self, job: Job) -> None:
        """Learn which versions a run made, or else which documents."""
        node = self.run(job.id)
        made = versions.listed(self._conn, run_id=job.id, limit=LISTED)
        for version in made:
            self.results_of_version(version)
        number = origins.count(self._conn, run_id=job.id)
        if number > LISTED:
            rest = nodes.more(node.id, number - LISTED, "versions")
            self.lineage.link(rest, node, "made by", "made")
        if made:
            return
        page = items.page(self._conn, job.id, limit=LISTED)
        for item in page.items:
            place = item.output_path or item.quarantine_path
            if place:
                facts = {"outcome": str(item.outcome), "verdict": item.verdict}
                told = nodes.document(self.shown(Path(place)), "", **facts, reason=item.reason)
                self.lineage.link(told, node, "made by", "made")
        if page.total > LISTED:
            rest = nodes.more(node.id, page.total - LISTED, "items")
            self.lineage.link(rest, node, "of", "decided")

    def results_of_item(self, job: Job, key: str) -> None:
        """Learn which versions were made of an item of a source, also when it was another."""
        for version in origins.of_item(self._conn, job.pipeline, key):
            run = jobs.get(self._conn, version.run_id)
            if run is not None and run.source == job.source:
                self.results_of_version(version)

    def results_of_table(self, digest: str, path: str) -> None:
        """Learn what was made of a table that runs read their records out of.

        Parameters
        ----------
        digest, path
            As of `results_of_input`.
        """
        sources = {
            job.source
            for job in jobs.latest_of_each_source(self._conn)
            if job.options.get("table") and (digest or job.options["table"] == path)
        }
        for source in sorted(sources):
            page = jobs.page(self._conn, source=source, limit=LISTED)
            for job in page.jobs:
                table = self._table_of(job)
                if table is not None and (not digest or table.facts["hash"] == digest):
                    self.results_of_run(job)
            newest = self._table_of(page.jobs[0])
            if newest is not None and newest.id in self.lineage and page.total > LISTED:
                rest = nodes.more(newest.id, page.total - LISTED, "runs")
                self.lineage.link(rest, newest, "of the table", "read by")

    def results_of_input(self, digest: str, path: str) -> None:
        """Learn which versions were made of an input that no manifest knows any more.

        Only their documents tell: every one is read.

        Parameters
        ----------
        digest, path
            The hash of its bytes, or its absolute path; the other is empty.
        """
        for version in versions.listed(self._conn):
            source = self._input_of(version, self._document(version))
            if source is not None and self.is_input(source, digest, path):
                self.results_of_version(version)

    def is_input(self, node: Node, digest: str, path: str) -> bool:
        """Whether a node is an input of this hash, or of this absolute path."""
        if node.kind is not Kind.INPUT:
            return False
        if digest:
            return bool(node.facts["hash"] == digest)
        place = node.name.partition("#")[0]
        return path in (os.path.abspath(place), os.path.abspath(node.name))  # noqa: PTH100

    # ── what is stored ───────────────────────────────────────────────────────────────────────────

    def shown(self, path: Path) -> str:
        """Return a path as seen from the working directory, where it lies below it."""
        here = Path.cwd()
        whole = here / path
        return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)

    def _table_of(self, job: Job | None) -> Node | None:
        """Return the table that a run read its records out of, if it did."""
        table = str((job.options if job is not None else {}).get("table") or "")
        if job is None or not table:
            return None
        return nodes.source(self.shown(Path(table)), str(job.options.get("table_hash") or ""))

    def _link_table(self, record: Node, run_id: str) -> None:
        table = self._table_of(jobs.get(self._conn, run_id))
        if table is not None:
            self.lineage.link(record, table, "a record of", "held")

    def _place(self, job: Job, folder: Path, key: str) -> str:
        if job.options.get("records"):
            return f"{self.shown(Path(job.source))}#{key}"
        return self.shown(Path(os.path.normpath(folder / key)))

    def _document(self, held: ModelVersion) -> Mapping[str, Any] | None:
        try:
            return self._opener.document(held)
        except StateDamaged:
            return None  # told by the node of the document

    def _input_of(self, held: ModelVersion, document: Mapping[str, Any] | None) -> Node | None:
        """Return the input that a version was made of, with its hash as it was then."""
        told = (document or {}).get("source") or {}
        place = str(told.get("path") or held.item_key)
        job = jobs.get(self._conn, held.run_id)
        folder = Path(job.source) if job is not None else Path()
        if "key" in told:  # a record: the source is the file, also where it is gone
            place = f"{self.shown(folder.parent / place)}#{told['key']}"
        else:
            place = self.shown((folder.parent if folder.is_file() else folder) / place)
        sha = str(told.get("sha256") or "")
        return nodes.source(place, HASH_PREFIX + sha if sha else "unknown")


def _yaml(data: bytes) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        held = yaml.load(data, loader)  # noqa: S506 - one of the safe ones
    except yaml.YAMLError:
        return {}
    return held if isinstance(held, dict) else {}
