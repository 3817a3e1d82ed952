"""Model documents: kept for good by their hash, and told to the manifest as versions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipewarden.core.canonical import digest
from pipewarden.core.findings import Status
from pipewarden.core.models.deployments import Trained
from pipewarden.engine.publication import documents
from pipewarden.engine.task import Worked
from pipewarden.errors import BadInput
from pipewarden.store.files import durable
from pipewarden.store.files.objects import object_path

_UNJUDGED = "its gate was switched off"


def check_model(document: Mapping[str, Any]) -> None:
    """Refuse a result that is no model document, though its pipeline trains models.

    Raises
    ------
    BadInput
        A field that registering needs is missing or is of another type.
    """
    dataset = document.get("dataset")
    problems = []
    if not isinstance(document.get("model"), str) or not document["model"]:
        problems.append("'model' must name it")
    if not isinstance(dataset, Mapping) or not isinstance(dataset.get("fingerprint"), str):
        problems.append("'dataset.fingerprint' must be that of the data it was trained on")
    if not isinstance(document.get("metrics"), Mapping):
        problems.append("'metrics' must map names to values")
    if not isinstance(document.get("artifact"), Mapping):
        problems.append("'artifact' must hold the model itself")
    if problems:
        raise BadInput("no_model", f"the result is no model document: {'; '.join(problems)}")


@dataclass(slots=True)
class ModelKeeper:
    """Keeps every model document that a run makes, deployable or not.

    Parameters
    ----------
    folder
        The object store: files named by the hash of what they hold, never changed.
    family
        The pipeline's name.
    written
        Bytes written so far; what was kept before is not written again.
    """

    folder: Path
    family: str
    written: int = 0

    def published(self, worked: Worked) -> Trained:
        """Keep a document that passed its gate; it must still lie staged."""
        document = worked.document()
        deployable = worked.status in (Status.PASS, Status.WARN)
        return self._keep(
            document,
            documents.decode(document),
            deployable=deployable,
            reason="" if deployable else _UNJUDGED,
        )

    def rejected(self, document: Mapping[str, Any], reason: str) -> Trained:
        """Keep a document that its gate rejected."""
        return self._keep(documents.encode(document), document, deployable=False, reason=reason)

    def _keep(
        self, data: bytes, document: Mapping[str, Any], *, deployable: bool, reason: str
    ) -> Trained:
        object_hash = digest(data)
        path = object_path(self.folder, object_hash)
        if not path.is_file():
            durable.write_file(path, data)
            self.written += len(data)
        return Trained(
            model=str(document["model"]),
            family=self.family,
            deployable=deployable,
            object_hash=object_hash,
            dataset=str(document["dataset"]["fingerprint"]),
            verdict=str((document.get("verdict") or {}).get("status", "")),
            reason=reason,
            metrics=_flat(document["metrics"]),
        )


def _flat(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return name → value of the metrics that are numbers, with or without an interval."""
    found = {}
    for name, held in metrics.items():
        value = held.get("value") if isinstance(held, Mapping) else held
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            found[name] = float(value)
    return found
