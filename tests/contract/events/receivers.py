"""The other end of each kind of target: its options, and what reads back what arrived."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings import http, kafka, rabbitmq
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver(Protocol):
    """What stands at the other end."""

    options: dict[str, Any]
    modes: tuple[str, ...]

    def received(self) -> list[BaseCloudEvent]:
        """Return every event that arrived, in order."""

    def close(self) -> None:
        """Remove what the test left."""


class FileReceiver:
    modes = ("structured",)

    def __init__(self, _url: str, name: str, folder: Path) -> None:
        self.path = folder / f"{name}.jsonl"
        self.options = {"kind": "file", "path": str(self.path)}

    def received(self) -> list[BaseCloudEvent]:
        return [JSONFormat().read(None, line) for line in self.path.read_bytes().splitlines()]

    def close(self) -> None:
        self.path.unlink(missing_ok=True)


class RedisReceiver:
    modes = ("structured", "binary")

    def __init__(self, url: str, name: str, _folder: Path) -> None:
        import redis

        self.stream = f"pipewarden.test.{name}"
        self.client = redis.Redis.from_url(url)
        self.options = {"kind": "redis_streams", "url": url, "stream": self.stream}

    def received(self) -> list[BaseCloudEvent]:
        return [self._event(fields) for _, fields in self.client.xrange(self.stream)]

    def _event(self, fields: dict[bytes, bytes]) -> BaseCloudEvent:
        if fields[b"content-type"] == b"application/cloudevents+json":
            return JSONFormat().read(None, fields[b"data"])
        named = {name.decode(): held for name, held in fields.items() if name != b"data"}
        return kafka.from_binary_event(kafka.KafkaMessage(named, None, fields[b"data"]))

    def close(self) -> None:
        self.client.delete(self.stream)
        self.client.close()


class KafkaReceiver:
    """librdkafka's mock cluster, which lives in a client of its own."""

    modes = ("binary", "structured")

    def __init__(self, _url: str, name: str, _folder: Path) -> None:
        from confluent_kafka import Producer

        self.cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 3})
        brokers = self.cluster.list_topics(timeout=10).brokers.values()
        self.servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        self.topic = f"events-{name}"
        self.options = {"kind": "kafka", "servers": self.servers, "topic": self.topic}

    def received(self) -> list[BaseCloudEvent]:
        from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

        consumer = Consumer(
            {"bootstrap.servers": self.servers, "group.id": "test", "enable.auto.commit": False}
        )
        parts = consumer.list_topics(self.topic, timeout=10).topics[self.topic].partitions
        consumer.assign([TopicPartition(self.topic, part, OFFSET_BEGINNING) for part in parts])
        ends = sum(
            consumer.get_watermark_offsets(TopicPartition(self.topic, part), timeout=10)[1]
            for part in parts
        )
        found = []
        while len(found) < ends:
            message = consumer.poll(10)
            assert message is not None
            assert message.error() is None
            found.append(message)
        consumer.close()
        return [
            kafka.from_kafka_event(
                kafka.KafkaMessage(dict(m.headers()), m.key(), m.value())  # type: ignore[arg-type]
            )
            for m in found
        ]

    def close(self) -> None:
        del self.cluster


class RabbitMQReceiver:
    modes = ("binary", "structured")

    def __init__(self, url: str, name: str, _folder: Path) -> None:
        import pika

        self.exchange, self.queue = f"events-{name}", f"queue-{name}"
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel = self.connection.channel()
        self.channel.exchange_declare(self.exchange, exchange_type="topic", durable=True)
        self.channel.queue_declare(self.queue, durable=True)
        self.channel.queue_bind(self.queue, self.exchange, "io.pipewarden.#")
        self.options = {"kind": "rabbitmq", "url": url, "exchange": self.exchange}
        self.held: list[BaseCloudEvent] = []

    def received(self) -> list[BaseCloudEvent]:
        while True:
            method, properties, body = self.channel.basic_get(self.queue, auto_ack=True)
            if method is None:
                return self.held
            message = rabbitmq.RabbitMQMessage(
                dict(properties.headers or {}), properties.content_type, body
            )
            self.held.append(rabbitmq.from_rabbitmq_event(message))

    def close(self) -> None:
        self.channel.queue_delete(self.queue)
        self.channel.exchange_delete(self.exchange)
        self.connection.close()


class NatsReceiver:
    modes = ("structured", "binary")

    def __init__(self, url: str, name: str, _folder: Path) -> None:
        import nats

        self.nats, self.url, self.stream = nats, url, f"TEST{name}"
        self.prefix = f"test{name}"
        self.options = {"kind": "nats", "url": url, "stream": self.stream}

    def received(self) -> list[BaseCloudEvent]:
        return asyncio.run(self._received())

    async def _received(self) -> list[BaseCloudEvent]:
        client = await self.nats.connect(self.url)
        stream = client.jetstream()
        last = (await stream.stream_info(self.stream)).state.last_seq
        held = [await stream.get_msg(self.stream, seq) for seq in range(1, last + 1)]
        await client.close()
        return [self._event(message.headers or {}, message.data or b"") for message in held]

    def _event(self, headers: dict[str, str], data: bytes) -> BaseCloudEvent:
        if headers.get("content-type", "").startswith("application/cloudevents"):
            return JSONFormat().read(None, data)
        # HTTP's binding but for the content type, which NATS leaves among the attributes.
        own = {name: text for name, text in headers.items() if name.startswith("ce-")}
        own["content-type"] = own.pop("ce-datacontenttype")
        return http.from_binary_event(http.HTTPMessage(own, data))

    def close(self) -> None:
        asyncio.run(self._delete())

    async def _delete(self) -> None:
        client = await self.nats.connect(self.url)
        await client.jetstream().delete_stream(self.stream)
        await client.close()


class WebhookReceiver:
    """A local server that keeps what is posted and answers what the test says."""

    modes = ("structured", "binary")

    def __init__(self, _url: str = "", _name: str = "", _folder: Path | None = None) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[dict[str, str], bytes], tuple[int, dict[str, str]]] = (
            lambda _headers, _body: (204, {})
        )
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): held for name, held in self.headers.items()}
                status, more = receiver.answer(headers, body)
                if not status:  # hang up
                    self.close_connection = True
                    return
                if status < 300:
                    receiver.posts.append((headers, body))
                self.send_response(status)
                for name, held in {"content-length": "0", **more}.items():
                    self.send_header(name, held)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.options = {
            "kind": "webhook",
            "url": f"http://127.0.0.1:{self.server.server_port}/hook?of=mine",
            "secret": SECRET,
            "allow_private": True,
        }

    def received(self) -> list[BaseCloudEvent]:
        return [http.from_http_event(http.HTTPMessage(*post)) for post in self.posts]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


OPENERS: dict[str, Callable[[str, str, Path], Receiver]] = {
    "file": FileReceiver,
    "redis_streams": RedisReceiver,
    "kafka": KafkaReceiver,
    "rabbitmq": RabbitMQReceiver,
    "nats": NatsReceiver,
    "webhook": WebhookReceiver,
}


def plain(event: BaseCloudEvent) -> dict[str, Any]:
    """Return an event's attributes and data, without the key that Kafka's binding adds."""
    attributes = {k: v for k, v in event.get_attributes().items() if k != "partitionkey"}
    data = event.get_data()
    return {**attributes, "data": json.loads(data) if isinstance(data, (str, bytes)) else data}


def expected(event: CloudEvent) -> dict[str, Any]:
    """Return what must arrive of an event."""
    return {**event.get_attributes(), "data": event.get_data()}
