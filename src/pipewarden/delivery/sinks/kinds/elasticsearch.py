"""Documents in an index of Elasticsearch, by the bulk API of the official client.

A document's id is its id in the index. Each item of an answer is looked at: one that the mapping
refuses is refused for good, one that the server is too busy for (429) is sent again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from random import random as any_random
from typing import TYPE_CHECKING, Any, Literal

import orjson
from pydantic import Field

from pipewarden.core.sinks import Delivery
from pipewarden.delivery.outcome import (
    DELIVERED,
    UNTRIED,
    Fate,
    Outcome,
    failed,
    rejected,
    unavailable,
)
from pipewarden.delivery.sinks.envelope import envelope
from pipewarden.delivery.sinks.options import SinkOptions
from pipewarden.errors import InvalidSettings, MissingExtra
from pipewarden.settings import redact_text

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

_KEYWORDS = (
    "id",
    "pipeline",
    "key",
    "version",
    "content_hash",
    "fingerprint",
    "input_hash",
    "run_id",
)
#: What an index is made with: documents keep their own dynamic mapping below ``document``.
MAPPINGS = {
    "properties": {
        **{name: {"type": "keyword", "ignore_above": 1024} for name in _KEYWORDS},
        "at": {"type": "date"},
        "document": {"type": "object"},
    }
}
#: How often what the server was too busy for is sent within one call, and the first pause, seconds.
_TRIES, _PAUSE = 4, 0.1
_BUSY, _TOO_LARGE = 429, 413
#: Client errors that say something about the settings or the server, not about the document.
_OF_THE_SETTINGS = frozenset({401, 403, 404})


class ElasticsearchOptions(SinkOptions):
    """An index of a cluster."""

    kind: Literal["elasticsearch"]
    url: str = Field(repr=False, description="`https://host:9200`.")
    index: str = Field(
        default="pipewarden-documents",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,200}$",
        description="The index, made if it does not exist.",
    )
    api_key: str = Field(default="", repr=False, description="An API key, encoded.")
    username: str = Field(default="", description="A user, where there is no API key.")
    password: str = Field(default="", repr=False, description="The user's password.")
    ca_certs: str = Field(default="", description="A file of certificates to trust.")


class ElasticsearchSink:
    """Sends bulks; the pauses between tries are drawn at random."""

    def __init__(
        self,
        options: ElasticsearchOptions,
        pause: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = any_random,
    ) -> None:
        try:
            import elasticsearch
        except ImportError as error:
            raise MissingExtra("A sink of kind elasticsearch", "elasticsearch") from error
        # What a node that is down says is in the outcome, which is logged.
        logging.getLogger("elastic_transport.node_pool").setLevel(logging.ERROR)
        self._errors = elasticsearch
        self._options, self._pause, self._random = options, pause, random
        self._made = False
        try:
            self._client = _client(elasticsearch, options)
        except (ValueError, TypeError) as error:
            raise InvalidSettings(redact_text(f"its url does not read: {error}")) from None

    def deliver(self, deliveries: Sequence[Delivery], timeout: float) -> list[Outcome]:
        """Index and delete documents; see `Sink`."""
        ends = time.monotonic() + timeout
        outcomes: list[Outcome] = [UNTRIED] * len(deliveries)
        left = list(range(len(deliveries)))
        for tried in range(_TRIES):
            told = self._bulk([deliveries[i] for i in left], ends)
            for i, outcome in zip(left, told, strict=True):
                outcomes[i] = outcome
            left = [i for i in left if outcomes[i].reason == "busy"]
            pause = _PAUSE * 2**tried * (0.5 + self._random() / 2)
            if not left or tried == _TRIES - 1 or time.monotonic() + pause >= ends:
                break
            self._pause(pause)
        return outcomes

    def _bulk(self, deliveries: Sequence[Delivery], ends: float) -> list[Outcome]:
        """Send one bulk; a body that is too large is halved until a document is alone."""
        left = ends - time.monotonic()
        if left <= 0:
            return [UNTRIED] * len(deliveries)
        try:
            client = self._client.options(request_timeout=left)
            if not self._made:
                self._make_index(client)
            lines: Any = _operations(deliveries)  # sent as they are: they are JSON already
            answer = client.bulk(index=self._options.index, operations=lines)
        except self._errors.ApiError as error:
            return self._not_taken(deliveries, error, ends)
        except (self._errors.TransportError, self._errors.UnsupportedProductError) as error:
            return _none(deliveries, unavailable(_words(error)))
        told = [_verdict(item) for item in answer["items"]]
        self._made = not any(outcome.reason == "no_index" for outcome in told)
        return told

    def _not_taken(self, deliveries: Sequence[Delivery], error: Any, ends: float) -> list[Outcome]:
        status = int(error.meta.status)
        if status == _TOO_LARGE and len(deliveries) > 1:
            middle = len(deliveries) // 2
            first = self._bulk(deliveries[:middle], ends)
            return first + self._bulk(deliveries[middle:], ends)
        if status == _TOO_LARGE:
            return [rejected("too_large", _words(error))]
        if status == _BUSY:
            wait = _seconds(error.meta.headers.get("retry-after"))
            return [_busy(_words(error), wait)] * len(deliveries)
        return _none(deliveries, unavailable(_words(error)))

    def _make_index(self, client: Elasticsearch) -> None:
        """Make the index; that somebody else has is no error."""
        if not client.indices.exists(index=self._options.index):
            try:
                client.indices.create(index=self._options.index, mappings=MAPPINGS)
            except self._errors.BadRequestError as error:
                if error.error != "resource_already_exists_exception":
                    raise
        self._made = True

    def probe(self, timeout: float) -> Outcome:
        """Return whether the cluster answers."""
        try:
            self._client.options(request_timeout=timeout).info()
        except (
            self._errors.ApiError,
            self._errors.TransportError,
            self._errors.UnsupportedProductError,
        ) as error:
            return unavailable(_words(error))
        return DELIVERED

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _client(elasticsearch: Any, options: ElasticsearchOptions) -> Elasticsearch:
    more: dict[str, Any] = {}
    if options.api_key:
        more["api_key"] = options.api_key
    elif options.username:
        more["basic_auth"] = (options.username, options.password)
    if options.ca_certs:
        more["ca_certs"] = options.ca_certs
    made: Elasticsearch = elasticsearch.Elasticsearch(
        options.url, max_retries=0, retry_on_timeout=False, **more
    )
    return made


def _operations(deliveries: Sequence[Delivery]) -> list[bytes]:
    """Return the lines of a bulk: an action for each document, and the document where it stays."""
    found: list[bytes] = []
    for delivery in deliveries:
        if delivery.document is None:
            found.append(orjson.dumps({"delete": {"_id": delivery.id}}))
        else:
            found += [orjson.dumps({"index": {"_id": delivery.id}}), envelope(delivery)]
    return found


def _verdict(item: dict[str, Any]) -> Outcome:
    """Return what the answer to one document says.

    A refusal (400, 409, 413) is final; that a withdrawn document was not there is none. Too busy
    (429) and what concerns index or rights is about the server; any other failure may be the
    document's fault.
    """
    ((action, told),) = item.items()
    status = int(told["status"])
    if 200 <= status < 300 or (action == "delete" and told.get("result") == "not_found"):
        return DELIVERED
    error = told.get("error") or {}
    kind = error.get("type", str(status)) if isinstance(error, dict) else str(status)
    cause = _cause(error)
    words = redact_text(f"elasticsearch: HTTP {status} {kind}: {cause}"[:400])
    if status == _BUSY:
        return _busy(words, None)
    if status in _OF_THE_SETTINGS:
        return Outcome(Fate.UNAVAILABLE, "no_index" if status == 404 else "no_right", words)
    if 400 <= status < 500:
        return rejected("too_large" if status == _TOO_LARGE else str(kind), words)
    return failed(str(kind), words)


def _cause(error: Any) -> str:
    """Return the innermost reason that an error of the server gives."""
    reason = ""
    while isinstance(error, dict):
        reason = str(error.get("reason", reason))
        error = error.get("caused_by")
    return reason


def _busy(words: str, wait: float | None) -> Outcome:
    return Outcome(Fate.UNAVAILABLE, "busy", words, wait)


def _none(deliveries: Sequence[Delivery], outcome: Outcome) -> list[Outcome]:
    return [outcome, *[UNTRIED] * (len(deliveries) - 1)]


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.strip().isdecimal() else None


def _words(error: Exception) -> str:
    said = str(getattr(error, "message", "")) or str(error)
    words = f"elasticsearch: {type(error).__name__}: {' '.join(said.split())}"
    return redact_text(words[:400])
