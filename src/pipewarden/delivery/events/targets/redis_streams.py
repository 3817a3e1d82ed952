"""A Redis stream: entries are appended, and only the oldest are trimmed, never the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from pipewarden.delivery.events.cloud import redis_fields
from pipewarden.delivery.events.targets.options import Mode, TargetOptions
from pipewarden.delivery.outcome import DELIVERED, Outcome, unavailable
from pipewarden.errors import InvalidSettings, MissingExtra

if TYPE_CHECKING:
    from cloudevents.core.v1.event import CloudEvent


class RedisStreamsOptions(TargetOptions):
    """A stream on a Redis server."""

    kind: Literal["redis_streams"]
    url: str = Field(
        repr=False, description="`redis://[:password@]host[:port]/db`, or `rediss://` for TLS."
    )
    stream: str = Field(default="pipewarden.events", min_length=1, description="Its key.")
    max_length: int = Field(
        default=1_000_000,
        ge=1,
        description="About how many entries it holds; older ones are trimmed.",
    )
    mode: Mode = Field(
        default="structured",
        description="CloudEvents has no binding for Redis: `structured` has the JSON event "
        "format in the field `data`, `binary` names its fields as Kafka's headers are.",
    )


class RedisStreamsPublisher:
    """Appends events to a stream by XADD, a wave in one round trip."""

    def __init__(self, options: RedisStreamsOptions) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError as error:
            raise MissingExtra("An event target of kind redis_streams", "redis") from error
        self._options = options
        self._errors = redis.exceptions
        try:
            self._client = redis.Redis.from_url(
                options.url,
                socket_timeout=options.timeout,
                socket_connect_timeout=options.timeout,
                retry=Retry(NoBackoff(), 0),  # the relay retries, and knows when
                client_name="pipewarden-relay",
            )
        except ValueError as error:
            raise InvalidSettings(f"the URL of a Redis target does not hold: {error}") from error

    def publish(self, events: Sequence[CloudEvent], timeout: float) -> list[Outcome]:  # noqa: ARG002
        """Append the events; see `Publisher`. The time-out is the connection's."""
        structured = self._options.mode == "structured"
        try:
            with self._client.pipeline(transaction=False) as pipe:
                for event in events:
                    fields: Any = redis_fields(event, structured=structured)
                    pipe.xadd(
                        self._options.stream,
                        fields,
                        maxlen=self._options.max_length,
                        approximate=True,
                    )
                answers = pipe.execute(raise_on_error=False)
        except (self._errors.RedisError, OSError) as error:
            return [unavailable(f"Redis: {error}")] * len(events)
        return [self._outcome(answer) for answer in answers]

    def probe(self, timeout: float) -> Outcome:  # noqa: ARG002
        """Return whether Redis answers a ping; the time-out is the connection's."""
        try:
            self._client.ping()
        except (self._errors.RedisError, OSError) as error:
            return unavailable(f"Redis: {error}")
        return DELIVERED

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _outcome(self, answer: Any) -> Outcome:
        # Whatever Redis refuses here (out of memory, read-only, wrong type, no permission) it
        # refuses for every event: none of it is the event's fault.
        if isinstance(answer, self._errors.RedisError):
            return unavailable(f"Redis: {answer}")
        return DELIVERED
