"""Which models a command means, and who signs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pipewarden.errors import UsageError
from pipewarden.store.state.models import deployments, versions

if TYPE_CHECKING:
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.models.context import ModelContext
    from pipewarden.store.state.service.keys import ApiKey

#: The variable from which a key is taken where nobody can be asked.
KEY = "PIPEWARDEN_KEY"
#: How the models of a series are named: the family, and the series.
_SERIES = "sales/{}"
_NAMED = 5


def model_or_only(context: ModelContext, model: str | None) -> str:
    """Return the model that was named, or the only one there is.

    Raises
    ------
    UsageError
        None was named, and there are several, or none.
    """
    if model is not None:
        return model
    with context.database.read() as conn:
        return _only(versions.models(conn), "model", "--model")


def family_or_only(context: ModelContext, family: str | None) -> str:
    """Return the family that was named, or the only one there is; see `model_or_only`."""
    if family is not None:
        return family
    with context.database.read() as conn:
        return _only(versions.families(conn), "family", "--family")


def serving_or_named(
    context: ModelContext, model: str | None, isbn: str | None, environment: str
) -> str:
    """Return the model that was named, by itself or by its series, or the only one that serves.

    Raises
    ------
    UsageError
        Both were given; or none, and several serve, or none does.
    """
    if model is not None and isbn is not None:
        raise UsageError("--model and --isbn exclude each other")
    if isbn is not None:
        return _of_series(context, isbn)
    if model is not None:
        return model
    with context.database.read() as conn:
        names = [one.model for one in deployments.all_serving(conn, environment)]
    return _only(names, f"model that serves in {environment}", "--model")


def _of_series(context: ModelContext, isbn: str) -> str:
    """Return the model of a series, whose name may be written with hyphens."""
    exact, plain = _SERIES.format(isbn), _SERIES.format(isbn.replace("-", ""))
    with context.database.read() as conn:
        known = versions.models(conn)
    return exact if exact in known else plain


def waiting_in(context: ModelContext, model: str, version: int) -> str:
    """Return where a version waits for an approval; production where it waits nowhere.

    Raises
    ------
    UsageError
        It waits in several environments.
    """
    with context.database.read() as conn:
        held = deployments.awaiting(conn, model)
    places = [one.environment for one in held if one.version == version]
    if not places:
        return "production"
    return _only(places, "environment where it waits", "--environment")


def _only(names: list[str], what: str, option: str) -> str:
    if len(names) == 1:
        return names[0]
    if not names:
        raise UsageError(f"there is no {what}", next_step="pipewarden models list")
    shown = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    raise UsageError(
        f"there are several, so {option} must say which: {shown}",
        next_step="pipewarden models list",
    )


def proven_key(workspace: Workspace, *, needed: bool) -> ApiKey | None:
    """Return the key that the person proves to hold, now: by the variable, or at a hidden prompt.

    It is never an argument, which a list of processes and a shell's history would show.

    Parameters
    ----------
    needed
        Otherwise None is returned where no key was ever made.

    Raises
    ------
    UsageError
        None was given, or it is unknown, wrong or revoked.
    """
    from pipewarden.app import keys

    if not needed and not keys.listed(workspace):
        return None
    presented = os.environ.get(KEY, "")
    if not presented and sys.stdin.isatty():
        import typer

        presented = typer.prompt("Your key", hide_input=True, err=True)
    key = keys.recognised(workspace, presented.strip())
    if key is None:
        what = "the key is unknown, wrong or revoked" if presented else "a signature needs a key"
        raise UsageError(
            what,
            left_behind="nothing was changed",
            next_step=f"set {KEY} to a key of the scope approver, or type it at the prompt; "
            "pipewarden keys create NAME --scope approver makes one",
        )
    return key
