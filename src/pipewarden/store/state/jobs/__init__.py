"""Jobs in the state database: rows, transitions and leases, under one name."""

from __future__ import annotations

from pipewarden.store.state.jobs.leases import (
    claim as claim,
    heartbeat as heartbeat,
    reap as reap,
    release as release,
)
from pipewarden.store.state.jobs.rows import (
    JobPage as JobPage,
    check_fence as check_fence,
    create as insert,
    get as get,
    history as history,
    latest_of_each_source as latest_of_each_source,
    page as page,
    set_seen as set_seen,
)
from pipewarden.store.state.jobs.transitions import request as request, transition as transition

__all__ = [
    "JobPage",
    "check_fence",
    "claim",
    "get",
    "heartbeat",
    "history",
    "insert",
    "latest_of_each_source",
    "page",
    "reap",
    "release",
    "request",
    "set_seen",
    "transition",
]
