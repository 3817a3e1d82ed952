"""``pipewarden keys``: who may use the HTTP API, and how far."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipewarden.store.state.service.keys import ApiKey

app = typer.Typer(
    help="Say who may use the HTTP API, and how far.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Scope(StrEnum):
    """What a key may do; each holds those before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"


_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is, for the ledger.")],
    scope: Annotated[
        Scope, typer.Option(help="viewer looks, operator also acts, approver also decides.")
    ] = Scope.OPERATOR,
    json: _Json = False,
) -> None:
    """Make a key and print it, this once: only its hash is kept."""
    from pipewarden.app import keys
    from pipewarden.app.cli.output.terminal import say, say_json, say_next
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.store.state.service.keys import Scope as Kept

    key, secret = keys.create(Workspace(), name, Kept(scope.value))
    if json:
        say_json({**_plain(key), "key": secret})
        return
    say(secret)
    say(f"{key.id} is {key.name}'s, scope {key.scope}; it is not shown again", error=True)
    header = 'curl -H "Authorization: Bearer KEY" http://127.0.0.1:8000/v1/jobs'
    say_next({header: "use it", f"pipewarden keys revoke {key.id}": "end it"}, error=True)


@app.command("list")
def list_(json: _Json = False) -> None:
    """List every key there ever was; none can be shown again."""
    from pipewarden.app import keys
    from pipewarden.app.cli.output.terminal import say, say_json, say_table
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import moment

    found = keys.listed(Workspace())
    if json:
        say_json([_plain(key) for key in found])
        return
    if not found:
        say("No keys: the API answers at loopback addresses only, without any.")
        return
    rows = [
        (
            key.id,
            visible(key.name),
            key.scope,
            f"{moment(key.created_at.isoformat())} by {visible(key.created_by)}",
            moment(key.revoked_at.isoformat()) if key.revoked_at else "",
        )
        for key in found
    ]
    say_table(("key", "name", "scope", "created", "revoked"), rows)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id; see 'keys list'.")],
    json: _Json = False,
) -> None:
    """End a key for good; services that run notice within seconds."""
    from pipewarden.app import keys
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs.workspace import Workspace

    key = keys.revoke(Workspace(), key_id)
    if json:
        say_json(_plain(key))
    else:
        say(f"{key.id} is revoked")


def _plain(key: ApiKey) -> dict[str, Any]:
    names = ("id", "name", "scope", "created_at", "created_by", "revoked_at", "revoked_by")
    return {name: getattr(key, name) for name in names}
