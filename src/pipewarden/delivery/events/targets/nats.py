"""A JetStream stream of NATS; the subject of a message is the event's full type."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from pipewarden.delivery.events.cloud import in_header, nats_message
from pipewarden.delivery.events.targets.options import Mode, TargetOptions
from pipewarden.delivery.outcome import DELIVERED, Outcome, rejected, unavailable
from pipewarden.errors import MissingExtra

if TYPE_CHECKING:
    from cloudevents.core.v1.event import CloudEvent

#: Seconds of idleness after which a connection is opened anew: nobody answered its pings meanwhile.
_IDLE = 60.0
#: Seconds that closing a connection may take.
_CLOSING = 2.0
#: JetStream's code for a message over the stream's greatest size.
_TOO_LARGE = 10054


class NatsOptions(TargetOptions):
    """A stream on a NATS server with JetStream."""

    kind: Literal["nats"]
    url: str = Field(
        repr=False, description="`nats://[user:password@]host:port`; several split by commas."
    )
    stream: str = Field(
        default="PIPEWARDEN",
        min_length=1,
        description="The stream, made where it is missing for all types under the prefix.",
    )
    mode: Mode = Field(
        default="structured",
        description="`structured`, the only mode of the released binding, or `binary` (headers "
        "`ce-…`).",
    )


class NatsPublisher:
    """Publishes to JetStream with an id, by which the stream knows a repeat within its window."""

    def __init__(self, options: NatsOptions, type_prefix: str) -> None:
        try:
            import nats
            import nats.js.errors
        except ImportError as error:
            raise MissingExtra("An event target of kind nats", "nats") from error
        self._options, self._prefix = options, type_prefix
        self._nats: Any = nats
        self._runner = asyncio.Runner()
        self._client: Any = None
        self._used = 0.0
        self._said = ""

    def publish(self, events: Sequence[CloudEvent], timeout: float) -> list[Outcome]:
        """Publish the events and wait for every acknowledgement; see `Publisher`."""
        try:
            return self._runner.run(asyncio.wait_for(self._publish(events, timeout), timeout))
        except (self._nats.errors.Error, OSError, TimeoutError) as error:
            self.close_client()
            return [self._lost(error)] * len(events)

    def probe(self, timeout: float) -> Outcome:
        """Return whether the server lets one in and knows JetStream."""
        try:
            self._runner.run(asyncio.wait_for(self._account(), timeout))
        except (self._nats.errors.Error, OSError, TimeoutError) as error:
            self.close_client()
            return self._lost(error)
        self.close_client()
        return DELIVERED

    async def _account(self) -> None:
        await (await self._stream()).account_info()

    def close(self) -> None:
        """Close the connection and the loop that it lived in."""
        self.close_client()
        self._runner.close()

    def close_client(self) -> None:
        """Close the connection; the next call opens another."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(self._nats.errors.Error, OSError, TimeoutError):
                self._runner.run(asyncio.wait_for(client.close(), _CLOSING))  # dead, maybe

    async def _publish(self, events: Sequence[CloudEvent], timeout: float) -> list[Outcome]:
        stream = await self._stream()
        answers = await asyncio.gather(
            *(self._one(stream, event, timeout) for event in events), return_exceptions=True
        )
        self._used = time.monotonic()
        outcomes = [self._outcome(answer) for answer in answers]
        if any(isinstance(answer, (OSError, TimeoutError)) for answer in answers):
            self._used = 0.0
        return outcomes

    async def _one(self, stream: Any, event: CloudEvent, timeout: float) -> None:
        headers, payload = nats_message(event, structured=self._options.mode == "structured")
        identity = in_header(f"{event.get_source()}#{event.get_id()}")
        await stream.publish(
            event.get_type(),
            payload,
            timeout=timeout * 0.8,
            stream=self._options.stream,
            headers={"Nats-Msg-Id": identity, **headers},
        )

    async def _stream(self) -> Any:
        """Return JetStream on a connection that lives, the stream made if it is missing."""
        if self._client is not None and time.monotonic() - self._used > _IDLE:
            client, self._client = self._client, None
            await asyncio.wait_for(client.close(), _CLOSING)
        if self._client is None or not self._client.is_connected:
            # It is kept before it connects, so that one which never does can be closed.
            self._client = self._nats.NATS()
            await self._client.connect(
                servers=self._options.url.split(","),
                name="pipewarden-relay",
                connect_timeout=self._options.timeout,
                # What a reconnect would send of its own accord could overtake what comes next.
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0.1,
                error_cb=self._note,
            )
            self._said = ""
            await self._make_stream(self._client.jetstream())
        return self._client.jetstream()

    async def _make_stream(self, context: Any) -> None:
        try:
            await context.stream_info(self._options.stream)
        except self._nats.js.errors.NotFoundError:
            await context.add_stream(name=self._options.stream, subjects=[f"{self._prefix}.>"])

    def _outcome(self, answer: Any) -> Outcome:
        if not isinstance(answer, BaseException):
            return DELIVERED
        if isinstance(answer, self._nats.errors.MaxPayloadError):
            return rejected("too_large", "NATS: the event is over the server's greatest payload")
        if getattr(answer, "err_code", None) == _TOO_LARGE:
            return rejected("too_large", f"NATS: {answer}")
        if isinstance(answer, (self._nats.errors.Error, OSError, TimeoutError)):
            return self._lost(answer)
        raise answer

    async def _note(self, error: Exception) -> None:
        # Of a connection that fails the client raises the last step, and tells the cause here.
        self._said = f"({error})"

    def _lost(self, error: BaseException) -> Outcome:
        return unavailable(f"NATS: {type(error).__name__} {error} {self._said}".strip())
