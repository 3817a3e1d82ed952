"""Brokers of one's own, on ports of their own, that can be killed and started again.

Each keeps what it confirmed: Redis and RabbitMQ on disk, JetStream in files, the others in what
outlives the stop. The mock cluster of Kafka cannot be restarted, so it is stopped in the other
sense: it answers nobody until it is let go on.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from receivers import FileReceiver, KafkaReceiver, WebhookReceiver

#: Seconds after which a server that has not answered never will; none takes a tenth of it.
_HANGS = 300.0
_MOCK = (
    "import sys, time; from confluent_kafka import Producer;"
    "p = Producer({'bootstrap.servers': 'mock', 'test.mock.num.brokers': 1});"
    "b = p.list_topics(timeout=10).brokers.values();"
    "print(','.join(f'{x.host}:{x.port}' for x in b), flush=True); sys.stdin.read()"
)


class Broker(Protocol):
    """What can be stopped and started, and read in the end."""

    options: dict[str, Any]

    def stop(self) -> None:
        """Let it fall over."""

    def start(self) -> None:
        """Bring it back, and wait until it listens."""

    def arrived(self) -> list[dict[str, Any]]:
        """Return every event that it holds, as JSON values, in order of arrival."""

    def close(self) -> None:
        """End it for good."""


class _Child:
    """A broker that is a process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, free_port()
        self.child: subprocess.Popen[bytes] | None = None
        self.start()

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def answers(self) -> bool:
        """Whether it does what it is there for; that it listens says less."""
        return listens(self.port)

    def start(self) -> None:
        log = self.folder / "said.log"
        with log.open("ab") as said:
            self.child = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env={**os.environ, **self.environment()},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        ends = time.monotonic() + _HANGS
        while not self.answers():
            if self.child.poll() is not None or time.monotonic() > ends:
                self.stop()
                told = log.read_text()[-3000:]
                raise AssertionError(f"no answer from {self.command()[0]}: {told}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
            self.child = None
            ends = time.monotonic() + _HANGS
            while listens(self.port) and time.monotonic() < ends:
                time.sleep(0.02)  # what the child has started dies a little later

    def close(self) -> None:
        self.stop()


class RedisBroker(_Child):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.options = {"kind": "redis_streams", "url": f"redis://127.0.0.1:{self.port}/0"}

    def command(self) -> list[str]:
        asked = f"--port {self.port} --bind 127.0.0.1 --dir {self.folder} --save '' "
        return ["redis-server", *(asked + "--appendonly yes --appendfsync always").split()]

    def answers(self) -> bool:
        import redis

        with redis.Redis(port=self.port) as client, suppress(redis.exceptions.RedisError):
            return bool(client.ping())  # it listens before it has read its file
        return False

    def arrived(self) -> list[dict[str, Any]]:
        import redis

        with redis.Redis(port=self.port) as client:
            return [json.loads(f[b"data"]) for _, f in client.xrange("pipewarden.events")]


class NatsBroker(_Child):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.options = {"kind": "nats", "url": f"nats://127.0.0.1:{self.port}"}

    def command(self) -> list[str]:
        return f"nats-server -js -sd {self.folder} -a 127.0.0.1 -p {self.port}".split()

    def arrived(self) -> list[dict[str, Any]]:
        return asyncio.run(self._arrived())

    async def _arrived(self) -> list[dict[str, Any]]:
        import nats
        from nats.js.api import AckPolicy, ConsumerConfig

        client = await nats.connect(f"nats://127.0.0.1:{self.port}")
        stream = client.jetstream()
        total = (await stream.stream_info("PIPEWARDEN")).state.messages
        reader = await stream.pull_subscribe(
            ">", stream="PIPEWARDEN", config=ConsumerConfig(ack_policy=AckPolicy.NONE)
        )
        held: list[dict[str, Any]] = []
        while len(held) < total:
            held += [json.loads(m.data) for m in await reader.fetch(500, timeout=10)]
        await client.close()
        return held


class RabbitMQBroker(_Child):
    _queue = "chaos"

    def __init__(self, folder: Path) -> None:
        import pika

        self._distribution = free_port()
        super().__init__(folder)
        self.options = {"kind": "rabbitmq", "url": self._url, "mode": "structured"}
        connection = pika.BlockingConnection(pika.URLParameters(self._url))
        channel = connection.channel()
        channel.exchange_declare("pipewarden.events", exchange_type="topic", durable=True)
        channel.queue_declare(self._queue, durable=True)
        channel.queue_bind(self._queue, "pipewarden.events", "#")
        connection.close()
        self._keep_for_good()

    def _keep_for_good(self) -> None:
        """Force what was declared to disk: a broker that is killed before forgets the queue."""
        (control,) = Path("/usr/lib/rabbitmq/lib").glob("*/sbin/rabbitmqctl")
        subprocess.run(
            [control, "--node", f"chaos{self.port}@localhost", "eval", "mnesia:sync_log()."],
            env={**os.environ, **self.environment()},
            capture_output=True,
            check=True,
        )

    @property
    def _url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def answers(self) -> bool:
        import pika
        from pika.adapters.utils.connection_workflow import AMQPConnectorException

        if not listens(self.port):
            return False
        with suppress(pika.exceptions.AMQPError, AMQPConnectorException, OSError):
            pika.BlockingConnection(pika.URLParameters(self._url)).close()
            return True
        return False

    def command(self) -> list[str]:
        (server,) = Path("/usr/lib/rabbitmq/lib").glob("*/sbin/rabbitmq-server")
        return [str(server)]

    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"chaos{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "none"),
        }

    def arrived(self) -> list[dict[str, Any]]:
        import pika

        connection = pika.BlockingConnection(pika.URLParameters(self._url))
        channel, held = connection.channel(), []
        while True:
            method, _, body = channel.basic_get(self._queue, auto_ack=True)
            if method is None:
                connection.close()
                return held
            held.append(json.loads(body))


