"""The named crash windows: the places between two durable steps at which a process may die.

Each window is passed by calling `passing`. The crash tests set ``PIPEWARDEN_CRASH_AT=<window>`` (or
``<window>:<n>`` for the n-th time it is passed), and the process is killed there with ``SIGKILL``,
exactly as a power cut or the kernel's out-of-memory killer would.
"""

from __future__ import annotations

import os
import signal
from enum import StrEnum


class Window(StrEnum):
    """Every crash window, in the order in which one item and one run pass them."""

    #: The job row exists and is claimed; nothing has been planned.
    RUN_STARTED = "run.started"
    #: A worker has taken the item; nothing is written.
    ITEM_TAKEN = "item.taken"
    #: The output lies complete under a temporary name.
    OUTPUT_STAGED = "output.staged"
    #: Half of a batch of outputs that are lines is in their file.
    LINES_TORN = "lines.torn"
    #: The spool of a sink that is down has a batch; nothing is committed.
    SINK_SPOOLED = "sink.spooled"
    #: Every sink, or its spool, has a batch; nothing is committed.
    SINK_DELIVERED = "sink.delivered"
    #: Output and quarantine files have their final names; the journal does not know.
    OUTPUT_RENAMED = "output.renamed"
    #: Half of a journal line is on disk.
    JOURNAL_TORN = "journal.torn"
    #: The journal lines are written but not yet forced to disk.
    JOURNAL_WRITTEN = "journal.written"
    #: The items are committed; ledger, outbox and progress do not know.
    JOURNAL_SYNCED = "journal.synced"
    #: Ledger, outbox and progress are written in an open transaction.
    APPLY_OPEN = "apply.open"
    #: That transaction is committed.
    APPLY_COMMITTED = "apply.committed"
    #: The compacted manifest lies under a temporary name.
    MANIFEST_STAGED = "manifest.staged"
    #: The previous manifest is kept as the backup; the new one is not in place.
    MANIFEST_BACKED_UP = "manifest.backed_up"
    #: The new manifest is in place; the journal still holds its lines.
    MANIFEST_REPLACED = "manifest.replaced"
    #: The journal is emptied.
    JOURNAL_CLEARED = "journal.cleared"
    #: All items are decided; the report is not written.
    RUN_SETTLED = "run.settled"
    #: The report is written; the job is still RUNNING.
    REPORT_WRITTEN = "report.written"
    #: The job has its final status.
    RUN_FINISHED = "run.finished"


class ModelWindow(StrEnum):
    """Every crash window in the life of a model version, in the order in which it passes them."""

    #: The promotion gate has judged; nothing is written.
    DEPLOY_JUDGED = "deploy.judged"
    #: Deployment, ledger and outbox are written in an open transaction.
    DEPLOY_OPEN = "deploy.open"
    #: That transaction is committed: the version serves, and is not tried yet.
    DEPLOY_BEGUN = "deploy.begun"
    #: It was tried; what came of it is not written.
    DEPLOY_TRIED = "deploy.tried"
    #: It was found good, which is committed; projections do not know.
    DEPLOY_VERIFIED = "deploy.verified"
    #: It was found bad, and is being taken back in an open transaction.
    UNDO_OPEN = "undo.open"
    #: What served before serves again; it is not tried yet.
    UNDO_DONE = "undo.done"
    #: What serves is backed up; nothing else is written.
    ROLLBACK_BACKED_UP = "rollback.backed_up"
    #: Every model is rolled back in an open transaction.
    ROLLBACK_OPEN = "rollback.open"
    #: That transaction is committed; nothing is tried yet.
    ROLLBACK_DONE = "rollback.done"
    #: The ledger says which versions go; their objects lie there still.
    PRUNE_RECORDED = "prune.recorded"
    #: The first of the objects is gone.
    PRUNE_BEGUN = "prune.begun"


class ChallengeWindow(StrEnum):
    """Every crash window in the life of a challenger, in the order in which it passes them."""

    #: Challenger, ledger and outbox are written in an open transaction.
    START_OPEN = "challenge.start_open"
    #: That transaction is committed; projections do not know.
    STARTED = "challenge.started"
    #: It was judged; nothing of that is written.
    JUDGED = "challenge.judged"
    #: Its end, ledger and outbox are written in an open transaction.
    END_OPEN = "challenge.end_open"
    #: That transaction is committed; projections do not know.
    ENDED = "challenge.ended"


class HealingWindow(StrEnum):
    """Every crash window of a healing; each but the first two is passed once a state."""

    #: It is decided to act; nothing is written.
    HEAL_JUDGED = "heal.judged"
    #: The decision is written in an open transaction.
    HEAL_OPEN = "heal.open"
    #: The lease is taken; the step has not begun.
    HEAL_CLAIMED = "heal.claimed"
    #: The step has done its work; the healing does not know.
    HEAL_WORKED = "heal.worked"
    #: The next state, ledger and outbox are written in an open transaction.
    HEAL_MOVING = "heal.moving"
    #: That transaction is committed.
    HEAL_MOVED = "heal.moved"


class AlertWindow(StrEnum):
    """Every crash window in the sending of a message about alerts, in order."""

    #: A batch of notices is claimed; nothing is sent.
    NOTICE_CLAIMED = "notice.claimed"
    #: The message is sent; nobody noted that it is.
    NOTICE_SENT = "notice.sent"


def _armed() -> tuple[str, int]:
    window, _, nth = os.environ.get("PIPEWARDEN_CRASH_AT", "").partition(":")
    return window, int(nth or 1)


_target, _countdown = _armed()


def passing(window: StrEnum) -> None:
    """Die here if the crash tests ask for it; otherwise nothing."""
    if _target and window == _target:
        _strike()


def _strike() -> None:
    global _countdown  # noqa: PLW0603 - a process dies once
    _countdown -= 1
    if _countdown <= 0:
        os.kill(os.getpid(), signal.SIGKILL)


def armed_for(window: Window) -> bool:
    """Whether the next passing of ``window`` is fatal, for windows that must leave half a write."""
    return bool(_target) and window == _target and _countdown <= 1
