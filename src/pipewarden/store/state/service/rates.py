"""How many requests of each owner were let through, counted for all replicas together.

Time is cut into windows of one length. A replica takes permits in blocks and gives them out by
itself, so that most requests ask no database; what it does not give out in the window is lost.
Never more than the limit are taken in a window.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from pipewarden.store.state.schema import rate_windows


def take(conn: Connection, owner: str, *, window: int, limit: int, block: int) -> int:
    """Take up to ``block`` permits of a window; return how many there were.

    Parameters
    ----------
    owner
        Whose requests are counted.
    window
        The number of the window; it only grows.
    limit
        How many permits a window has.
    """
    held = conn.execute(
        select(rate_windows.c.starts_at, rate_windows.c.used)
        .where(rate_windows.c.owner == owner)
        .with_for_update()
    ).one_or_none()
    if held is not None and held.starts_at > window:
        return 0  # this replica's clock is behind: that window is over
    used = held.used if held is not None and held.starts_at == window else 0
    taken = max(0, min(block, limit - used))
    row = {"starts_at": window, "used": used + taken}
    if held is None:
        conn.execute(insert(rate_windows).values(owner=owner, **row))
    else:
        conn.execute(update(rate_windows).where(rate_windows.c.owner == owner).values(**row))
    return taken