class KafkaBroker(KafkaReceiver):
    def __init__(self, _folder: Path) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-c", _MOCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.child.stdout is not None
        self.servers, self.topic = self.child.stdout.readline().decode().strip(), "chaos"
        self.options = {
            "kind": "kafka",
            "servers": self.servers,
            "topic": self.topic,
            "mode": "structured",
            "client": {"reconnect.backoff.max.ms": 500},
        }

    def stop(self) -> None:
        self.child.send_signal(signal.SIGSTOP)

    def start(self) -> None:
        self.child.send_signal(signal.SIGCONT)

    def arrived(self) -> list[dict[str, Any]]:
        return [
            {"id": e.get_id(), "subject": e.get_subject(), "data": e.get_data()}
            for e in self.received()
        ]

    def close(self) -> None:
        self.start()
        self.child.kill()
        self.child.communicate()


class WebhookBroker(WebhookReceiver):
    """While it is stopped it hangs up without an answer, half the time after it took the event."""

    def __init__(self, _folder: Path) -> None:
        super().__init__()
        self.down, self.calls = False, 0
        self.answer = self._answer

    def _answer(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        self.calls += 1
        if self.down:
            if self.calls % 2:
                self.posts.append((headers, body))
            return 0, {}
        return 204, {}

    def stop(self) -> None:
        self.down = True

    def start(self) -> None:
        self.down = False

    def arrived(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.posts]


class FileBroker(FileReceiver):
    """While it is stopped, a file lies where its folder was, and its last line is torn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__("", "told", folder)

    def stop(self) -> None:
        self.folder.rename(self.folder.with_suffix(".away"))
        self.folder.write_text("in the way")

    def start(self) -> None:
        if self.folder.is_file():
            self.folder.unlink()
            self.folder.with_suffix(".away").rename(self.folder)
            with self.path.open("ab") as file:
                file.write(b'{"specversion": "1.0", "id": "half a li')

    def arrived(self) -> list[dict[str, Any]]:
        lines = self.path.read_bytes().split(b"\n")
        return [json.loads(line) for line in lines[:-1]]


BROKERS = {
    "redis_streams": (RedisBroker, "redis-server"),
    "nats": (NatsBroker, "nats-server"),
    "rabbitmq": (RabbitMQBroker, "rabbitmq-server"),
    "kafka": (KafkaBroker, sys.executable),
    "webhook": (WebhookBroker, sys.executable),
    "file": (FileBroker, sys.executable),
}


def installed(kind: str) -> bool:
    """Whether the program of a broker is there."""
    return shutil.which(BROKERS[kind][1]) is not None


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
