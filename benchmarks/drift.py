"""Drift: figures beside Evidently's and NannyML's, speed, false alarms, and what is found how soon.

The peers need a pandas of their own. Each is installed into an environment in the scratch folder,
which goes away again; ``PIPEWARDEN_DRIFT_PEERS`` may name a folder that has them, as ``evidently``
and ``nannyml``.
"""

from __future__ import annotations

import json
import math
import os
import statistics as plain
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from drift_worlds import delays, found, lasting, whole
from measuring import Claim, Result, answered, command, in_turn, main, ms, scratch
from scipy import stats

from pipewarden.monitoring.drift import statistics
from pipewarden.monitoring.drift.baseline import Baseline
from pipewarden.monitoring.drift.judging import judge
from pipewarden.monitoring.drift.verdict import Computed, DriftKind

HERE = Path(__file__).parent
PEERS = {
    "evidently": ("evidently>=0.7,<0.8",),
    "nannyml": ("nannyml>=0.13,<0.14", "statsmodels"),  # which it needs and does not ask for
}
SAME, RAW_TIMES, STORED_TIMES, FALSE_ALARMS, FOUND = 1e-6, 15.0, 50.0, 0.01, 0.95
#: How a figure is called that is computed here only to show what the peer's one is.
OTHER = "baseline as the truth (not ours)"
#: Statistics that both have, and define in two ways.
DIFFERENT = {
    "psi of numbers": "ours has tenths of the baseline, theirs equal widths over both samples",
    "jensenshannon of numbers": "the same two sets of cells",
    "chisquare": "ours takes both for samples, theirs the baseline for the truth",
}
COLUMNS, ROUNDS = 10, 3
BITS = math.sqrt(math.log(2))  # a distance in bits, times this, is one in nats
#: Up to so many values Evidently's p-value of KS is the exact one, beyond it the one that ours is;
#: up to so many NannyML computes exactly, beyond it from a histogram.
MANY = 10_000
ALPHA, LARGE = 0.05, 0.1  # the peers' own thresholds: of p-values, of everything else


def measure(quick: bool) -> Result:
    """Return the figures."""
    result = Result("Drift", ("what", "pipewarden", "Evidently", "NannyML", "largest difference"))
    with scratch() as folder:
        pythons = {name: _environment(name, folder) for name in PEERS}
        if all(pythons.values()):
            result.peers = {name: _version(python, name) for name, python in pythons.items()}
            _values(result, folder / "values", pythons)
        else:
            result.claims.append(Claim("beside the peers", "they could not be installed", None))
        _speed(result, folder / "speed", pythons, 50_000 if quick else 1_000_000)
    _chance(result, quick)
    return result.without_verdicts() if quick else result


def _environment(name: str, folder: Path) -> Path | None:
    """Return the interpreter of a peer's environment, which is made where none is named."""
    named = os.environ.get("PIPEWARDEN_DRIFT_PEERS")
    if named:
        return Path(named) / name / "bin" / "python"
    command(sys.executable, "-m", "venv", folder / name, folder=folder)()
    python = folder / name / "bin" / "python"
    try:
        command(python, "-m", "pip", "install", "-q", *PEERS[name], "pandas<3", folder=folder)()
    except SystemExit as error:
        print(error, file=sys.stderr)
        return None
    return python


def _version(python: Path | None, name: str) -> str:
    code = "import json, sys; from importlib.metadata import version as of"
    return str(answered(python or "", "-c", f"{code}; print(json.dumps(of(sys.argv[1])))", name))


# ── the same figures ─────────────────────────────────────────────────────────────────────────────


def _sets() -> dict[str, tuple[Any, Any]]:
    """Return pairs of samples; over 10,000 values the peers' p-value of KS is ours, too."""
    rng = np.random.default_rng(7)
    big, small = (20_000, 15_000), (4_000, 2_000)
    out: dict[str, tuple[Any, Any]] = {}
    for name, (m, n) in (("", big), (" small", small)):
        for shift in (0.0, 0.03, 0.1, 0.2, 0.5):
            now = rng.normal(shift, 1.0, n)
            out[f"normal{name} {shift}"] = rng.normal(size=m), now
        for scale in (1.0, 1.1, 1.5):
            now = np.exp(rng.normal(8, 1, n)) * scale
            out[f"income{name} {scale}"] = np.exp(rng.normal(8, 1, m)), now
            now = rng.poisson(12 * scale, n).astype(float)
            out[f"counts{name} {scale}"] = rng.poisson(12, m).astype(float), now
        levels = np.array(["a", "b", "c", "d"])
        for tilt in (0.0, 0.02, 0.1):
            now = rng.choice(levels, n, p=[0.4 - tilt, 0.3, 0.2, 0.1 + tilt])
            out[f"levels{name} {tilt}"] = rng.choice(levels, m, p=[0.4, 0.3, 0.2, 0.1]), now
    return out


