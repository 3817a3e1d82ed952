"""The nodes of a lineage, each from what is stored of the thing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipewarden.core.jobs import Job
from pipewarden.core.lineage.graph import Kind, Node
from pipewarden.core.models.challengers import Challenger
from pipewarden.core.models.deployments import Approval, Deployment, ModelVersion
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.models.versions import subject

#: Facts of a prediction that tell of a person: who it was about, what was asked, and the answer.
PERSONAL = frozenset({"of", "inputs", "answer"})


def prediction(held: Prediction) -> Node:
    """Return the node of a prediction."""
    facts = {
        "at": _time(held.at),
        "of": held.entity,
        "as": held.role,
        "inputs": dict(held.inputs),
        "answer": dict(held.answer),
        "request": held.request_id,
    }
    return Node(id=held.id, kind=Kind.PREDICTION, name=held.id, facts=facts)


def deployment(held: Deployment) -> Node:
    """Return the node of a deployment."""
    facts = {
        "of": subject(held.model, held.version),
        "in": held.environment,
        "kind": str(held.kind),
        "state": str(held.state),
        "by": held.actor,
        "reason": held.reason,
        "from": _time(held.started_at),
        "until": _time(held.ended_at),
    }
    return Node(id=f"deployment:{held.id}", kind=Kind.DEPLOYMENT, name=str(held.id), facts=facts)


def approval(held: Approval) -> Node:
    """Return the node of a signature."""
    facts = {"meaning": held.meaning, "for": held.environment, "at": _time(held.at),
             "key": held.key_id}  # fmt: skip
    name = f"of {held.signer} for {subject(held.model, held.version)}"
    node_id = f"approval:{subject(held.model, held.version)}/{held.at.isoformat()}"
    return Node(id=node_id, kind=Kind.APPROVAL, name=name, facts=facts)


def challenger(held: Challenger) -> Node:
    """Return the node of a version that was tried beside the champion."""
    facts = {
        "of": subject(held.model, held.version),
        "in": held.environment,
        "beside": subject(held.model, held.champion),
        "mode": str(held.mode),
        "state": str(held.state),
        "by": held.actor,
        "reason": held.reason,
    }
    return Node(id=f"challenger:{held.id}", kind=Kind.CHALLENGER, name=str(held.id), facts=facts)


def version(held: ModelVersion, ledger_entries: list[int]) -> Node:
    """Return the node of a version; the ledger's entries about it are its witnesses."""
    facts = {
        "status": str(held.status),
        "family": held.family,
        "trained": _time(held.created_at),
        "metrics": {name: round(value, 6) for name, value in held.metrics.items()},
        "ledger": " ".join(map(str, ledger_entries)),
    }
    name = subject(held.model, held.version)
    return Node(id=name, kind=Kind.VERSION, name=name, facts=facts)


def verdict(held: ModelVersion, document: Mapping[str, Any] | None) -> Node:
    """Return the node of a version's verdict."""
    findings = ((document or {}).get("verdict") or {}).get("findings", [])
    misses = [str(one.get("check")) for one in findings if one.get("status") != "PASS"]
    facts = {
        "checks": len(findings) or "",
        "not passed": ", ".join(misses),
        "reason": held.reason,
    }
    name = subject(held.model, held.version)
    return Node(id=f"verdict:{name}", kind=Kind.VERDICT, name=held.verdict or "none", facts=facts)


def dataset(fingerprint: str, document: Mapping[str, Any] | None) -> Node:
    """Return the node of a dataset."""
    told = (document or {}).get("dataset") or {}
    rows = told.get("rows") if isinstance(told, Mapping) else None
    facts = {"rows": "" if rows is None else rows}
    return Node(id=fingerprint, kind=Kind.DATASET, name=fingerprint, facts=facts)


def run(job: Job) -> Node:
    """Return the node of a run."""
    facts = {
        "pipeline": job.pipeline,
        "source": job.source,
        "by": job.created_by,
        "began": _time(job.started_at),
        "status": str(job.status),
    }
    return Node(id=job.id, kind=Kind.RUN, name=job.id, facts=facts)


def lost_run(run_id: str) -> Node:
    """Return the node of a run of which nothing else is known any more."""
    return Node(id=run_id, kind=Kind.RUN, name=run_id, facts={"known": "nothing but its id"})


def config(path: Path, digest: str, told: Mapping[str, Any]) -> Node:
    """Return the node of a run's configuration snapshot."""
    facts = {
        "hash": digest,
        "by": told.get("researcher", ""),
        "python": told.get("python_version", ""),
        "pipewarden": (told.get("dependencies") or {}).get("pipewarden", ""),
    }
    return Node(id=f"config:{path}", kind=Kind.CONFIG, name=str(path), facts=facts)


def commit(sha: str, branch: str, dirty: bool | None) -> Node:
    """Return the node of the code that a run was started with."""
    state = {True: "uncommitted changes", False: "clean", None: ""}[dirty]
    return Node(
        id=f"commit:{sha}", kind=Kind.COMMIT, name=sha, facts={"branch": branch, "tree": state}
    )


def source(place: str, digest: str, **facts: Any) -> Node:
    """Return the node of an input as it was read.

    Parameters
    ----------
    place
        Its path; of a record the file's path, ``#`` and the key.
    """
    return Node(
        id=f"input:{place}#{digest}", kind=Kind.INPUT, name=place, facts={"hash": digest, **facts}
    )


def document(place: str, digest: str, **facts: Any) -> Node:
    """Return the node of what was published of an item."""
    return Node(id=digest or f"document:{place}", kind=Kind.DOCUMENT, name=place,
                facts={"hash": digest, **facts})  # fmt: skip


def more(of: str, number: int, what: str) -> Node:
    """Return the node that stands for what is not listed."""
    return Node(id=f"more:{of}/{what}", kind=Kind.MORE, name=f"{number:,} more {what}")


def _time(at: Any) -> str:
    return "" if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
