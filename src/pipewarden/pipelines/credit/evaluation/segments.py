"""Groups of rows that are judged apart, and the reason where one cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from pipewarden.pipelines.credit.data.description import Segment, TableDescription
from pipewarden.pipelines.credit.data.table import Numbers
from pipewarden.pipelines.credit.evaluation.intervals import resamples, with_intervals
from pipewarden.pipelines.credit.evaluation.scores import Scored
from pipewarden.pipelines.credit.settings import EvaluationSettings


def groups(
    values: Numbers, description: TableDescription, levels: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str, Any]]:
    """Yield the column, the group's name and the rows in it; rows without a value are a group."""
    names = list(description.columns)
    for segment in description.segments:
        column = values[:, names.index(segment.column)]
        for name, inside in _parts(segment, column, levels.get(segment.column, ())):
            yield segment.column, name, inside
        missing = np.isnan(column)
        if missing.any():
            yield segment.column, "missing", missing


def _parts(segment: Segment, column: Numbers, levels: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for at, level in enumerate(levels):
        yield level, column == at
    if not segment.bounds:
        return
    edges = [-np.inf, *segment.bounds, np.inf]
    for low, high in pairwise(edges):
        if np.isinf(low):
            name = f"<{high:g}"
        else:
            name = f">={low:g}" if np.isinf(high) else f"{low:g}-<{high:g}"
        yield name, (column >= low) & (column < high)


def by_segment(
    scored: Scored,
    values: Numbers,
    description: TableDescription,
    levels: Mapping[str, Sequence[str]],
    settings: EvaluationSettings,
    seed: int,
) -> list[dict[str, Any]]:
    """Return the metrics of each group with intervals, or why there are none."""
    told: list[dict[str, Any]] = []
    for column, name, inside in groups(values, description, levels):
        part = scored.take(inside)
        rows, positives = len(part.labels), int(part.labels.sum())
        entry: dict[str, Any] = {"name": column, "value": name, "rows": rows}
        entry["positives"] = positives
        reason = too_small(rows, positives, settings.segment_rows, settings.segment_positives)
        if reason:
            entry |= {"not_computable": True, "reason": reason}
        else:
            weights = resamples(rows, settings.resamples, seed)
            entry["metrics"] = with_intervals(part, weights, settings.level)
        told.append(entry)
    return told


def too_small(rows: int, positives: int, least_rows: int, least_positives: int) -> str:
    """Return why a group cannot be judged, or nothing."""
    if rows < least_rows:
        return f"{rows} rows; {least_rows} are needed"
    if positives < least_positives:
        return f"{positives} positive rows; {least_positives} are needed"
    if positives == rows:
        return "every row is positive"
    return ""
