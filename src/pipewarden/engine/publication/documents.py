"""From a pipeline's result to the JSON document that is published, and back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import orjson

from pipewarden.core.canonical import digest
from pipewarden.core.findings import Verdict
from pipewarden.errors import BadInput

#: The fields that the engine adds to every document.
RESERVED = ("source", "verdict")
UNVALIDATED = "UNVALIDATED"

_NAME_MAX = 255


def document_of(result: Any, source: Mapping[str, str]) -> dict[str, Any]:
    """Return the document of a result, still without its verdict.

    A mapping, Pydantic model or dataclass gives its own fields; any other value stands under
    ``result``.

    Parameters
    ----------
    source
        Where the item comes from: the path of its file, for a record its key, and the hash.

    Raises
    ------
    BadInput
        The result uses a reserved field, or is nothing at all.
    """
    plain = _plain(result)
    if plain is None:
        raise BadInput("no_result", "the pipeline's function returned None")
    if not isinstance(plain, Mapping):
        plain = {"result": plain}
    taken = [name for name in RESERVED if name in plain]
    if taken:
        raise BadInput(
            "reserved_field",
            f"the result has a field {' and '.join(map(repr, taken))}, which pipewarden adds "
            "itself; give it another name",
        )
    return {"source": dict(source), **plain}


def source_of(key: str, input_hash: str, file: str = "") -> dict[str, str]:
    """Return how a document names its item: a file by its path, a record by file and key."""
    place = {"path": file, "key": key} if file else {"path": key}
    return {**place, "sha256": input_hash.removeprefix("sha256:")}


def _plain(result: Any) -> Any:
    if hasattr(result, "model_dump"):
        return result.model_dump(mode="json")
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        return dataclasses.asdict(result)
    return result


def verdict_of(verdict: Verdict | None) -> dict[str, Any]:
    """Return the verdict as it stands in a document; None means that the gate was switched off."""
    if verdict is None:
        return {"status": UNVALIDATED, "findings": []}
    return verdict.as_dict()


def encode(document: Mapping[str, Any]) -> bytes:
    """Return the bytes of a published document.

    Raises
    ------
    BadInput
        The result holds something that JSON has not.
    """
    return _dumped(document, orjson.OPT_INDENT_2)


def encode_line(document: Mapping[str, Any]) -> bytes:
    """Return a document as one line.

    Raises
    ------
    BadInput
        The result holds something that JSON has not.
    """
    return _dumped(document, 0)


def _dumped(document: Mapping[str, Any], layout: int) -> bytes:
    where = _not_finite(document)
    if where is not None:
        raise BadInput("not_finite", f"{where} is NaN or infinite, which JSON cannot hold")
    try:
        option = layout | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(document, default=_convert, option=option)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise BadInput("not_json", f"the result cannot be written as JSON: {error}") from error


def _not_finite(value: Any, path: str = "") -> str | None:
    """Return where NaN or an infinity stands, which JSON has not and would be lost as null."""
    if isinstance(value, float):
        return None if math.isfinite(value) else path or "the result"
    if isinstance(value, dict):
        rows = ((f"{path}.{key}" if path else str(key), held) for key, held in value.items())
    elif isinstance(value, (list, tuple)):
        rows = ((f"{path}[{i}]", held) for i, held in enumerate(value))
    else:
        return None
    return next((found for where, held in rows if (found := _not_finite(held, where))), None)


def plain(value: Any) -> Any:
    """Return a value as JSON has it, so that every store and every process can hold it.

    Raises
    ------
    BadInput
        It holds something that JSON has not.
    """
    return orjson.loads(encode({"value": value}))["value"]


def readable(text: str) -> str:
    """Return a text with what is not Unicode (bytes of a file name) spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _convert(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, str):  # a lone surrogate: keep what can be kept, visibly
        return value.encode("utf-8", "backslashreplace").decode()
    number = getattr(value, "item", None)  # a NumPy scalar
    if callable(number):
        plain_number = number()
        if isinstance(plain_number, float) and not math.isfinite(plain_number):
            raise TypeError("NaN and infinities are not JSON")
        return plain_number
    as_text = getattr(value, "__str__", None)
    if type(value).__name__ in ("Decimal", "Fraction") and as_text is not None:
        return str(value)
    raise TypeError(f"type {type(value).__name__} is not JSON")


def decode(data: bytes) -> dict[str, Any]:
    """Return a document as it was published."""
    document = orjson.loads(data)
    if not isinstance(document, dict):
        raise ValueError("not a document")  # noqa: TRY004 - one error for bytes that do not read
    return document


def artifact_path(root: Path, key: str, suffix: str) -> Path:
    """Return where the artifact of an item lies: the key mirrored below ``root``, plus ``suffix``.

    A name that would be longer than file systems allow is cut and marked with a hash of the key.
    """
    pure = PurePosixPath(key)
    odd = str(pure) != key or pure.is_absolute() or "\0" in key
    hidden = any(part.startswith(".") for part in key.split("/"))  # which no scan would find again
    if odd or hidden or any(_size(part) > _NAME_MAX for part in pure.parts[:-1]):
        # The key of a record may be any text.
        quoted = quote(key, safe="", errors="surrogateescape")
        pure = PurePosixPath(f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted)
    name = pure.name + suffix
    if _size(name) > _NAME_MAX:
        mark = "~" + digest(key.encode("utf-8", "surrogateescape"))[7:19] + suffix
        kept = pure.name.encode("utf-8", "surrogateescape")[: _NAME_MAX - len(mark)]
        name = kept.decode("utf-8", "ignore") + mark
    return root.joinpath(*pure.parts[:-1], name)


def _size(name: str) -> int:
    return len(name.encode("utf-8", "surrogateescape"))
