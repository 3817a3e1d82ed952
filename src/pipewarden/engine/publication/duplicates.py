"""The gate's check across items: of items with one identity the lowest key is published.

Which is so whatever order items finish in, and whatever was published before: the same folder has
the same outputs on every machine.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace
from typing import Any

from pipewarden.core.findings import Finding, Status
from pipewarden.engine.publication import documents
from pipewarden.engine.publication.staging import restaged
from pipewarden.engine.task import Worked
from pipewarden.store.manifest.record import Entry


class Identities:
    """Which published item holds which identity."""

    def __init__(self) -> None:
        self._holders: dict[str, str] = {}
        self._beside: list[tuple[str, str]] = []

    @classmethod
    def of(cls, entries: Iterable[tuple[str, Entry]], present: Container[str]) -> Identities:
        """Return the identities of published items that the source still holds.

        What a person released holds none: it was published whatever else there is.
        """
        held = cls()
        for key, entry in entries:
            identity = entry.get("identity")
            stands = entry["status"] == "success" and not entry.get("released")
            if identity and stands and key in present:
                held._find(identity, key)
        return held

    def _find(self, identity: str, key: str) -> None:
        first = self._holders.setdefault(identity, key)
        if first != key:
            self._holders[identity] = min(first, key)
            self._beside.append((identity, max(first, key)))

    def beside(self) -> list[tuple[str, str, str]]:
        """Return identity, item and holder where two were found published with one identity.

        A file that came back, or a manifest merged by hand, can bring that about.
        """
        return [
            (identity, key, holder)
            for identity, key in self._beside
            if (holder := self._holders.get(identity)) is not None and holder < key
        ]

    def withdraw(self, key: str, before: Entry | None, identity: str | None) -> None:
        """Give up the identity that an item had before, if it has another now, or none."""
        old = before.get("identity") if before else None
        if old is not None and old != identity and self._holders.get(old) == key:
            del self._holders[old]

    def holder(self, worked: Worked) -> str | None:
        """Return the item with a lower key that has the identity of this one."""
        holder = self._holders.get(worked.identity) if worked.identity is not None else None
        return holder if holder is not None and holder < worked.key else None

    def claim(self, identity: str, key: str) -> str | None:
        """Give an item its identity; return the item with a higher key that loses it."""
        holder = self._holders.get(identity)
        self._holders[identity] = key
        return holder if holder != key else None

    def move(self, identity: str | None, old: str, new: str) -> None:
        """Let a moved item keep its identity."""
        if identity is not None and self._holders.get(identity) in (None, old):
            self._holders[identity] = new


def with_finding(worked: Worked, finding: Finding) -> tuple[Worked, dict[str, Any]]:
    """Return a result and its document with a finding added that only the runner can make.

    A document that is not going to be published for it keeps its staged file as it is.
    """
    document = documents.decode(worked.document())
    verdict = document["verdict"]
    status = Status.FAIL if finding.blocks else Status.WARN
    row = finding.as_dict()
    findings = [f for f in verdict["findings"] if f["check"] != finding.check]
    document["verdict"] = {**verdict, "status": str(status), "findings": [*findings, row]}
    if not finding.blocks:
        worked = restaged(worked, document)
    return replace(worked, status=str(status), findings=(*worked.findings, row)), document
