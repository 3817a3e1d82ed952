"""The channels of alerts: what each met last, and what waits for it; nobody is written to."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from pipewarden.app.api.watch.inside import Told
from pipewarden.jobs.workspace import Workspace

#: How long a notice that is due may wait before it is said that no monitor works.
_LATE = timedelta(minutes=5)


class Channels:
    """All channels of alerts, as one thing outside."""

    name, tried, told = "alerts", "what each channel of alerts met last", 0.0

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def look(self) -> Told:
        """Read how each channel has been."""
        from pipewarden.jobs.monitoring.alerts import alerts_of, not_set_up
        from pipewarden.monitoring.alerts import reading

        context = alerts_of(self._workspace, actor="health")
        found = reading.channels(context)
        facts = {"channels": [asdict(one) for one in found]}
        bad = {one.name: one.error for one in found if one.fails} | not_set_up(context)
        if "rules" in bad:
            return "degraded", bad["rules"], facts
        if bad:
            words = "; ".join(f"{name}: {why}" for name, why in bad.items())
            return "degraded", f"channels that fail: {words}", facts
        late = reading.unsent_for(context)
        if late > _LATE:
            minutes = int(late.total_seconds() // 60)
            return "degraded", f"an alert has waited for {minutes} minutes: no monitor works", facts
        return "ok", "no channel fails", facts

    def close(self) -> None:
        """Nothing is open."""
