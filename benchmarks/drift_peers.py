"""What others find of drift; run by `drift.py`, each peer in an environment of its own.

``drift_peers.py PEER values FOLDER`` prints, as JSON on its last line, what the peer finds for
each of the data sets in the folder; ``speed`` in the place of ``values``: the seconds that one
evaluation takes, after the columns were loaded.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

NUMBERS = ("ks", "wasserstein", "psi", "jensenshannon")
LEVELS = ("chisquare", "psi", "jensenshannon")
Pair = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def main() -> None:
    """Answer one question of one peer."""
    peer, question, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        told = _ANSWERS[peer, question](folder)
    print(json.dumps(told))


def evidently_values(folder: Path) -> dict[str, dict[str, float]]:
    """Return Evidently's value of each of its statistics for each data set."""
    evidently, metrics = (importlib.import_module(n) for n in ("evidently", "evidently.metrics"))
    out = {}
    for name, pair in _sets(folder):
        text = pair[0].dtype.kind == "U"
        methods = LEVELS if text else NUMBERS
        kind = "categorical_columns" if text else "numerical_columns"
        before, now = _datasets(evidently, {"x": pair}, {kind: ["x"]})
        asked = [metrics.ValueDrift(column="x", method=method) for method in methods]
        told = evidently.Report(asked).run(now, before).dict()["metrics"]
        values = [float(one["value"]) for one in told]
        out[name] = dict(zip(methods, values, strict=True))
    return out


def evidently_speed(folder: Path) -> dict[str, float]:
    """Return the seconds of its preset, which computes one statistic of each column."""
    evidently, presets = (importlib.import_module(n) for n in ("evidently", "evidently.presets"))
    columns = _columns(folder)
    before, now = _datasets(evidently, columns, {"numerical_columns": list(columns)})
    began = time.perf_counter()
    evidently.Report([presets.DataDriftPreset()]).run(now, before).dict()
    return {"seconds": time.perf_counter() - began}


def nannyml_values(folder: Path) -> dict[str, dict[str, float]]:
    """Return NannyML's value of each of its statistics for each data set."""
    out = {}
    for name, pair in _sets(folder):
        methods = (
            ["chi2", "jensen_shannon"]
            if pair[0].dtype.kind == "U"
            else ["kolmogorov_smirnov", "wasserstein"]
        )
        told = _nannyml({"x": pair}, methods)
        out[name] = {m: float(told["x", m, "value"].iloc[0]) for m in methods}
    return out


def nannyml_speed(folder: Path) -> dict[str, float]:
    """Return the seconds of its calculator, for three statistics of each column."""
    columns = _columns(folder)
    began = time.perf_counter()
    _nannyml(columns, ["kolmogorov_smirnov", "wasserstein", "jensen_shannon"])
    return {"seconds": time.perf_counter() - began}


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _nannyml(columns: dict[str, Pair], methods: list[str]) -> Any:
    nannyml, pandas = (importlib.import_module(name) for name in ("nannyml", "pandas"))
    before, now = (pandas.DataFrame({n: pair[at] for n, pair in columns.items()}) for at in (0, 1))
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=list(columns),
        continuous_methods=[m for m in methods if m != "chi2"],
        categorical_methods=[m for m in methods if m in ("chi2", "jensen_shannon")],
        chunk_number=1,
    )
    return calculator.fit(before).calculate(now).filter(period="analysis").to_df()


def _datasets(evidently: Any, columns: dict[str, Pair], kinds: dict[str, list[str]]) -> list[Any]:
    pandas = importlib.import_module("pandas")
    definition = evidently.DataDefinition(**kinds)
    return [
        evidently.Dataset.from_pandas(
            pandas.DataFrame({name: pair[at] for name, pair in columns.items()}),
            data_definition=definition,
        )
        for at in (0, 1)
    ]


def _sets(folder: Path) -> list[tuple[str, Pair]]:
    out = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as held:
            out.append((path.stem, (held["before"], held["now"])))
    return out


def _columns(folder: Path) -> dict[str, Pair]:
    before, now = np.load(folder / "before.npy"), np.load(folder / "now.npy")
    return {f"x{n}": (b, a) for n, (b, a) in enumerate(zip(before, now, strict=True))}


_ANSWERS: dict[tuple[str, str], Callable[[Path], Any]] = {
    ("evidently", "values"): evidently_values,
    ("evidently", "speed"): evidently_speed,
    ("nannyml", "values"): nannyml_values,
    ("nannyml", "speed"): nannyml_speed,
}

if __name__ == "__main__":
    main()
