"""A Kafka topic, by librdkafka's idempotent producer; the key of a message is the subject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from pipewarden.delivery.events.targets.options import Mode, TargetOptions
from pipewarden.delivery.outcome import DELIVERED, UNTRIED, Outcome, rejected, unavailable
from pipewarden.errors import InvalidSettings, MissingExtra

if TYPE_CHECKING:
    from cloudevents.core.base import BaseCloudEvent
    from cloudevents.core.v1.event import CloudEvent
    from confluent_kafka import KafkaError

#: The share of a call's time after which librdkafka gives a message up by itself.
_SHARE = 0.8


class KafkaOptions(TargetOptions):
    """A topic on a Kafka cluster."""

    kind: Literal["kafka"]
    servers: str = Field(description="`host:port` of some brokers, separated by commas.")
    topic: str = Field(default="pipewarden.events", min_length=1, description="The topic.")
    mode: Mode = Field(default="binary", description="`binary` (headers `ce_…`) or `structured`.")
    client: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        repr=False,
        description="More settings of librdkafka, such as `sasl.password`.",
    )


class KafkaPublisher:
    """Produces events, acknowledged by all in-sync replicas."""

    def __init__(self, options: KafkaOptions) -> None:
        try:
            import confluent_kafka
        except ImportError as error:
            raise MissingExtra("An event target of kind kafka", "kafka") from error
        self._options = options
        self._library: Any = confluent_kafka
        self._producer: Any = None
        self._said = ""

    def publish(self, events: Sequence[CloudEvent], timeout: float) -> list[Outcome]:
        """Produce the events and wait for each one's report; see `Publisher`."""
        outcomes: list[Outcome] = [UNTRIED] * len(events)
        try:
            producer = self._connected()
        except self._library.KafkaException as error:
            raise InvalidSettings(f"the settings of a Kafka target do not hold: {error}") from error
        for place, event in enumerate(events):
            headers, key, value = message(event, self._options.mode)
            try:
                producer.produce(
                    self._options.topic,
                    key=key,
                    value=value,
                    headers=headers,
                    on_delivery=self._report(outcomes, place),
                )
            except BufferError:
                continue  # librdkafka's queue is full: in the next wave
            except self._library.KafkaException as error:
                outcomes[place] = self._outcome(error.args[0])
        if producer.flush(timeout):
            # Reports are missing although their time is over: whatever comes of them, they are
            # sent again, and by a new producer, lest librdkafka sends them, too.
            producer.purge()
            producer.flush(0)
            self._producer = None
            late = unavailable(f"Kafka did not answer within {timeout:g} s {self._said}".strip())
            outcomes = [late if outcome is UNTRIED else outcome for outcome in outcomes]
        return outcomes

    def probe(self, timeout: float) -> Outcome:
        """Return whether a broker tells of the topic."""
        try:
            self._connected().list_topics(self._options.topic, timeout=timeout)
        except self._library.KafkaException as error:
            return unavailable(f"Kafka: {error.args[0].str()} {self._said}".strip())
        return DELIVERED

    def close(self) -> None:
        """Let go of the producer."""
        self._producer = None

    def _connected(self) -> Any:
        if self._producer is None:
            self._producer = self._library.Producer(
                {
                    "client.id": "pipewarden-relay",
                    "bootstrap.servers": self._options.servers,
                    "enable.idempotence": True,
                    "message.timeout.ms": int(self._options.timeout * _SHARE * 1_000),
                    "error_cb": self._note,
                    "log_level": 0,  # it logs each try to connect; the last one's error is kept
                    **self._options.client,
                }
            )
        return self._producer

    def _note(self, error: KafkaError) -> None:
        self._said = f"({error.str()})"

    def _report(self, outcomes: list[Outcome], place: int) -> Callable[[Any, Any], None]:
        def told(error: KafkaError | None, _message: object) -> None:
            outcomes[place] = DELIVERED if error is None else self._outcome(error)
            self._said = "" if error is None else self._said

        return told

    def _outcome(self, error: KafkaError) -> Outcome:
        codes = self._library.KafkaError
        if error.code() in (codes.MSG_SIZE_TOO_LARGE, codes.RECORD_LIST_TOO_LARGE):
            return rejected("too_large", f"Kafka: {error.str()}")
        if error.code() in (codes.INVALID_MSG, codes.INVALID_RECORD, codes._BAD_MSG):
            return rejected("rejected", f"Kafka: {error.str()}")
        if error.fatal():
            self._producer = None
        return unavailable(f"Kafka: {error.str()} {self._said}".strip())


def message(event: CloudEvent, mode: Mode) -> tuple[dict[str, bytes], str | bytes | None, bytes]:
    """Return headers, key and value by the CloudEvents Kafka protocol binding."""
    from cloudevents.core.bindings import kafka

    write = kafka.to_structured_event if mode == "structured" else kafka.to_binary_event
    written = write(event, key_mapper=_subject)
    return written.headers, written.key, written.value


def _subject(event: BaseCloudEvent) -> str | None:
    return event.get_subject()
