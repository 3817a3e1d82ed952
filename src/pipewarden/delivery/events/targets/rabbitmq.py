"""A topic exchange of RabbitMQ; the routing key is the event's full type."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from pipewarden.delivery.events.targets.options import Mode, TargetOptions
from pipewarden.delivery.outcome import (
    DELIVERED,
    UNTRIED,
    Fate,
    Outcome,
    failed,
    rejected,
    unavailable,
)
from pipewarden.errors import InvalidSettings, MissingExtra

if TYPE_CHECKING:
    from cloudevents.core.bindings.rabbitmq import RabbitMQMessage
    from cloudevents.core.v1.event import CloudEvent

#: AMQP reply code: a precondition failed, such as the greatest size of a message.
_PRECONDITION = 406


class RabbitMQOptions(TargetOptions):
    """An exchange on a RabbitMQ broker."""

    kind: Literal["rabbitmq"]
    url: str = Field(repr=False, description="`amqp://user:password@host:port/vhost`.")
    exchange: str = Field(
        default="pipewarden.events",
        min_length=1,
        description="A durable topic exchange, declared where it is missing.",
    )
    mode: Mode = Field(default="binary", description="`binary` (headers `ce-…`) or `structured`.")


class RabbitMQPublisher:
    """Publishes persistent messages, each confirmed; one that no queue takes is not lost."""

    def __init__(self, options: RabbitMQOptions) -> None:
        try:
            import pika  # type: ignore[import-untyped]
            from pika.adapters.utils.connection_workflow import (  # type: ignore[import-untyped]
                AMQPConnectorException,
            )
        except ImportError as error:
            raise MissingExtra("An event target of kind rabbitmq", "rabbitmq") from error
        # The client logs each failure several times over, and then raises it.
        logging.getLogger("pika").setLevel(logging.CRITICAL)
        self._options, self._pika = options, pika
        # What is no AMQPError: a broker that takes the connection and then says nothing.
        self._lost = (pika.exceptions.AMQPError, AMQPConnectorException, OSError)
        # The client listens only while it waits, so a peer that went silent is found out by
        # heartbeats during a wait (it takes the client two times five seconds and one heartbeat
        # each), and a connection that lay idle for one may be dead.
        self._heartbeat = max(2, min(5, int(options.timeout / 2)))
        try:
            self._parameters = pika.URLParameters(options.url)
        except ValueError as error:
            raise InvalidSettings(f"the URL of a RabbitMQ target does not hold: {error}") from error
        self._parameters.heartbeat = self._heartbeat
        self._parameters.socket_timeout = options.timeout
        self._parameters.stack_timeout = options.timeout
        self._parameters.blocked_connection_timeout = options.timeout
        self._parameters.connection_attempts = 1
        self._connection: Any = None
        self._channel: Any = None
        self._used = 0.0

    def publish(self, events: Sequence[CloudEvent], timeout: float) -> list[Outcome]:
        """Publish the events one after the other; see `Publisher`."""
        ends = time.monotonic() + timeout
        outcomes: list[Outcome] = []
        for event in events:
            spent = time.monotonic() >= ends
            given_up = bool(outcomes) and outcomes[-1].fate in (Fate.UNAVAILABLE, Fate.UNTRIED)
            outcomes.append(UNTRIED if spent or given_up else self._one(event))
        return outcomes

    def probe(self, timeout: float) -> Outcome:  # noqa: ARG002
        """Return whether the broker lets one in; the time-out is the connection's."""
        try:
            connection = self._pika.BlockingConnection(self._parameters)
        except self._lost as error:
            return unavailable(f"RabbitMQ: {error!r}")
        with suppress(*self._lost):
            connection.close()
        return DELIVERED

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with suppress(*self._lost):
                connection.close()  # it may be dead already

    def _one(self, event: CloudEvent) -> Outcome:
        written, errors = message(event, self._options.mode), self._pika.exceptions
        properties = self._pika.BasicProperties(
            content_type=written.content_type,
            headers=written.headers,
            delivery_mode=2,
        )
        try:
            self._open_channel().basic_publish(
                exchange=self._options.exchange,
                routing_key=event.get_type(),
                body=written.body,
                properties=properties,
                mandatory=True,
            )
            self._used = time.monotonic()
        except errors.UnroutableError:
            where = f"no queue of {self._options.exchange!r} takes {event.get_type()!r}"
            return failed("unroutable", f"RabbitMQ: {where}")
        except errors.NackError:
            return failed("refused", "RabbitMQ did not take the event (nack)")
        except errors.ChannelClosedByBroker as error:
            self.close()
            if error.reply_code == _PRECONDITION and "larger than" in error.reply_text:
                return rejected("too_large", f"RabbitMQ: {error.reply_text}")
            return unavailable(f"RabbitMQ: {error.reply_code} {error.reply_text}")
        except self._lost as error:
            self.close()
            return unavailable(f"RabbitMQ: {error!r}")
        return DELIVERED

    def _open_channel(self) -> Any:
        if time.monotonic() - self._used > self._heartbeat:
            self.close()
        if self._channel is None or self._channel.is_closed:
            self.close()
            self._connection = self._pika.BlockingConnection(self._parameters)
            self._channel = self._connection.channel()
            self._channel.confirm_delivery()
            self._channel.exchange_declare(
                self._options.exchange, exchange_type="topic", durable=True
            )
        return self._channel


def message(event: CloudEvent, mode: Mode) -> RabbitMQMessage:
    """Return headers, content type and body by the CloudEvents binding for RabbitMQ."""
    from cloudevents.core.bindings import rabbitmq

    if mode == "structured":
        return rabbitmq.to_structured_event(event)
    return rabbitmq.to_binary_event(event)
