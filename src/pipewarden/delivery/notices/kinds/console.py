"""The terminal, or the log, of whatever process watches."""

from __future__ import annotations

import sys
from typing import Literal

from pipewarden.core.monitoring.alerts.messages import Message
from pipewarden.delivery.notices.channel import ChannelOptions
from pipewarden.delivery.outcome import DELIVERED, Outcome, unavailable


class ConsoleOptions(ChannelOptions):
    """Nothing but the kind."""

    kind: Literal["console"]


class ConsoleChannel:
    """Writes to stderr, so that what a command prints as JSON stays JSON."""

    def __init__(self, _options: ConsoleOptions) -> None:
        pass

    def send(self, message: Message, timeout: float) -> Outcome:  # noqa: ARG002 - it waits for none
        """Write subject and text."""
        try:
            sys.stderr.write(f"{message.subject}\n\n{message.text}\n")
            sys.stderr.flush()
        except OSError as error:
            return unavailable(f"console: {error}")
        return DELIVERED

    def close(self) -> None:
        """Nothing is open."""
