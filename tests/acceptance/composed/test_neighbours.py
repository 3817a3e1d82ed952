"""The services beside ours, each under the command and the configuration of the compose file."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from pathlib import Path

import pytest
from brokers import RabbitMQBroker
from composing import SERVICES, Composed, free_port, running, until

pytestmark = pytest.mark.slow


def test_redis_keeps_to_its_password_and_evicts_nothing(program, secrets, tmp_path) -> None:
    program("redis-server")
    import redis

    port = free_port()
    places = {
        "/run/secrets": str(secrets),
        "/data": str(tmp_path),
        "/tmp/redis.conf": f"{tmp_path}/redis.conf",
        f"redis-server {tmp_path}/redis.conf": f"redis-server {tmp_path}/redis.conf --port {port}",
        "redis-cli": f"redis-cli -p {port}",
    }
    composed = Composed("redis", places)
    password = (secrets / "redis_password").read_text().strip()
    assert composed.health(tmp_path) != 0
    with running(composed.command, tmp_path) as log:
        until(lambda: composed.health(tmp_path) == 0, log)
        with redis.Redis(port=int(port), password=password) as client:
            asked = ("maxmemory", "maxmemory-policy", "appendonly", "dir")
            told = {name: client.config_get(name)[name] for name in asked}
        with redis.Redis(port=int(port)) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    assert told == {
        "maxmemory": str(768 << 20),
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "dir": str(tmp_path),
    }
    assert (tmp_path / "redis.conf").stat().st_mode & 0o077 == 0
    assert composed.health(tmp_path) != 0


def test_nats_reads_its_file_and_lets_in_who_knows_the_password(program, secrets, tmp_path):
    program("nats-server")

    import nats

    port, watched = free_port(), free_port()
    conf = secrets / "nats.conf"
    text = conf.read_text()
    conf.chmod(0o600)
    conf.write_text(text.replace("/data", str(tmp_path)).replace("8222", watched))
    places = {"/run/secrets/nats_conf": str(conf), "8222": watched}
    composed = Composed("nats", places)
    command = ["nats-server", *composed.command]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    assert composed.health(tmp_path) != 0
    password = text.split('password: "')[1].split('"')[0]

    async def stored() -> int:
        url = f"nats://pipewarden:{password}@127.0.0.1:{port}"
        client = await nats.connect(url, connect_timeout=30)
        stream = client.jetstream()
        await stream.add_stream(name="HELD", subjects=["held"])
        answer = await stream.publish("held", b"kept")
        await client.close()
        return int(answer.seq)

    def stranger() -> bytes:
        with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as held:
            held.sendall(b"CONNECT {}\r\nPING\r\n")
            with held.makefile("rb") as answers:
                return answers.read()  # it hangs up

    with running([*command, "-a", "127.0.0.1", "-p", port], tmp_path) as log:
        until(lambda: composed.health(tmp_path) == 0, log)
        assert asyncio.run(stored()) == 1
        assert b"-ERR 'Authorization Violation'" in stranger()


def test_rabbitmq_reads_its_file_and_its_user_is_let_in(program, secrets, tmp_path) -> None:
    program("rabbitmq-server")
    told = (secrets / "rabbitmq_url").read_text().strip()
    credentials = told.removeprefix("amqp://").partition("@")[0]
    assert told == f"amqp://{credentials}@rabbitmq:5672/%2F"

    class Composite(RabbitMQBroker):
        """The node of the tests, with the user of the secret in place of its own."""

        @property
        def _url(self) -> str:
            return f"amqp://{credentials}@127.0.0.1:{self.port}/%2F"

        def environment(self) -> dict[str, str]:
            conf = {"RABBITMQ_CONFIG_FILE": str(secrets / "rabbitmq.conf")}
            return {**super().environment(), **conf}

    (control,) = Path("/usr/lib/rabbitmq/lib").glob("*/sbin/rabbitmq-diagnostics")
    broker = Composite(tmp_path / "node")
    try:
        node = f"{control} --node chaos{broker.port}@localhost"
        composed = Composed("rabbitmq", {"rabbitmq-diagnostics": node})
        kind, *words = composed.held["healthcheck"]["test"]
        assert (kind, words[0]) == ("CMD", "rabbitmq-diagnostics")
        check = [*node.split(), *words[1:]]
        told = subprocess.run(check, env={**os.environ, **broker.environment()}, check=False)
        assert told.returncode == 0
        broker.stop()
        gone = subprocess.run(
            check, env={**os.environ, **broker.environment()}, check=False, capture_output=True
        )
        assert gone.returncode != 0
    finally:
        broker.close()


def test_postgresql_is_asked_whether_it_takes_connections(program, postgres_server, tmp_path):
    import psycopg

    program("pg_isready")
    with psycopg.connect(postgres_server) as conn:
        place = [conn.info.host, str(conn.info.port)]
    words = SERVICES["postgres"]["healthcheck"]["test"]
    assert words[words.index("-h") + 1] == "127.0.0.1"
    here = {"127.0.0.1": place[0], "pg_isready": "pg_isready"}
    assert Composed("postgres", here).health(tmp_path, PGPORT=place[1]) == 0
    assert Composed("postgres", {}).health(tmp_path, PGPORT=free_port()) != 0
