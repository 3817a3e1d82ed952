"""What is handed to sinks, and to whom: a document or its withdrawal, under a key and a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pipewarden.core.canonical import HASH_PREFIX, digest

#: How long a document's id may be, in bytes of UTF-8: Elasticsearch's limit, and below that of an
#: index entry in PostgreSQL.
ID_MAX = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One document for the sinks, or the word that a document is withdrawn.

    Parameters
    ----------
    pipeline, key
        The document: an item's key, within its pipeline.
    input_hash, fingerprint
        What it was made from, and by what; together its version.
    run_id, at
        The run that published or withdrew it, and when (UTC, ISO-8601).
    document
        The document as compact JSON without a line end; None withdraws it.
    content_hash
        The digest of ``document``; empty for a withdrawal.
    """

    pipeline: str
    key: str
    input_hash: str
    fingerprint: str
    run_id: str
    at: str
    document: bytes | None = None
    content_hash: str = ""

    @property
    def id(self) -> str:
        """The name of the document in every sink."""
        return document_id(self.pipeline, self.key)

    @property
    def version(self) -> str:
        """The digest of input and fingerprint: the same work has the same version."""
        return digest(f"{self.input_hash}\n{self.fingerprint}".encode())

    @property
    def size(self) -> int:
        """The bytes of the document."""
        return len(self.document or b"")


def document_id(pipeline: str, key: str) -> str:
    """Return the name of a document in every sink: ``pipeline/key``, hashed where that is too long.

    No name of a pipeline holds ``/`` or ``#``, so no two documents have one name.
    """
    name = f"{pipeline}/{key}"
    if len(name.encode("utf-8", "surrogatepass")) <= ID_MAX:
        return name
    hashed = digest(key.encode("utf-8", "surrogatepass")).removeprefix(HASH_PREFIX)
    return f"{pipeline}#{hashed}"


def latest_of_each(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Return the last delivery of each document, in the order of these last ones."""
    last: dict[str, Delivery] = {}
    for delivery in deliveries:
        last.pop(delivery.id, None)
        last[delivery.id] = delivery
    return list(last.values())


class Handover(Protocol):
    """Takes documents to wherever they go beside the output folder."""

    def hand(self, deliveries: Sequence[Delivery]) -> None:
        """Hand documents over; when this returns each is in its sinks, or durably waits for them.

        Handing the same again changes nothing.

        Raises
        ------
        StorageUnavailable
            A sink is down, and the disk is too full to keep what it lacks.
        """
        ...

    def settle(self, run_id: str, handed: int) -> dict[str, dict[str, int]]:
        """Give what waits a last, short chance; return where the documents of a run are.

        Parameters
        ----------
        handed
            How many documents and withdrawals the run handed over.

        Returns
        -------
        Of each sink, by its name, how many it has (``delivered``), how many wait for it on disk
        (``spooled``), and how many it will never take (``refused``).
        """
        ...

    def close(self) -> None:
        """Let go of the sinks."""
        ...
