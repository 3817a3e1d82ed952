"""The MLflow run of a version: what it was trained with and on, what it is worth, and its files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipewarden.core.models.deployments import ModelVersion
from pipewarden.models.registry import described

#: Where the files of a version lie below the artifacts of its run.
FOLDER = "model"
PLOTS = "plots"
_PARAM_MAX = 500


def write_run(
    client: Any, experiment: str, version: ModelVersion, document: Mapping[str, Any]
) -> Any:
    """Write the run of a version and end it; return it.

    Parameters
    ----------
    client
        An ``MlflowClient``, which makes one transaction of each call: there are few.
    """
    from mlflow.entities import Metric, Param

    at = int(version.created_at.timestamp() * 1_000)
    run = client.create_run(
        experiment,
        start_time=at,
        run_name=f"{version.model}@{version.version}",
        tags=described.tags_of(version),
    )
    run_id = run.info.run_id
    chosen = described.parameters_of(document.get("parameters") or {})
    parameters = {**chosen, "dataset": version.dataset}
    metrics = described.metrics_of(document)
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, at, 0) for name, value in metrics.items()],
        params=[Param(name, text[:_PARAM_MAX]) for name, text in parameters.items()],
    )
    _log_dataset(client, run_id, version, document)
    _log_files(client, run, document)
    client.set_terminated(run_id, end_time=at)
    return run


def write_plots(client: Any, run_id: str, plots: Mapping[str, str]) -> None:
    """Write charts beside the files of a version: name → the text of an SVG file."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in plots.items():
            (Path(folder) / f"{name}.svg").write_text(text, encoding="utf-8")
        client.log_artifacts(run_id, folder, PLOTS)


def _log_files(client: Any, run: Any, document: Mapping[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, held in described.files_of(document, run.info.run_id).items():
            text = json.dumps(held, indent=2)
            (Path(folder) / name).write_text(text, encoding="utf-8")
        client.log_artifacts(run.info.run_id, folder, FOLDER)


def _log_dataset(
    client: Any, run_id: str, version: ModelVersion, document: Mapping[str, Any]
) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps(dict(document.get("source") or {}))
    held = document.get("dataset") or {}
    counts = {name: held[name] for name in ("rows", "weeks", "columns") if name in held}
    dataset = Dataset(
        name=version.item_key[:500],
        digest=version.dataset.removeprefix("sha256:")[:36],
        source_type="pipewarden",
        source=source,
        profile=json.dumps(counts) if counts else None,
    )
    context = [InputTag("mlflow.data.context", "training")]
    client.log_inputs(run_id, [DatasetInput(dataset, tags=context)])
