"""What is known of models: listed, shown, compared, and who served when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.errors import Conflict, PipewardenError, StateError, UsageError
from pipewarden.jobs.models.context import model_context
from pipewarden.jobs.workspace import Workspace
from pipewarden.models import choosing
from pipewarden.models.context import in_words
from pipewarden.store.state.models import approvals, deployments, versions

#: Deployments of a version that are shown, the newest.
_DEPLOYMENTS = 1_000
#: What of a model document is shown whole; the artifact and the baseline are too long.
_SHOWN = ("parameters", "dataset", "metrics", "segments", "signature", "verdict", "timings")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLine:
    """One model in a list.

    Parameters
    ----------
    latest
        The newest deployable version; None where all are quarantined.
    serving
        Environment → version.
    awaiting
        The versions that wait for an approval.
    """

    model: str
    family: str
    versions: int
    newest: int
    latest: int | None
    serving: Mapping[str, int]
    awaiting: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two versions side by side.

    Parameters
    ----------
    metrics
        Name → what the one and the other has of it, None where it has none.
    evidence
        What the promotion gate would be told, with the first as champion; empty where the two
        cannot be compared, and ``why_not`` says why.
    """

    first: ModelVersion
    second: ModelVersion
    metrics: Mapping[str, tuple[float | None, float | None]]
    evidence: Mapping[str, Any]
    why_not: str = ""


def models(workspace: Workspace, family: str | None = None) -> list[ModelLine]:
    """Return every model, in order of their names."""
    with workspace.database.read() as conn:
        held = versions.listed(conn, family=family)
        serving: dict[str, dict[str, int]] = {}
        for environment in workspace.settings.models.environments:
            for one in deployments.all_serving(conn, environment):
                serving.setdefault(one.model, {})[environment] = one.version
        waiting: dict[str, list[int]] = {}
        for one in deployments.awaiting(conn):
            waiting.setdefault(one.model, []).append(one.version)
    by_model: dict[str, list[ModelVersion]] = {}
    for version in held:
        by_model.setdefault(version.model, []).append(version)
    return [
        ModelLine(
            model=name,
            family=rows[0].family,
            versions=len(rows),
            newest=rows[0].version,
            latest=next((row.version for row in rows if row.status.allowed), None),
            serving=serving.get(name, {}),
            awaiting=tuple(waiting.get(name, ())),
        )
        for name, rows in by_model.items()
    ]


def versions_of(
    workspace: Workspace, model: str, limit: int
) -> list[tuple[ModelVersion, tuple[str, ...]]]:
    """Return the newest versions of a model, each with the environments where it serves.

    Raises
    ------
    UnknownName
        There is no such model.
    """
    with workspace.database.read() as conn:
        choosing.known(conn, model)
        held = versions.listed(conn, model=model, limit=limit)
        serving = {
            environment: one.version
            for environment in workspace.settings.models.environments
            if (one := deployments.serving(conn, model, environment)) is not None
        }
    return [
        (version, tuple(place for place, number in serving.items() if number == version.version))
        for version in held
    ]


def meant(workspace: Workspace, reference: str, of_model: str = "") -> ModelVersion:
    """Return the version that ``MODEL@N``, ``MODEL`` (its newest) or ``N`` (of a model) names.

    Raises
    ------
    UnknownName
        There is no such model or version.
    UsageError
        It is a number alone, and no model is given.
    """
    name, at, asked = reference.rpartition("@")
    if not at:
        name, asked = (of_model, reference) if of_model else (reference, "")
    with workspace.database.read() as conn:
        choosing.known(conn, name)
        if not asked:
            return versions.listed(conn, model=name, limit=1)[0]
        return versions.get(conn, name, choosing.number(asked))


def shown(workspace: Workspace, reference: str) -> dict[str, Any]:
    """Return all that is known of a version; its document may have been cleaned up."""
    version = meant(workspace, reference)
    context = model_context(workspace)
    try:
        document: Mapping[str, Any] = context.document(version)
        missing = ""
    except (Conflict, StateError) as error:
        document, missing = {}, error.message
    with workspace.database.read() as conn:
        ran = deployments.history(
            conn, model=version.model, version=version.version, limit=_DEPLOYMENTS
        )
        signed = approvals.of_version(conn, version.model, version.version)
    return {
        **asdict(version),
        "document": {name: document[name] for name in _SHOWN if name in document},
        "document_missing": missing,
        "deployments": [plain(one) for one in ran],
        "approvals": [asdict(one) for one in signed],
    }


def compared(workspace: Workspace, first: str, second: str) -> Compared:
    """Compare two versions, the first as the champion.

    Raises
    ------
    UsageError
        The two are of different families.
    """
    champion = meant(workspace, first)
    challenger = meant(workspace, second, champion.model)
    if champion.family != challenger.family:
        raise UsageError(
            f"{first} is of {champion.family}, and {second} of {challenger.family}",
            next_step="compare versions of one family",
        )
    context = model_context(workspace)
    evidence: Mapping[str, Any] = {}
    why_not = ""
    try:
        family = context.families(challenger)
        evidence = family.compare(context.document(challenger), context.document(champion))
    except PipewardenError as error:
        why_not = in_words(error)
    names = [*champion.metrics, *(n for n in challenger.metrics if n not in champion.metrics)]
    metrics = {n: (champion.metrics.get(n), challenger.metrics.get(n)) for n in names}
    return Compared(
        first=champion, second=challenger, metrics=metrics, evidence=evidence, why_not=why_not
    )


def history(
    workspace: Workspace,
    model: str | None,
    environment: str | None,
    limit: int,
    at: datetime | None = None,
) -> list[Deployment]:
    """Return who served when, the newest first.

    With ``at``, only what served at that time, in order of the models' names. Either way, no more
    than ``limit`` of them.

    Raises
    ------
    UnknownName
        There is no such model.
    """
    with workspace.database.read() as conn:
        if model is not None:
            choosing.known(conn, model)
        if at is not None:
            return deployments.at_time(conn, at, model=model, environment=environment)[:limit]
        return deployments.history(conn, model=model, environment=environment, limit=limit)


def plain(deployment: Deployment) -> dict[str, Any]:
    """Return a deployment as plain values, without its evidence, which is long."""
    held = asdict(deployment)
    del held["evidence"]
    return held
