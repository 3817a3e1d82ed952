"""A row of a file as a prediction or as a label, or what keeps it from being one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.store.state.models.predictions import Prediction

#: Letters of an id, of a name, and of a label that is a text, at most.
LONGEST = 200
ROLES = ("champion", "challenger")
_INPUT, _ANSWER = "input.", "answer."


_OF_LABEL = ("prediction_id", "label", "at")
_OF_PREDICTION = (
    "id", "at", "model", "version", "environment", "role", "entity", "inputs", "answer",
)  # fmt: skip


class BadRow(ValueError):
    """A row that cannot be taken, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds for rows that do not say.

    Parameters
    ----------
    at
        When a label became true.
    """

    at: datetime
    model: str = ""
    version: int | None = None
    environment: str = "production"


def faults_of_label_columns(names: Sequence[str]) -> str:
    """Return why no row of a table with these columns can be a label; empty where one can."""
    return _wrong(names, ("prediction_id", "label"), _OF_LABEL)


def faults_of_prediction_columns(names: Sequence[str], defaults: Defaults) -> str:
    """Return why no row of a table with these columns can be a prediction."""
    parts = {_INPUT: "inputs", _ANSWER: "answer"}
    held = [
        next((whole for part, whole in parts.items() if name.startswith(part)), name)
        for name in names
    ]
    needed = ["id", "at", "answer"]
    needed += [name for name in ("model", "version") if not getattr(defaults, name)]
    return _wrong(held, needed, _OF_PREDICTION, names)


def _wrong(
    held: Sequence[str], needed: Sequence[str], known: Sequence[str], names: Sequence[str] = ()
) -> str:
    missing = [name for name in needed if name not in held]
    strange = [name for name in held if name not in known]
    words = [f"there is no column {', '.join(missing)}"] if missing else []
    words += [f"nothing is known of a column {', '.join(sorted(strange))}"] if strange else []
    return f"{'; '.join(words)}; found: {', '.join(names or held)}" if words else ""


def label_of(cells: Mapping[str, Any], defaults: Defaults) -> LabelReport:
    """Return the label of a row with ``prediction_id``, ``label``, and ``at`` if there is one.

    Raises
    ------
    BadRow
        It is none.
    """
    _only(cells, _OF_LABEL)
    value = _given(cells, "label")
    if not isinstance(value, (bool, int, float, str)):
        raise BadRow("label: it is no number, truth or text")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadRow("label: it is not finite")
    if isinstance(value, str) and len(value) > LONGEST:
        raise BadRow(f"label: more than {LONGEST} letters")
    at = _time(cells["at"]) if "at" in cells else defaults.at
    return LabelReport(prediction_id=_name(cells, "prediction_id"), value=value, at=at)


def prediction_of(cells: Mapping[str, Any], defaults: Defaults) -> Prediction:
    """Return the prediction of a row.

    It has an ``id``, ``at``, and either ``inputs`` and ``answer`` or a column for each part of
    them, such as ``input.age`` and ``answer.probability``.

    Raises
    ------
    BadRow
        It is none.
    """
    inputs, answer = _part(cells, "inputs", _INPUT), _part(cells, "answer", _ANSWER)
    _only({k: v for k, v in cells.items() if not k.startswith((_INPUT, _ANSWER))}, _OF_PREDICTION)
    if not answer:
        raise BadRow("answer: there is none")
    held: dict[str, Any] = {"model": defaults.model, "version": defaults.version, **cells}
    role = held.get("role", ROLES[0])
    if role not in ROLES:
        raise BadRow(f"role: it is {role!r}, not {' or '.join(ROLES)}")
    version = held["version"]
    if type(version) is not int:
        raise BadRow("version: there is none" if version is None else "version: no whole number")
    return Prediction(
        id=_name(cells, "id"),
        at=_time(_given(cells, "at")),
        model=_name(held, "model"),
        version=version,
        environment=_name({"environment": defaults.environment, **cells}, "environment"),
        role=role,
        entity=_name(cells, "entity") if "entity" in cells else "",
        inputs=inputs,
        answer=answer,
        request_id="",
    )


def _only(cells: Mapping[str, Any], known: tuple[str, ...]) -> None:
    if unknown := sorted(str(name) for name in cells.keys() - set(known)):
        raise BadRow(f"{unknown[0]}: no such column; known: {', '.join(known)}")


def _given(cells: Mapping[str, Any], name: str) -> Any:
    if name not in cells:
        raise BadRow(f"{name}: there is none")
    return cells[name]


def _name(cells: Mapping[str, Any], name: str) -> str:
    value = _given(cells, name)
    text = str(value) if type(value) in (str, int) else ""
    if not 0 < len(text) <= LONGEST:
        raise BadRow(f"{name}: it is no text of 1 to {LONGEST} letters")
    return text


def _time(value: Any) -> datetime:
    """Return a time; without an offset it is UTC, and of a day it is its beginning."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(at, date) and not isinstance(at, datetime):
            at = datetime(at.year, at.month, at.day, tzinfo=UTC)
        if isinstance(at, datetime):
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # said below
    raise BadRow(f"at: {str(value)[:40]!r} is no time such as 2026-03-01T12:00:00Z")


def _part(cells: Mapping[str, Any], name: str, prefix: str) -> dict[str, Any]:
    held = cells.get(name, {})
    if not isinstance(held, Mapping):
        raise BadRow(f"{name}: it is no object")
    flat = {key.removeprefix(prefix): value for key, value in cells.items()
            if key.startswith(prefix)}  # fmt: skip
    return {**held, **flat}
