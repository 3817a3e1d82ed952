"""What the relay knows of a target: its name, what it wants, and how to send to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pipewarden.core.outages.breaker import Policy
from pipewarden.delivery.outcome import Outcome

if TYPE_CHECKING:
    from cloudevents.core.v1.event import CloudEvent


class Publisher(Protocol):
    """Sends events to one place. It is used by one thread, and connects when first needed."""

    def publish(self, events: Sequence[CloudEvent], timeout: float) -> list[Outcome]:
        """Send events, and return the outcome of each, in their order.

        An event is DELIVERED only when the receiver has confirmed it. Nothing that the receiver or
        the network does is raised; after UNAVAILABLE the next call connects anew.

        Parameters
        ----------
        events
            Of different subjects, so that their order among each other is free.
        timeout
            Seconds after which it must have returned; what was not tried then is UNTRIED.
        """
        ...

    def probe(self, timeout: float) -> Outcome:
        """Return whether the receiver answers now; no event is sent."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An enabled target.

    Parameters
    ----------
    name
        As in the settings; its place in the outbox is kept under this name.
    kind
        Such as ``redis_streams``.
    publisher
        What sends.
    types
        Patterns of the full types that it wants.
    type_prefix
        What types begin with.
    timeout
        Seconds that one call of the publisher may take.
    policy
        How patient the relay is with it.
    """

    name: str
    kind: str
    publisher: Publisher
    types: tuple[str, ...] = ("*",)
    type_prefix: str = "io.pipewarden"
    timeout: float = 10.0
    policy: Policy = field(default_factory=Policy)
