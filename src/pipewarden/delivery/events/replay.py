"""Sending again what was sent: under the same ids, in the same order per subject.

Nothing moves back. The events are marked as waiting, and the relay sends them as it sends all that
waits; a later event of a subject comes behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipewarden.delivery.events.cloud import full_type, wanted
from pipewarden.delivery.events.enabled import options_of
from pipewarden.errors import UnknownName
from pipewarden.settings import Settings
from pipewarden.store.state import outbox
from pipewarden.store.state.database import Database
from pipewarden.store.state.delivery import targets as places, undelivered
from pipewarden.store.state.delivery.undelivered import Fortune, Undelivered

_PAGE = 500


def replay(
    database: Database,
    settings: Settings,
    *,
    first: int,
    at: datetime,
    targets: Sequence[str] = (),
    types: Sequence[str] = (),
) -> dict[str, int]:
    """Mark what targets already have to be sent again; return how many events, by target.

    What a target has not come to yet is sent to it anyhow, and not counted. What is dead is tried
    again.

    Parameters
    ----------
    first
        The first number to be sent again.
    at
        Now; aware.
    targets
        Only to these; none: to every enabled one.
    types
        Only full types of these patterns, of those that the target takes at all; none: all.

    Raises
    ------
    UnknownName
        No such target is enabled.
    """
    enabled = {name: options_of(name, h).types for name, h in settings.events.targets.items()}
    unknown = sorted(set(targets) - enabled.keys())
    if unknown:
        raise UnknownName(
            f"no event target {unknown[0]!r} is enabled", next_step="pipewarden events targets"
        )
    chosen = {name: enabled[name] for name in targets or enabled}
    marked = dict.fromkeys(chosen, 0)
    after = first - 1
    while True:
        with database.write() as conn:
            page = outbox.page(conn, after, _PAGE)
            for name, own in chosen.items():
                cursor = places.get(conn, name).cursor
                waiting = undelivered.waiting_among(conn, name, [seq for seq, _ in page])
                letters = [
                    _letter(seq, event, at)
                    for seq, event in page
                    if seq <= cursor and seq not in waiting and _meant(event, settings, own, types)
                ]
                undelivered.put(conn, name, letters)
                marked[name] += len(letters)
        if len(page) < _PAGE:
            return marked
        after = page[-1][0]


def _meant(
    event: outbox.OutboxEvent, settings: Settings, own: Sequence[str], types: Sequence[str]
) -> bool:
    told = full_type(event, settings.events.type_prefix)
    return wanted(told, own) and (not types or wanted(told, types))


def _letter(seq: int, event: outbox.OutboxEvent, at: datetime) -> Undelivered:
    return Undelivered(
        seq=seq,
        subject=event.subject,
        state=Fortune.WAITING,
        retry_at=at,
        reason="replay",
        at=at,
    )
