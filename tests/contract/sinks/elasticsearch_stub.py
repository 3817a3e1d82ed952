"""A server that speaks as much of Elasticsearch's protocol as a sink needs, and can be difficult.

It follows the documentation of the bulk API: a body of JSON lines that ends with a line end, an
answer for each action in its order, statuses 200, 201, 404 for a delete of nothing, 400 with
``document_parsing_exception`` where a field changes between object and value, 429 and 413.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ID_MAX = 512
NDJSON = ("application/x-ndjson", "application/vnd.elasticsearch+x-ndjson")


class ElasticsearchStub:
    """One node with indices in memory.

    ``busy_items`` and ``busy_requests`` say how many of the next ones are answered with 429,
    ``broken_ids`` which documents fail with 500, ``max_bytes`` how long a body may be. ``bulks`` is
    how many documents each bulk held that was taken.
    """

    def __init__(self) -> None:
        self.indices: dict[str, dict[str, Any]] = {}
        self.kinds: dict[str, str] = {}
        self.requests: list[str] = []
        self.actions: list[tuple[str, str]] = []
        self.bulks: list[int] = []
        self.busy_items = 0
        self.busy_requests = 0
        self.retry_after = ""
        self.broken_ids: set[str] = set()
        self.max_bytes = 100 * 1024 * 1024
        self.wanted_authorization = ""
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # ── what the API does ────────────────────────────────────────────────────────────────────

    def bulk(self, index: str, body: bytes) -> dict[str, Any]:
        assert body.endswith(b"\n"), "a bulk ends with a line end"
        lines = iter(body.split(b"\n")[:-1])
        items, held = [], self.indices.setdefault(index, {})
        for line in lines:
            ((action, where),) = json.loads(line).items()
            source = json.loads(next(lines)) if action == "index" else None
            told = self._item(action, where["_id"], source, held)
            self.actions.append((action, where["_id"]))
            items.append({action: {"_index": index, "_id": where["_id"], **told}})
        self.bulks.append(len(items))
        failed = any(item[next(iter(item))]["status"] >= 400 for item in items)
        return {"took": 1, "errors": failed, "items": items}

    def _item(self, action: str, name: str, source: Any, held: dict[str, Any]) -> dict[str, Any]:
        if self.busy_items > 0:
            self.busy_items -= 1
            return _error(429, "es_rejected_execution_exception", "queue capacity is full")
        if name in self.broken_ids:
            return _error(500, "engine_exception", "a shard is unwell")
        if len(name.encode()) > ID_MAX:
            return _error(400, "illegal_argument_exception", "id is too long")
        if action == "delete":
            there = held.pop(name, None) is not None
            return {"status": 200, "result": "deleted"} if there else _NOT_FOUND
        problem = self._unmappable(source.get("document", {}))
        if problem:
            cause = {"type": "illegal_argument_exception", "reason": problem}
            parsing = _error(400, "document_parsing_exception", "failed to parse")
            parsing["error"]["caused_by"] = cause
            return parsing
        new = name not in held
        held[name] = source
        return {"status": 201 if new else 200, "result": "created" if new else "updated"}

    def _unmappable(self, document: dict[str, Any]) -> str:
        """Return why dynamic mapping refuses a document: a field is once object and once value."""
        for field, value in document.items():
            kind = "object" if isinstance(value, dict) else "value"
            if self.kinds.setdefault(field, kind) != kind:
                return f"object mapping for [{field}] tried to parse field as {kind}"
        return ""


_NOT_FOUND = {"status": 404, "result": "not_found"}


def _error(status: int, kind: str, reason: str) -> dict[str, Any]:
    return {"status": status, "error": {"type": kind, "reason": reason}}


def _handler(stub: ElasticsearchStub) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one a verb
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            info = {
                "name": "stub",
                "version": {"number": "9.0.0"},
                "tagline": "You Know, for Search",
            }
            self._answer(200, info)

        def do_HEAD(self) -> None:
            self._answer(200 if self.path.strip("/") in stub.indices else 404, None)

        def do_PUT(self) -> None:
            if self.path.endswith("/_bulk"):
                self._bulk()
                return
            json.loads(self._body())
            with stub.lock:
                name = self.path.strip("/")
                if name in stub.indices:
                    kind = "resource_already_exists_exception"
                    error = {"type": kind, "reason": f"index [{name}] already exists"}
                    self._answer(400, {"error": {"root_cause": [error], **error}, "status": 400})
                    return
                stub.indices[name] = {}
                self._answer(200, {"acknowledged": True, "index": name})

        def _bulk(self) -> None:
            body = self._body()
            index = self.path.strip("/").partition("/")[0]
            assert self.headers["Content-Type"].partition(";")[0] in NDJSON
            with stub.lock:
                if stub.busy_requests > 0:
                    stub.busy_requests -= 1
                    self._answer(429, {"error": {"type": "circuit_breaking_exception"}})
                elif len(body) > stub.max_bytes:
                    self._answer(413, None)
                else:
                    self._answer(200, stub.bulk(index, body))

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _answer(self, status: int, value: Any) -> None:
            stub.requests.append(f"{self.command} {self.path}")
            wanted = stub.wanted_authorization
            if wanted and self.headers.get("Authorization") != wanted:
                status, value = 401, {"error": {"type": "security_exception"}, "status": 401}
            data = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            if status == 429 and stub.retry_after:
                self.send_header("Retry-After", stub.retry_after)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    return Handler
