"""What alerts need: state, rules, ways to tell, and who acts when."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipewarden.core.monitoring.alerts.rules import Book
from pipewarden.delivery.notices.channel import OpenChannel
from pipewarden.monitoring.alerts.book import read_book
from pipewarden.store.state.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertContext:
    """Everything that watching, telling and acknowledging need to know.

    Parameters
    ----------
    file
        The operator's alert rules; read anew each time, so that a change needs no restart.
    channels
        The names of all channels.
    open_channels
        Opens them, by name; whoever calls it closes them.
    link
        The address of the service, for links; empty: none are written.
    actor
        Who acts, for the ledger.
    clock
        Gives the present time, UTC and aware.
    jitter
        Gives a number from 0 up to 1.
    """

    database: Database
    file: Path
    channels: tuple[str, ...]
    open_channels: Callable[[], Mapping[str, OpenChannel]]
    link: str
    actor: str
    clock: Callable[[], datetime]
    jitter: Callable[[], float] = random.random

    def book(self) -> Book:
        """Return the alert rules as they are now.

        Raises
        ------
        InvalidSettings
            The file does not hold.
        """
        return read_book(self.file, self.channels)
