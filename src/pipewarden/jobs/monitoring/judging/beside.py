"""What a challenger that shadows answered to the questions of a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipewarden.core.models.challengers import ChallengerMode, beside
from pipewarden.store.state.models import challengers
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.monitoring.windows import Stream

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Questions that are compared at most, and asked for at once.
_ROWS, _AT_ONCE = 5_000, 500


def beside_of(
    conn: Connection, stream: Stream, rows: Sequence[Prediction]
) -> dict[str, Mapping[str, Any]]:
    """Return by prediction what the newest shadow of its version answered to the same question."""
    running = challengers.running(conn, stream.model, stream.environment)
    shadow = next(
        (o for o in running if o.mode is ChallengerMode.SHADOW and o.champion == stream.version),
        None,
    )
    if shadow is None:
        return {}
    some = rows[:: max(1, len(rows) // _ROWS)]
    names = {beside(row.id, shadow.id): row.id for row in some}
    ids = list(names)
    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        answers = challengers.answers(conn, ids[start : start + _AT_ONCE])
        found |= {names[name]: answer for name, answer in answers.items()}
    return found
