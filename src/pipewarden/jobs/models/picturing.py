"""Models drawn: by their family, from their documents, into files and into the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipewarden.core.models.deployments import ModelVersion
from pipewarden.core.models.showing import Pictured, PicturedForecast
from pipewarden.errors import Conflict, StateError, UsageError
from pipewarden.jobs.models.looking import meant
from pipewarden.jobs.serving.opening import Opener
from pipewarden.jobs.workspace import Workspace
from pipewarden.report.charts import as_file
from pipewarden.store.files import durable
from pipewarden.store.state.models import mirrored

if TYPE_CHECKING:
    from pipewarden.core.models.families import ModelDocument

#: What a file system may not like in the name of a model.
_PARTS = str.maketrans({"/": ".", "\\": ".", ":": ".", "\0": "."})


def drawn(workspace: Workspace, reference: str) -> tuple[ModelVersion, dict[str, str]]:
    """Return the version that is meant and its charts: name → the text of an SVG file.

    Raises
    ------
    UnknownName
        There is no such model or version.
    UsageError
        Its family draws nothing.
    StateDamaged
        Its document is gone, or is another one.
    """
    version, opener = meant(workspace, reference), Opener(workspace)
    family = opener.family(version)
    if not isinstance(family, Pictured):
        raise UsageError(
            f"the family {version.family!r} draws no charts",
            next_step=f"pipewarden models show {version.model}@{version.version}",
        )
    charts = family.charts(opener.document(version))
    return version, {name: as_file(svg) for name, svg in charts.items()}


def pictures_of(workspace: Workspace) -> Callable[[ModelVersion, ModelDocument], dict[str, str]]:
    """Return what draws versions for the registry; nothing for a family that draws nothing.

    What it returns raises `StateError` where a document cannot be drawn, whatever the family said.
    """
    opener = Opener(workspace)

    def pictures(version: ModelVersion, document: ModelDocument) -> dict[str, str]:
        try:
            family = opener.family(version)
            if not isinstance(family, Pictured):
                return {}
            return {name: as_file(svg) for name, svg in family.charts(document).items()}
        except Exception as error:  # a family may be anybody's
            raise StateError(f"its charts cannot be drawn: {error!r}") from error

    return pictures


def written(folder: Path, version: ModelVersion, charts: Mapping[str, str]) -> list[Path]:
    """Write charts into a folder, which is made; return their files, named by version and chart.

    Raises
    ------
    StorageUnavailable
        The folder cannot be written.
    """
    stem = f"{version.model.translate(_PARTS)}@{version.version}"
    paths = [folder / f"{stem}_{name}.svg" for name in charts]
    with durable.storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for path, text in zip(paths, charts.values(), strict=True):
        durable.write_file(path, text.encode("utf-8"))
    return paths


def show_in_registry(workspace: Workspace, version: ModelVersion, charts: Mapping[str, str]) -> str:
    """Put charts beside a version in the registry; return the registry's id of its run.

    Raises
    ------
    Conflict
        The registry is off, or does not have the version.
    MissingExtra, DependencyUnavailable
        MLflow is not installed, or does not answer.
    """
    from pipewarden.models.registry.opening import mirror_of

    mirror = mirror_of(
        workspace.settings, workspace.database, workspace.objects_dir, workspace.clock
    )
    with workspace.database.read() as conn:
        held = mirrored.get(conn, version.model, version.version)
    if mirror is None or held is None:
        raise Conflict(
            "the registry is off" if mirror is None else "the registry does not have the version",
            left_behind="nothing was changed",
            next_step="pipewarden models reconcile",
        )
    mirror.registry.add_plots(held.run_ref, charts)
    return held.run_ref


def plot_forecast(
    workspace: Workspace,
    version: ModelVersion,
    rows: Sequence[Mapping[str, Any]],
    level: float,
    path: Path,
) -> None:
    """Draw what a version forecast, with its history and its backtest, into a file.

    Raises
    ------
    UsageError
        The name does not end in ``.svg``, or the family draws no forecasts.
    """
    svg_only(path)
    opener = Opener(workspace)
    family = opener.family(version)
    if not isinstance(family, PicturedForecast):
        raise UsageError(f"the family {version.family!r} draws no forecasts")
    chart = family.forecast_chart(opener.document(version), rows, level)
    durable.write_file(path, as_file(chart).encode("utf-8"))


def svg_only(path: Path) -> None:
    """Refuse a file that is no SVG by its name.

    Raises
    ------
    UsageError
        It is not.
    """
    if path.suffix.lower() != ".svg":
        raise UsageError(
            f"{path.name} does not end in .svg, and charts are drawn as SVG",
            left_behind="nothing was written",
            next_step=f"--plot {path.with_suffix('.svg')}; every browser opens it",
        )
