"""What lies in quarantine, as it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipewarden.app.cli.output.outcome import shown
from pipewarden.app.cli.output.terminal import say, say_json, say_next, say_table
from pipewarden.report.account import quarantine_command
from pipewarden.report.untrusted import visible
from pipewarden.report.wording import count

if TYPE_CHECKING:
    from pipewarden.jobs.quarantine import Quarantined


def say_quarantined(
    held: Sequence[Quarantined], *, json: bool, limit: int | None = None, offset: int = 0
) -> None:
    """Print quarantined items, one a line, and what can be done with them."""
    end = None if limit is None else offset + limit
    page = held[offset:end]
    if json:
        items = [asdict(item) | {"path": str(item.path)} for item in page]
        say_json({"items": items, "total": len(held), "offset": offset})
        return
    if not held:
        say("Nothing lies in quarantine.", tone="good")
        return
    say_table(
        ("item", "kind", "reason", "run"),
        [
            (
                visible(item.key),
                item.kind,
                visible(item.reason),
                item.run_id,
            )
            for item in page
        ],
    )
    say()
    where = "" if len(page) == len(held) else f", {offset + 1:,} to {offset + len(page):,} shown"
    sources = ", ".join({shown(item.source): None for item in held})
    say(f"{count(len(held), 'item')} of {sources} in quarantine{where}")
    if page:
        first = page[0]
        acts = {
            "show": "why it failed, and what was made of it",
            "retry": "let the next run try it again",
        }
        say_next(
            {
                quarantine_command(act, first.run_id, first.key): purpose
                for act, purpose in acts.items()
            }
        )