def _values(result: Result, folder: Path, pythons: Mapping[str, Path | None]) -> None:
    folder.mkdir()
    sets = _sets()
    for name, (before, now) in sets.items():
        np.savez(folder / f"{name}.npz", before=before, now=now)
    theirs = {
        peer: answered(python or "", HERE / "drift_peers.py", peer, "values", folder)
        for peer, python in pythons.items()
    }
    compared: dict[str, list[tuple[float, float]]] = {}
    alike: dict[str, list[bool]] = {}
    for name, pair in sets.items():
        for what, ours, other in _side_by_side(name, pair, theirs):
            compared.setdefault(what, []).append((ours, other))
        for what, same in _verdicts(pair, theirs["evidently"][name]):
            alike.setdefault(what, []).append(same)
    worst = 0.0
    for what, figures in compared.items():
        off = max(abs(ours - other) / max(1.0, abs(other)) for ours, other in figures)
        worst = worst if OTHER in what else max(worst, off)
        result.rows.append((f"{what}, {len(figures)} pairs of samples", "", "", "", f"{off:.0e}"))
    asked = f"the peers' figures to {SAME:g}, where definitions agree"
    result.claims.append(Claim(asked, f"{worst:.0e}", worst <= SAME))
    for what, told in alike.items():
        text = f"{sum(told)} of {len(told)}"
        if what in DIFFERENT:
            result.notes.append(f"Evidently's verdict by {what}: {text}; {DIFFERENT[what]}")
        else:
            result.claims.append(Claim(f"Evidently's verdict by {what}", text, all(told)))


def _ours(pair: tuple[Any, Any]) -> Mapping[str, float]:
    verdict = judge(Baseline.freeze({"x": pair[0]}, limit=None), {"x": pair[1]})
    (values,) = verdict.of(DriftKind.VALUES)
    assert isinstance(values.finding, Computed)
    return values.finding.statistics


def _side_by_side(name: str, pair: tuple[Any, Any], theirs: Any) -> list[tuple[str, float, float]]:
    """Return what ours and theirs is of each statistic whose definitions agree."""
    ours, one, other = _ours(pair), theirs["evidently"][name], theirs["nannyml"][name]
    if name.startswith("levels"):
        counts = [np.unique(side, return_counts=True)[1] for side in pair]
        expected = counts[0] * (counts[1].sum() / counts[0].sum())
        alone = float(stats.chisquare(counts[1], expected).pvalue)
        shannon = ours["jensen_shannon"]
        return [
            ("PSI of levels, Evidently", ours["stability_index"], one["psi"]),
            ("JS of levels x sqrt(ln 2), Evidently", shannon * BITS, one["jensenshannon"]),
            ("JS of levels, NannyML", shannon, other["jensen_shannon"]),
            ("chi-square of two samples, NannyML", ours["chi_square"], other["chi2"]),
            (f"chi-square p, {OTHER}, Evidently", alone, one["chisquare"]),
        ]  # fmt: skip
    deviation = float(pair[0].std())
    edges = np.histogram_bin_edges(np.concatenate(pair), bins="sturges")
    binned = [np.histogram(side, edges)[0] for side in pair]
    distance = statistics.jensen_shannon(*binned) * BITS
    out = [("Wasserstein, Evidently", ours["wasserstein"], one["wasserstein"])]
    if len(pair[0]) > MANY:
        out.append(("KS p, Evidently", ours["kolmogorov_smirnov_p"], one["ks"]))
    else:
        area, largest = ours["wasserstein"] * deviation, ours["kolmogorov_smirnov"]
        out.append(("Wasserstein x deviation, NannyML", area, other["wasserstein"]))
        out.append(("KS statistic, NannyML", largest, other["kolmogorov_smirnov"]))
    if np.unique(pair[0]).size > 20:
        out.append(("JS over Evidently's bins, Evidently", distance, one["jensenshannon"]))
        if min(row.min() for row in binned) > 0:
            index = statistics.stability_index(*binned)
            out.append(("PSI over Evidently's bins, Evidently", index, one["psi"]))
    return out


