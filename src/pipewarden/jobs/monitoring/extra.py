"""The libraries that judging models needs; everything else in monitoring does without."""

from __future__ import annotations

from importlib.util import find_spec

from pipewarden.errors import MissingExtra


def needed() -> None:
    """Refuse to go on without them.

    Raises
    ------
    MissingExtra
        The extra ``monitoring`` is not installed.
    """
    if find_spec("numpy") is None or find_spec("scipy") is None:
        raise MissingExtra("Judging models", "monitoring")
