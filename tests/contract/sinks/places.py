"""Each kind of sink at a place of its own, which can go down, come back, and be read."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from elasticsearch_stub import ElasticsearchStub
from proxy import Proxy

from pipewarden.core.canonical import digest
from pipewarden.core.sinks import Delivery
from pipewarden.delivery.sinks.enabled import enabled
from pipewarden.delivery.sinks.kinds.jsonl import documents_in, files_of
from pipewarden.delivery.sinks.sink import EnabledSink
from pipewarden.settings import Settings


def delivery(
    key: str, content: Any = None, *, run: str = "run-1", pipeline: str = "notes"
) -> Delivery:
    """Return a document for the sinks; content None withdraws it."""
    document = None if content is None else orjson.dumps(content)
    return Delivery(
        pipeline=pipeline,
        key=key,
        input_hash=digest(document or b""),
        fingerprint="1/abc",
        run_id=run,
        at="2026-03-01T12:00:00+00:00",
        document=document,
        content_hash=digest(document) if document is not None else "",
    )


@dataclass
class Place:
    """Where a sink stores."""

    home: Path
    #: What it refuses for good, after what must be stored first.
    refused: Any = None
    before_refused: Any = None

    def options(self) -> dict[str, Any]:
        raise NotImplementedError

    def enabled(self, **more: Any) -> EnabledSink:
        """Return a new sink that stores there."""
        settings = Settings(home=self.home, sinks={"it": {**self.options(), **more}})
        return enabled(settings)[0]

    def held(self) -> dict[str, dict[str, Any]]:
        """Return the envelope of every document that is there, by key."""
        raise NotImplementedError

    def contents(self) -> dict[str, Any]:
        return {key: envelope["document"] for key, envelope in self.held().items()}

    def down(self) -> None:
        raise NotImplementedError

    def up(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Take everything away."""


@dataclass
class JsonlPlace(Place):
    def options(self) -> dict[str, Any]:
        return {"kind": "jsonl", "folder": "archive"}

    @property
    def folder(self) -> Path:
        return self.home / "archive"

    def held(self) -> dict[str, dict[str, Any]]:
        found = documents_in(self.folder)
        return {envelope["key"]: envelope for envelope in found.values()}

    def lines(self) -> list[dict[str, Any]]:
        files = files_of(self.folder, "documents-{date}.jsonl")
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]

    def down(self) -> None:
        if self.folder.exists():
            self.folder.rename(self.home / "aside")
        self.folder.write_text("no folder")

    def up(self) -> None:
        self.folder.unlink()
        if (self.home / "aside").exists():
            (self.home / "aside").rename(self.folder)


@dataclass
class PostgresqlPlace(Place):
    server: str = ""
    schema: str = field(default_factory=lambda: f"Sink test {uuid.uuid4().hex[:8]}")
    table: str = 'docs "of" %s; --'
    refused: Any = field(default_factory=lambda: {"text": "\0"})

    def __post_init__(self) -> None:
        parts = urlsplit(self.server)
        self.proxy = Proxy(parts.hostname or "127.0.0.1", parts.port or 5432)
        user = f"{parts.username}:{parts.password or 'unused'}"
        self.url = f"postgresql://{user}@127.0.0.1:{self.proxy.port}{parts.path}"

    def options(self) -> dict[str, Any]:
        place = {"url": self.url, "schema": self.schema, "table": self.table}
        return {"kind": "postgresql", **place, "pool_min": 1, "pool_max": 4}

    def run(self, statement: str) -> list[Any]:
        import psycopg
        from psycopg.sql import SQL, Identifier

        with psycopg.connect(self.server, autocommit=True) as conn:
            names = {
                "schema": Identifier(self.schema),
                "table": Identifier(self.schema, self.table),
            }
            cursor = conn.execute(SQL(statement).format(**names))  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def held(self) -> dict[str, dict[str, Any]]:
        columns = ("id", "key", "version", "content_hash", "fingerprint", "run_id", "document")
        rows = self.run(f"SELECT {', '.join(columns)} FROM {{table}}")
        return {row[1]: dict(zip(columns, row, strict=True)) for row in rows}

    def down(self) -> None:
        self.proxy.close()

    def up(self) -> None:
        self.proxy.open()

    def close(self) -> None:
        self.proxy.close()
        self.run("SET client_min_messages = warning; DROP SCHEMA IF EXISTS {schema} CASCADE")


@dataclass
class ElasticsearchPlace(Place):
    """The stub, or a real server by its URL."""

    server: str = ""
    index: str = field(default_factory=lambda: f"pipewarden-test-{uuid.uuid4().hex[:8]}")
    before_refused: Any = field(default_factory=lambda: {"nested": {"inside": 1}})
    refused: Any = field(default_factory=lambda: {"nested": "a value"})

    def __post_init__(self) -> None:
        self.stub = None if self.server else ElasticsearchStub()
        parts = urlsplit(self.server or f"http://127.0.0.1:{self.stub.port}")
        self.proxy = Proxy(parts.hostname or "", parts.port or 9200)
        user = f"{parts.username}:{parts.password}@" if parts.username else ""
        self.url = f"{parts.scheme}://{user}127.0.0.1:{self.proxy.port}"

    def options(self) -> dict[str, Any]:
        return {"kind": "elasticsearch", "url": self.url, "index": self.index}

    def held(self) -> dict[str, dict[str, Any]]:
        if self.stub is not None:
            found = list(self.stub.indices.get(self.index, {}).values())
        else:
            from elasticsearch import Elasticsearch
            from elasticsearch.helpers import scan

            with Elasticsearch(self.server) as client:
                client.indices.refresh(index=self.index)
                found = [hit["_source"] for hit in scan(client, index=self.index)]
        return {source["key"]: source for source in found}

    def down(self) -> None:
        self.proxy.close()

    def up(self) -> None:
        self.proxy.open()

    def close(self) -> None:
        self.proxy.close()
        if self.stub is not None:
            self.stub.close()
        else:
            from elasticsearch import Elasticsearch

            with Elasticsearch(self.server) as client:
                client.indices.delete(index=self.index, ignore_unavailable=True)
