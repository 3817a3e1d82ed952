"""Which version is meant: by its number, as the latest, the champion, the previous, the last good.

*Previous* and *last known good* never name a version that was itself taken back, so that a second
rollback goes on backwards, not forth to what the first one fled from.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipewarden.core.models.deployments import (
    DeploymentKind,
    DeploymentState,
    ModelVersion,
    VersionStatus,
)
from pipewarden.errors import Conflict, UnknownName, UsageError
from pipewarden.store.state.models import deployments, versions
from pipewarden.store.state.models.past import Stint

if TYPE_CHECKING:
    from sqlalchemy import Connection

LATEST, CHAMPION = "latest", "champion"
PREVIOUS, LAST_KNOWN_GOOD = "previous", "last-known-good"


def to_deploy(conn: Connection, model: str, asked: str, champion: str) -> ModelVersion:
    """Return the version that ``asked`` names: a number, ``latest`` or ``champion``.

    Parameters
    ----------
    champion
        The environment whose version is the champion.

    Raises
    ------
    UnknownName
        There is no such model or version.
    Conflict
        The version may not be deployed, or there is none that may, or no champion.
    UsageError
        ``asked`` is none of the three.
    """
    known(conn, model)
    if asked == LATEST:
        return _latest(conn, model)
    if asked == CHAMPION:
        serving = deployments.serving(conn, model, champion)
        if serving is None:
            raise Conflict(
                f"no version of {model} serves in {champion}",
                left_behind="nothing was changed",
                next_step=f"pipewarden deploy --model {model} --version latest",
            )
        return versions.get(conn, model, serving.version)
    return allowed(versions.get(conn, model, number(asked)))


def number(asked: str) -> int:
    """Return the number of a version as it was typed.

    Raises
    ------
    UsageError
        It is none.
    """
    text = asked.removeprefix("v")
    if not text.isdecimal() or len(text) > 9:
        raise UsageError(
            f"{asked!r} names no version", next_step="give a number, or one of the words in --help"
        )
    return int(text)


def allowed(version: ModelVersion) -> ModelVersion:
    """Return the version if it may be deployed.

    Raises
    ------
    Conflict
        It is quarantined.
    """
    if version.status is VersionStatus.QUARANTINED:
        name = versions.subject(version.model, version.version)
        raise Conflict(
            f"{name} is quarantined: {version.reason or 'its training gate failed'}",
            left_behind="nothing was changed",
            next_step=f"pipewarden models release {version.model} --version {version.version} "
            '--reason "…", if somebody answers for it',
        )
    return version


def known(conn: Connection, model: str) -> None:
    """Refuse a model that was never trained.

    Raises
    ------
    UnknownName
        It was not; a similar name is told.
    """
    if versions.listed(conn, model=model, limit=1):
        return
    close = difflib.get_close_matches(model, versions.models(conn), 1)
    raise UnknownName(
        f"there is no model {model!r}" + (f"; did you mean {close[0]!r}?" if close else ""),
        next_step="pipewarden models list",
    )


def _latest(conn: Connection, model: str) -> ModelVersion:
    found = versions.latest(conn, model)
    if found is None:
        raise Conflict(
            f"{model} has no deployable version: all are quarantined",
            left_behind="nothing was changed",
            next_step=f"pipewarden models versions {model}",
        )
    return found


def to_go_back_to(stints: Sequence[Stint], asked: str) -> int:
    """Return the version of one model to roll back to.

    Parameters
    ----------
    stints
        What ever served of the model in the environment, the newest first.
    asked
        A number, ``previous`` or ``last-known-good``.

    Raises
    ------
    Conflict
        There is nothing to go back to.
    UsageError
        ``asked`` is none of the three.
    """
    if asked not in (PREVIOUS, LAST_KNOWN_GOOD):
        wanted = number(asked)
        if all(stint.version != wanted for stint in stints):
            raise Conflict(
                f"version {wanted} never served there, so it is nothing to go back to",
                left_behind="nothing was changed",
                next_step="pipewarden deploy, which asks the promotion gate",
            )
        return wanted
    newest = {stint.version: stint for stint in reversed(stints)}
    for stint in stints[_beginning(stints) :]:
        state = newest[stint.version].state
        fled = state is DeploymentState.ROLLED_BACK or state.serving
        if not fled and (asked == PREVIOUS or stint.verified):
            return stint.version
    raise Conflict(
        "there is no version to go back to: none served before",
        left_behind="nothing was changed",
        next_step="pipewarden deploy, with a version that is good",
    )


def _beginning(stints: Sequence[Stint]) -> int:
    """Return the place behind the deployment that first brought what serves now."""
    serving = next((stint for stint in stints if stint.state.serving), None)
    if serving is None:
        return 0
    for place, stint in enumerate(stints):
        if stint.version == serving.version and stint.kind is DeploymentKind.DEPLOY:
            return place + 1
    return stints.index(serving) + 1
