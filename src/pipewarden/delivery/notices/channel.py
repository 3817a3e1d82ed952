"""A channel: one way to tell somebody, and what the settings of every kind share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from pipewarden.core.monitoring.alerts.messages import Message
from pipewarden.delivery.outcome import Outcome


class ChannelOptions(BaseModel):
    """What can be said of a channel of any kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field(description="What it is.")
    timeout: float = Field(
        default=10.0, gt=0, le=30, description="Seconds that sending one message may take."
    )


class Channel(Protocol):
    """Sends messages to somebody; used by one thread at a time."""

    def send(self, message: Message, timeout: float) -> Outcome:
        """Send one message; return what became of it, without raising where nobody answers.

        Parameters
        ----------
        timeout
            Seconds that it may take.
        """

    def close(self) -> None:
        """Let go of what is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenChannel:
    """A channel that the settings name, ready to be sent to."""

    name: str
    kind: str
    channel: Channel
    timeout: float
