"""A model tried out on the rows that were frozen with it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from pipewarden.pipelines.credit.model import CreditModel, baseline_rows

#: How far an answer may be from the one that was stored: another machine's last digits.
TOLERANCE = 1e-9
LEAST_ROWS = 200


def tried(document: Mapping[str, Any], model: CreditModel) -> dict[str, Any]:
    """Return what became of answering the frozen rows; see `CreditFamily.smoke`."""
    held = document["baseline"]
    rows = baseline_rows(held, model)
    many = rows * -(-LEAST_ROWS // len(rows)) if rows else []
    began = time.perf_counter()
    answers = model.predict(many)
    seconds = time.perf_counter() - began
    chances = [float(answer["probability"]) for answer in answers]
    stored = list(held["scores"])
    counts = {
        "non_finite": sum(not math.isfinite(chance) for chance in chances),
        "out_of_range": sum(not 0 <= chance <= 1 for chance in chances),
        "mismatches": sum(
            abs(chance - stored[at % len(stored)]) > TOLERANCE for at, chance in enumerate(chances)
        ),
    }
    told = {
        "non_finite": "answers are no numbers",
        "out_of_range": "answers are no probabilities",
        "mismatches": "answers differ from those stored with the model",
    }
    problems = [f"{counts[name]} {words}" for name, words in told.items() if counts[name]]
    if not rows:
        problems.append("no rows are frozen with the model")
    return {"rows": len(answers), **counts, "seconds": seconds, "problems": problems}
