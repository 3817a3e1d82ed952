"""A relay that is killed after it sent ten events and before it noted one."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from stand_in import Clock, StandIn

from pipewarden.delivery.events.relay import relay_target
from pipewarden.delivery.outcome import DELIVERED
from pipewarden.store.state.database import Database


def main() -> None:
    """Relay from the database that is named to the file that is named."""
    url, taken = sys.argv[1:]
    stand = StandIn()

    def take(event):
        with Path(taken).open("a", encoding="utf-8") as file:
            file.write(f"{event.get_id()}\n")
        if len(stand.took) == 9:
            os.kill(os.getpid(), signal.SIGKILL)
        return DELIVERED

    stand.answer = take
    relay_target(Database.open(url), stand.target(), Clock(), owner="the dying one")


if __name__ == "__main__":
    main()
