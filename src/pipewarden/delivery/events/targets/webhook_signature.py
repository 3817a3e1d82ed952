"""The signature of a webhook, by the Standard Webhooks specification 1.0.0, symmetric scheme.

What is signed is ``id.timestamp.body``, with HMAC-SHA256; the key is what base64 gives behind
``whsec_``. While a key is being changed, both sign: the header then holds two signatures.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

_PREFIX = "whsec_"
#: How long the specification has a key be, in bytes.
_SHORTEST, _LONGEST = 24, 64


def keys_of(secret: str) -> list[bytes]:
    """Return the keys of one secret, or of several with spaces between.

    Raises
    ------
    ValueError
        A secret does not hold; the message does not contain it.
    """
    keys = []
    for part in secret.split():
        try:
            key = base64.b64decode(part.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise ValueError(f"a webhook's secret is base64 behind {_PREFIX!r}") from None
        if not part.startswith(_PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
            raise ValueError(
                f"a webhook's secret is {_PREFIX!r} and {_SHORTEST} to {_LONGEST} bytes in base64"
            )
        keys.append(key)
    if not keys:
        raise ValueError("a webhook needs a secret")
    return keys


def message_id(source: str, event_id: str) -> str:
    """Return the webhook's id of an event: the same for the same event, without a full stop."""
    digest = hashlib.sha256(f"{source}\n{event_id}".encode("utf-8", "surrogatepass"))
    return f"msg_{digest.hexdigest()[:32]}"


def headers(keys: Sequence[bytes], identity: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of the specification.

    Parameters
    ----------
    identity
        The webhook's id; see `message_id`.
    timestamp
        When it is sent, in whole seconds since 1970; every try has its own.
    """
    signed = f"{identity}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys]
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
