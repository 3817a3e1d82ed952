"""Secrets taken out of what is shown or kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SECRET_NAME = re.compile(
    r"secret|passw(or)?d|passphrase|\bpwd\b|token|credential|api_?key|access_?key|private_?key|dsn"
    r"|^auth(orization)?$|bearer|cookie",
    re.IGNORECASE,
)
#: Where a secret stands in a text: a URL's password, a query or assignment, an HTTP header.
_SECRET_IN_TEXT = (
    re.compile(
        r"(?P<before>[a-z][a-z0-9+.-]*://[^/?#@\s:]*):(?P<secret>[^\s'\"]*)(?P<after>@)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<before>(?:passw(?:or)?d|pwd|secret|token|api_?key|access_?key|sig(?:nature)?)"
        r"['\"]?\s*[=:]\s*['\"]?)(?P<secret>[^\s&'\",;)}]+)(?P<after>)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<before>\b(?:bearer|basic) )(?P<secret>[A-Za-z0-9._~+/=-]{8,})(?P<after>)",
        re.IGNORECASE,
    ),
)
#: A value that is an address as a whole: its password may hold what ends one inside a text.
_ADDRESS = re.compile(
    r"(?P<before>[a-z][a-z0-9+.-]*://[^/?#@\s:]*):(?P<secret>.*)(?P<after>@)(?=[^@]*\Z)",
    re.IGNORECASE | re.DOTALL,
)
REDACTED = "[redacted]"


def redact(value: Any, name: str = "") -> Any:
    """Return plain values with every secret replaced: by its name, or by its form in a text."""
    if isinstance(value, Mapping):
        secret = name if _SECRET_NAME.search(name) else ""
        return {key: redact(held, secret or str(key)) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(held, name) for held in value]
    if not isinstance(value, str):
        return value  # max_tokens is no secret
    if value and _SECRET_NAME.search(name):
        return REDACTED
    address = _ADDRESS.match(value)
    return redact_text(_ADDRESS.sub(_hidden, value, count=1) if address else value)


def redact_text(text: str) -> str:
    """Return a text without the secrets that stand in it, such as the URL in a driver's error."""
    for pattern in _SECRET_IN_TEXT:
        text = pattern.sub(_hidden, text)
    return text


def _hidden(match: re.Match[str]) -> str:
    if match["secret"] == REDACTED or not match["secret"]:
        return match[0]
    before, after = match["before"], match["after"]
    return f"{before}:{REDACTED}{after}" if after else f"{before}{REDACTED}"


def holds_redacted(value: Any) -> bool:
    """Whether a secret was taken out of plain values, so that they cannot be used again."""
    if isinstance(value, Mapping):
        return any(map(holds_redacted, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(holds_redacted, value))
    return isinstance(value, str) and REDACTED in value
