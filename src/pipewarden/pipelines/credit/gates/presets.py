"""Gates in several degrees of strictness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pipewarden as pw

PRESETS = ("conservative", "default", "aggressive")


def gate_of(measures: Sequence[Callable[[Any], Any]], file: Path, preset: str) -> pw.Gate:
    """Return the gate of these measures with the thresholds of a file, and of a preset in it.

    Raises
    ------
    InvalidSettings
        There is no such preset, or the file does not hold.
    """
    if preset not in PRESETS:
        raise pw.InvalidSettings(
            f"there is no preset {preset!r}", next_step=f"known presets: {', '.join(PRESETS)}"
        )
    checks = [pw.Check(name=measure.__name__, measure=measure) for measure in measures]
    return pw.load_gate(pw.Gate(checks), file, preset)
