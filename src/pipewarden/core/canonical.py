"""Canonical JSON and the hashes over it: one value, one text, one digest.

The form follows RFC 8785 where it matters here: sorted keys, no insignificant space, UTF-8. Numbers
keep Python's shortest round-trip form; NaN and infinities are refused because JSON has none.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

#: Every stored hash names its algorithm, so that a later one can live beside it.
HASH_PREFIX = "sha256:"


def canonical_json(value: Any) -> bytes:
    """Return the canonical UTF-8 JSON text of plain values.

    Raises
    ------
    TypeError
        The value holds something that JSON has not.
    ValueError
        The value holds NaN or an infinity.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8", "surrogatepass")


def digest(data: bytes) -> str:
    """Return ``sha256:<hex>`` of the bytes."""
    return HASH_PREFIX + hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """Return ``sha256:<hex>`` of the canonical JSON of plain values."""
    return digest(canonical_json(value))
