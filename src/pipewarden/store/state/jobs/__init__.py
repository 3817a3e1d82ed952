"""Jobs in the state database: rows, transitions and leases, under one name."""

from __future__ import annotations

from pipewarden.store.state.jobs.leases import (
    claim as claim,
    heartbeat as heartbeat,
    reap as reap,
    release as release,
)
from pipewarden.store.state.jobs.pages import JobPage as JobPage, page as page
from pipewarden.store.state.jobs.queue import (
    enqueue as enqueue,
    fail_unstarted as fail_unstarted,
    put_back as put_back,
    renew as renew,
    require_queued as require_queued,
    reserve as reserve,
    stopped_by as stopped_by,
    waiting as waiting,
)
from pipewarden.store.state.jobs.rows import (
    check_fence as check_fence,
    completed_with_items as completed_with_items,
    create as insert,
    get as get,
    history as history,
    latest_of_each_source as latest_of_each_source,
    set_seen as set_seen,
    tell_progress as tell_progress,
    traces as traces,
)
from pipewarden.store.state.jobs.transitions import (
    finish as finish,
    request as request,
    transition as transition,
)

__all__ = [
    "JobPage",
    "check_fence",
    "claim",
    "completed_with_items",
    "enqueue",
    "fail_unstarted",
    "finish",
    "get",
    "heartbeat",
    "history",
    "insert",
    "latest_of_each_source",
    "page",
    "put_back",
    "reap",
    "release",
    "renew",
    "request",
    "require_queued",
    "reserve",
    "set_seen",
    "stopped_by",
    "tell_progress",
    "traces",
    "transition",
    "waiting",
]