def _verdicts(pair: tuple[Any, Any], theirs: Mapping[str, float]) -> list[tuple[str, bool]]:
    """Say of each statistic whether ours says what Evidently says at its threshold."""
    ours, text = _ours(pair), pair[0].dtype.kind == "U"
    cells = "levels" if text else "numbers"
    large = {
        f"psi of {cells}": (ours["stability_index"], theirs["psi"]),
        f"jensenshannon of {cells}": (ours["jensen_shannon"] * BITS, theirs["jensenshannon"]),
    }
    if text:
        sure = {"chisquare": (ours["chi_square_p"], theirs["chisquare"])}
    else:
        large["wasserstein"] = (ours["wasserstein"], theirs["wasserstein"])
        sure = {"ks": (ours["kolmogorov_smirnov_p"], theirs["ks"])}
    return [
        *((name, (a >= LARGE) == (b >= LARGE)) for name, (a, b) in large.items()),
        *((name, (a <= ALPHA) == (b <= ALPHA)) for name, (a, b) in sure.items()),
    ]


# ── speed ────────────────────────────────────────────────────────────────────────────────────────


def _speed(result: Result, folder: Path, pythons: Mapping[str, Path | None], rows: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(3)
    before, now = rng.normal(size=(COLUMNS, rows)), rng.normal(0.05, 1.0, size=(COLUMNS, rows))
    np.save(folder / "before.npy", before)
    np.save(folder / "now.npy", now)
    reference, window = (
        {f"x{n}": column for n, column in enumerate(side)} for side in (before, now)
    )
    document = json.dumps(Baseline.freeze(reference).as_document())
    stored = Baseline.from_document(json.loads(document))
    cases: dict[str, Callable[[], object]] = {
        "raw": lambda: judge(Baseline.freeze(reference, limit=None), window),
        "stored": lambda: judge(stored, window),
    }
    ours = {name: plain.median(taken) for name, taken in in_turn(cases, ROUNDS).items()}
    theirs = {
        peer: answered(python, HERE / "drift_peers.py", peer, "speed", folder)["seconds"]
        for peer, python in pythons.items()
        if python is not None
    }
    size = f"{rows:,} x {COLUMNS}"
    told = [ms(theirs[peer]) if peer in theirs else "" for peer in PEERS]
    result.rows.append((f"{size}, both samples raw", ms(ours["raw"]), *told, ""))
    result.rows.append((f"{size}, baseline stored", ms(ours["stored"]), "", "", ""))
    if "evidently" not in theirs:
        return
    for name, times in (("raw", RAW_TIMES), ("stored", STORED_TIMES)):
        ratio = theirs["evidently"] / ours[name]
        asked = f"{size}, {name}: >= {times:g} x faster than Evidently"
        result.claims.append(Claim(asked, f"{ratio:.0f} x", ratio >= times))
    result.notes.append(
        "ours: five statistics of each column, its missing values and a look for equal rows; "
        "Evidently's preset: one statistic of each column; NannyML: three"
    )


# ── chance ───────────────────────────────────────────────────────────────────────────────────────


def _chance(result: Result, quick: bool) -> None:
    all_of_them = 500 if quick else 10_000
    fewer = all_of_them // 5
    for rows, times in ((2_000, all_of_them), (200, fewer)):
        still = list(found(times, rows, seed=rows))
        share = sum(still) / times
        asked = f"false alarms <= {FALSE_ALARMS:.0%} of {times:,} windows of {rows:,} x 10"
        result.claims.append(Claim(asked, f"{share:.2%}", share <= FALSE_ALARMS))
        result.notes.append(
            f"{rows:,} rows: {sum(lasting(still))} of {times:,} last 2 of 3 windows"
        )
    share = sum(whole(fewer, 2_000, seed=1)) / fewer
    asked = f"false alarms <= {FALSE_ALARMS:.0%}, with scores, labels, concept and segments"
    result.claims.append(Claim(asked, f"{share:.2%} of {fewer:,}", share <= FALSE_ALARMS))
    moved = list(found(fewer, 2_000, seed=2, shift=0.2))
    share = sum(moved) / len(moved)
    asked = f"a shift of 0.2 deviations in one of 10 columns, 2,000 rows: found in >= {FOUND:.0%}"
    result.claims.append(Claim(asked, f"{share:.2%} of {len(moved):,}", share >= FOUND))
    after = delays(moved, len(moved) // 10)
    result.notes.append(
        f"with the rule 2 of 3 the alarm came after {plain.mean(after):.2f} windows, "
        f"at the latest after {max(after)}"
    )


if __name__ == "__main__":
    sys.exit(main(measure))
