"""Where a thing came from, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.edge.access import Viewer
from pipewarden.app.api.edge.problems import documented
from pipewarden.app.api.service import Served
from pipewarden.core.lineage.graph import Kind
from pipewarden.jobs.lineage.nodes import PERSONAL
from pipewarden.jobs.lineage.tracing import trace
from pipewarden.report.lineage import plain
from pipewarden.store.state.service.keys import Scope

router = APIRouter(tags=["models"])


class NodeView(BaseModel):
    """One thing, and what is known of it."""

    id: str
    kind: Kind
    name: str
    facts: dict[str, Any]


class EdgeView(BaseModel):
    """`made` came from `origin`: the relation, read from the one and from the other."""

    made: str
    origin: str
    backwards: str
    forwards: str


class LineageView(BaseModel):
    """A graph of what came from what."""

    roots: list[str] = Field(description="The nodes that were asked for.")
    nodes: list[NodeView]
    edges: list[EdgeView]


@router.get("/lineage", response_model=LineageView, responses=documented(404, 422))
async def lineage(
    caller: Viewer,
    service: Served,
    of: Annotated[
        str,
        Query(
            min_length=1,
            max_length=500,
            description="The id of a prediction or a run, `MODEL@VERSION`, a model, "
            "`deployment:N`, the hash of a model document, or a dataset's fingerprint.",
        ),
    ],
) -> dict[str, Any]:
    """Return what a thing came from, and what became of it.

    Files are looked for by `pipewarden trace` alone. What was asked of a model, about whom, and
    what it answered, is told to operators only.
    """
    found = await run_in_threadpool(trace, service.workspace, of, folders=False)
    told = plain(found.lineage, found.roots)
    if not caller.scope.allows(Scope.OPERATOR):
        for node in told["nodes"]:
            if node["kind"] == Kind.PREDICTION:
                node["facts"] = {k: v for k, v in node["facts"].items() if k not in PERSONAL}
    return told
