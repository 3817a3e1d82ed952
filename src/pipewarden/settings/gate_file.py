"""Gate files: thresholds that operators tune without code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipewarden.errors import InvalidSettings

if TYPE_CHECKING:
    from pipewarden.core.gate import Gate


def load_gate(gate: Gate, path: Path, preset: str = "") -> Gate:
    """Return ``gate`` with the thresholds of a gate file.

    The file is YAML: ``{version: 1, checks: {<check>: {category, target, operator, …}}}``; under
    ``presets`` it may say, by name, what differs.

    Parameters
    ----------
    preset
        Whose differences are to be applied, where the file has any of this name.

    Raises
    ------
    InvalidSettings
        The file does not read, is of another version, or names what does not exist.
    """
    import yaml

    try:
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidSettings(f"the gate file {path} does not read: {error}") from error
    if not isinstance(rules, dict) or rules.get("version") != 1:
        raise InvalidSettings(f"the gate file {path} is not of version 1")
    if not isinstance(rules.get("checks"), dict):
        raise InvalidSettings(f"the gate file {path} has no mapping 'checks'")
    try:
        held = gate.with_thresholds(rules["checks"])
        differences = (rules.get("presets") or {}).get(preset)
        return held if differences is None else held.with_thresholds(differences)
    except InvalidSettings as error:
        raise InvalidSettings(
            f"the gate file {path}: {error.message}", next_step=error.next_step
        ) from error
