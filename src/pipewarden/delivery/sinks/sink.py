"""What the fan-out knows of a sink: its name, what it wants, and how to send to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol

from pipewarden.core.outages.breaker import Policy
from pipewarden.core.sinks import Delivery
from pipewarden.delivery.outcome import Outcome

#: How many documents, and bytes of them, are sent in one call; a longer document goes alone.
CALL_DOCUMENTS, CALL_BYTES = 500, 8 * 1024 * 1024


class Sink(Protocol):
    """Keeps documents in one place. It is used by one thread at a time."""

    def deliver(self, deliveries: Sequence[Delivery], timeout: float) -> list[Outcome]:
        """Store or remove documents, and return the outcome of each, in their order.

        A document is DELIVERED only when the sink has it safely; to withdraw what is not there is
        to deliver, too. Doing it again changes nothing. Nothing that the sink or the network does
        is raised; after UNAVAILABLE the next call connects anew.

        Parameters
        ----------
        deliveries
            At most one of each document.
        timeout
            Seconds after which it must have returned; what was not tried then is UNTRIED.
        """
        ...

    def probe(self, timeout: float) -> Outcome:
        """Return whether the sink answers now; nothing is stored."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EnabledSink:
    """A sink of the settings.

    Parameters
    ----------
    name
        As in the settings; its spool lies under this name.
    kind
        Such as ``postgresql``.
    sink
        What stores.
    pipelines
        Patterns of the pipelines whose documents it wants.
    timeout
        Seconds that one call may take.
    spool_file_bytes
        Size beyond which a file of the spool is followed by the next.
    policy
        How patient one is with it.
    """

    name: str
    kind: str
    sink: Sink
    pipelines: tuple[str, ...] = ("*",)
    timeout: float = 10.0
    spool_file_bytes: int = 64 * 1024 * 1024
    policy: Policy = field(default_factory=lambda: Policy(longest_delay=60.0))

    def wants(self, pipeline: str) -> bool:
        """Whether documents of a pipeline go there."""
        return any(fnmatchcase(pipeline, pattern) for pattern in self.pipelines)
