"""Whether rows to train on are broken: what they are beside the champion's baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipewarden.core.models.families import LabelledRow
from pipewarden.errors import BadInput
from pipewarden.healing.together import weeks
from pipewarden.healing.together.weeks import tail_of
from pipewarden.settings.healing_policy import Quality

if TYPE_CHECKING:
    from pipewarden.monitoring.drift.baseline import Baseline

#: Columns that are named where the same is wrong with more of them.
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What was found about rows to train on.

    Parameters
    ----------
    problems
        What is broken, in words.
    not_computable
        What could not be judged, in words, each with the reason: that nothing is known to be wrong
        with it is not that all is well.
    """

    problems: tuple[str, ...] = ()
    not_computable: tuple[str, ...] = ()


def judged(
    champion: Mapping[str, Any],
    rows: Sequence[LabelledRow],
    limits: Quality,
    newest: Sequence[LabelledRow] = (),
) -> Broken:
    """Return what is broken about rows, and what of it cannot be said.

    A world that changed shows in values that the champion knows as well; a feature that is gone, or
    counted in another unit, shows in values that it never saw.

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

    if (tail := tail_of(champion)) is not None:
        unknown = weeks.too_few(tail, newest or rows)
        found = weeks.problems_of(tail, newest or rows, limits)
        return Broken(problems=(*found,), not_computable=(unknown,) if unknown else ())
    try:
        baseline = Baseline.of(champion)
    except BadInput as error:
        return Broken(not_computable=(f"columns: {error.message}",))
    problems, unknown_columns = _columns(baseline, rows, limits)
    return Broken(
        problems=(*problems, *_labels(champion, rows, limits)), not_computable=unknown_columns
    )


def _columns(
    baseline: Baseline, rows: Sequence[LabelledRow], limits: Quality
) -> tuple[list[str], tuple[str, ...]]:
    """Return what is broken in columns, and what is not computable, by its reason."""
    from pipewarden.monitoring.quality.judging import judge
    from pipewarden.monitoring.quality.rules import QualityRules
    from pipewarden.monitoring.quality.verdict import Fault

    names = list(dict.fromkeys([*baseline.columns, *(n for row in rows for n in row["inputs"])]))
    window = {name: [row["inputs"].get(name) for row in rows] for name in names}
    rules = QualityRules(
        missing_floor=limits.missing_rise,
        range_floor=limits.outside_share,
        new_category_floor=limits.outside_share,
    )
    problems: list[str] = []
    unknown: dict[str, list[str]] = {}
    for one in judge(baseline, window, rules).results:
        name = f"{one.fault} of {one.name}" if one.name else str(one.fault)
        if one.fault is Fault.DUPLICATES:
            continue
        if one.bad is None:
            unknown.setdefault(one.reason, []).append(name)
        elif one.bad:
            problems.append(f"{name}: {one.reason}")
    return problems, tuple(_some(held, reason) for reason, held in unknown.items())


def _some(names: Sequence[str], reason: str) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}: {reason}"


def in_words(not_computable: Sequence[str]) -> str:
    """Return the end of a sentence that says what of the rows could not be judged, or nothing."""
    if not not_computable:
        return ""
    parts = "; ".join(not_computable)
    return f"; whether the rows to train on are broken is not computable for {parts}"


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
