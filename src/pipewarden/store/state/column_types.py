"""Column types that store and give back the same values on SQLite and PostgreSQL.

Times are aware UTC datetimes on both sides. JSON is text, so that it streams and comes back the
same from both databases. Names and keys sort bytewise on both.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


def storable(text: str) -> str:
    """Return the text with what no database takes spelled out: NUL and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "\\x00")
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Name(TypeDecorator[str]):
    """Text that sorts bytewise on both databases and never fails to be stored."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the bytewise collation; SQLite has no other."""
        return Text(collation="C" if dialect.name == "postgresql" else None)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Make the text storable."""
        return None if value is None else storable(value)


class Time(TypeDecorator[datetime]):
    """An aware UTC datetime: ISO-8601 text of one width on SQLite, timestamptz on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        return DateTime(timezone=True) if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times; text of one width compares as the times do."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time cannot be stored: {value!r}")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None:
            return None
        return (
            value if dialect.name == "postgresql" else datetime.fromisoformat(value)
        ).astimezone(UTC)


class Json(TypeDecorator[Any]):
    """Plain values as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Encode; NaN becomes null, because JSON has none."""
        return None if value is None else encode_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Decode."""
        return None if value is None else decode_json(value)


def encode_json(value: Any) -> str:
    """Return JSON text of plain values; whatever JSON has no form for is written as its ``str``."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # lone surrogates, integers over 64 bits: rare, and the standard library can
        import json

        return json.dumps(value, default=str)


def decode_json(text: str) -> Any:
    """Return what `encode_json` wrote."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # lone surrogates again
        import json

        return json.loads(text)
