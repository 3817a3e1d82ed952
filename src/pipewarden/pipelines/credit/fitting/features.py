"""What the model is given of a row: its columns, and what is computed from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipewarden.pipelines.credit.data.description import TableDescription
from pipewarden.pipelines.credit.data.table import Numbers


def matrix(values: Numbers, description: TableDescription) -> Numbers:
    """Return the columns and, after them, the derived features; NaN where a source is missing."""
    at = {name: index for index, name in enumerate(description.columns)}
    out = np.empty((len(values), len(description.features)))
    out[:, : values.shape[1]] = values
    for offset, derived in enumerate(description.derived.values()):
        held = out[:, values.shape[1] + offset]
        if derived.product is not None:
            by = values[:, at[derived.product.by]]
            by = np.where(np.isnan(by), derived.product.missing, by)
            held[:] = values[:, at[derived.product.column]] * np.maximum(
                by, derived.product.minimum
            )
        else:
            weights: Mapping[str, float] = derived.sum or {}
            held[:] = 0.0
            for source, weight in weights.items():
                held += weight * values[:, at[source]]
    return out


def categories(description: TableDescription) -> list[int]:
    """Return the places of the features that are categories."""
    return [at for at, c in enumerate(description.columns.values()) if c.type == "category"]


def expanded(
    features: Numbers, description: TableDescription, levels: Mapping[str, Sequence[str]]
) -> Numbers:
    """Return features for a straight line: each category as one column of 0 and 1 a level."""
    coded = {at: levels[name] for at, name in enumerate(description.columns) if name in levels}
    columns = []
    for at in range(features.shape[1]):
        held = features[:, at]
        columns += [held == level for level in range(len(coded[at]))] if at in coded else [held]
    return np.column_stack(columns).astype(np.float64)
