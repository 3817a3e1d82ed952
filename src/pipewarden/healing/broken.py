"""Whether rows to train on are broken: what they are beside the champion's baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipewarden.core.models.families import LabelledRow
from pipewarden.errors import BadInput
from pipewarden.healing.together import weeks
from pipewarden.healing.together.weeks import tail_of
from pipewarden.settings.healing_policy import Quality


def problems_of(
    champion: Mapping[str, Any],
    rows: Sequence[LabelledRow],
    limits: Quality,
    newest: Sequence[LabelledRow] = (),
) -> list[str]:
    """Return in words what is broken about rows; nothing where they are as they should be.

    A world that changed shows in values that the champion knows as well; a feature that is gone, or
    counted in another unit, shows in values that it never saw. Of a model without columns and
    without a series nothing is said.

    Parameters
    ----------
    newest
        The same with those that are kept apart: of a series, what is broken is seen in its newest
        weeks first.

    Raises
    ------
    MissingExtra
        The extra ``monitoring`` is not installed.
    """
    from pipewarden.monitoring.drift.baseline import Baseline
    from pipewarden.monitoring.quality.judging import judge
    from pipewarden.monitoring.quality.rules import QualityRules
    from pipewarden.monitoring.quality.verdict import Fault

    if (tail := tail_of(champion)) is not None:
        return weeks.problems_of(tail, newest or rows, limits)
    try:
        baseline = Baseline.of(champion)
    except BadInput:
        return []
    names = list(dict.fromkeys([*baseline.columns, *(n for row in rows for n in row["inputs"])]))
    window = {name: [row["inputs"].get(name) for row in rows] for name in names}
    rules = QualityRules(
        missing_floor=limits.missing_rise,
        range_floor=limits.outside_share,
        new_category_floor=limits.outside_share,
    )
    verdict = judge(baseline, window, rules)
    found = [
        f"{one.fault} of {one.name}: {one.reason}" if one.name else f"{one.fault}: {one.reason}"
        for one in verdict.results
        if one.bad and one.fault is not Fault.DUPLICATES
    ]
    return [*found, *_labels(champion, rows, limits)]


def _labels(champion: Mapping[str, Any], rows: Sequence[LabelledRow], limits: Quality) -> list[str]:
    """Return whether labels say yes far more often, or far more rarely, than they did."""
    dataset = champion.get("dataset") or {}
    before, of = dataset.get("positives"), dataset.get("rows")
    said = [row["label"] for row in rows]
    if not before or not of or not all(one in (0, 1) for one in said):
        return []
    then, now = before / of, sum(said) / len(said)
    if then / limits.label_ratio <= now <= then * limits.label_ratio:
        return []
    words = f"labels: {now:.1%} are positive, and {then:.1%} were"
    return [f"{words}: more than {limits.label_ratio:g} times the other"]
