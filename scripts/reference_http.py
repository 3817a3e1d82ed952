"""The reference page of the HTTP API, written from its OpenAPI description."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def page() -> str:
    """Return the page without its head."""
    described = _described()
    lead = (
        "Every operation that `pipewarden serve` answers, from its own description at "
        "`/openapi.json`. Errors are problem details (RFC 9457), `application/problem+json`. "
        "Where there are API keys, every operation but `/health` and `/ready` needs one: "
        "`Authorization: Bearer KEY` or `X-API-Key: KEY`. Every answer carries `X-Request-ID` and "
        "`traceparent`."
    )
    parts = [f"# HTTP\n\n{lead}\n"]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            parts.append("\n".join(_operation(method.upper(), path, operation)))
    parts.append("## Forms\n\nWhat the answers and bodies above are made of.\n")
    for name, schema in sorted(described["components"]["schemas"].items()):
        if "properties" in schema:
            parts.append("\n".join(_form(f"### `{name}`", schema)))
    parts.append("\n".join(_settings()))
    return "\n".join(parts)


def _settings() -> Iterator[str]:
    from pipewarden.settings import ENV_PREFIX, ServiceSettings

    yield "## Settings\n"
    yield f"Under `service:`, or `{ENV_PREFIX}SERVICE__<NAME>` in the environment.\n"
    yield "| setting | default | meaning |"
    yield "|---|---|---|"
    for name, field in ServiceSettings.model_fields.items():
        default = "computed" if field.default_factory else f"`{field.default!s}`"
        shown = "none" if default in ("``", "`()`") else default
        yield _row(f"`{name}`", shown, field.description or "")
    yield ""


def _described() -> dict[str, Any]:
    from pipewarden.app.api.application import application
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = application(Workspace(Settings(home=Path(folder)))).openapi()
    return found


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{method} {path}`\n"
    yield f"{operation.get('description', '')}\n"
    rows = [_parameter(held) for held in operation.get("parameters", ())]
    if rows:
        yield from ("| parameter | in | meaning |", "|---|---|---|", *rows, "")
    for media, held in operation.get("requestBody", {}).get("content", {}).items():
        schema = held["schema"]
        yield f"Body, `{media}`: {schema.get('description', '')}\n"
        if "properties" in schema:
            yield from _fields(schema)
    yield "| answer | meaning | form |"
    yield "|---|---|---|"
    for status, answer in sorted(operation["responses"].items()):
        forms = [_answer(media, held) for media, held in answer.get("content", {}).items()]
        yield _row(status, answer["description"], ", ".join(forms))
    yield ""


def _parameter(held: Mapping[str, Any]) -> str:
    needed = ", needed" if held.get("required") else ""
    return _row(f"`{held['name']}`{needed}", held["in"], held.get("description", ""))


def _answer(media: str, held: Mapping[str, Any]) -> str:
    name = held["schema"].get("$ref", "").rpartition("/")[2]
    return f"`{name}`" if name else f"`{media}`"


def _form(title: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"{title}\n"
    yield f"{schema.get('description', '')}\n"
    yield from _fields(schema)


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    needed = schema.get("required", ())
    for name, held in schema["properties"].items():
        mark = "" if name in needed else f", default `{held.get('default')}`"
        yield _row(f"`{name}`", _type(held) + mark, held.get("description", ""))
    yield ""


def _type(held: Mapping[str, Any]) -> str:
    if "$ref" in held:
        return f"`{held['$ref'].rpartition('/')[2]}`"
    if "anyOf" in held:
        return " or ".join(_type(each) for each in held["anyOf"])
    if held.get("type") == "array":
        return f"array of {_type(held.get('items', {}))}"
    return str(held.get("format") or held.get("type") or "anything")


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"
