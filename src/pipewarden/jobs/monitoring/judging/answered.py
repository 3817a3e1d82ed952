"""Windows of what was asked and answered: drift of inputs and scores, quality, what shows early.

No label is needed for any of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipewarden.core.monitoring.observations import Observation
from pipewarden.jobs.monitoring.judging import answers
from pipewarden.jobs.monitoring.judging.lasting import Past
from pipewarden.jobs.monitoring.judging.subject import Subject
from pipewarden.jobs.monitoring.judging.windows import Due
from pipewarden.monitoring.checks.sheet import Sheet

#: Every window of this kind that was judged has an observation of it.
MARK = "drift.observed_share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What judging windows of one version needs.

    Parameters
    ----------
    rules
        The rules of drift; `monitoring.drift.rules.DriftRules`.
    """

    sheet: Sheet
    subject: Subject
    rules: Any

    def placed(self, due: Due) -> dict[str, Any]:
        """Return where an observation of a window belongs."""
        held = self.subject.deployment
        return {"environment": held.environment, "version": held.version, "window": due.window}


def observed(judging: Judging, due: Due, past: Past) -> list[Observation]:
    """Return what a window says; ``past`` is what those before it said."""
    parts: tuple[Callable[[], Iterator[Observation]], ...] = (
        lambda: iter(drift(judging, due, past)),
        lambda: _quality(judging, due),
        lambda: _early(judging, due),
    )
    found = [one for part in parts for one in part()]
    return [replace(one, evidence={**one.evidence, **due.mark}) for one in found]


def drift(judging: Judging, due: Due, past: Past | None) -> list[Observation]:
    """Return what differs from the baseline; without a past every difference counts at once."""
    held, sheet = judging.subject, judging.sheet
    model, placed = held.deployment.model, judging.placed(due)
    if isinstance(held.baseline, str) or not due.rows:
        reason = "nothing was asked in the window" if not due.rows else str(held.baseline)
        return [sheet.unknown(MARK, model, reason, sample=due.total, **placed)]
    from pipewarden.monitoring.drift.judging import judge
    from pipewarden.monitoring.drift.observing import observations

    columns = answers.columns(due.rows)
    scores = answers.numbers(due.rows, held.named.score)
    verdict = judge(held.baseline, columns, scores, judging.rules)
    earlier = None if past is None else past.earlier
    return list(
        observations(
            verdict, check_id=sheet.check_id, at=sheet.at, subject=model, earlier=earlier, **placed
        )
    )


def _quality(judging: Judging, due: Due) -> Iterator[Observation]:
    held, sheet = judging.subject, judging.sheet
    if isinstance(held.baseline, str) or not due.rows:
        return
    from pipewarden.monitoring.quality.judging import judge
    from pipewarden.monitoring.quality.observing import observations

    columns = answers.columns(due.rows)
    yield from observations(
        judge(held.baseline, columns),
        check_id=sheet.check_id,
        at=sheet.at,
        subject=held.deployment.model,
        **judging.placed(due),
    )


def _early(judging: Judging, due: Due) -> Iterator[Observation]:
    """Yield what answers alone show, and the quality to be expected from them."""
    held = judging.subject
    scores = answers.numbers(due.rows, held.named.score)
    if scores is None or not due.rows:
        return
    from pipewarden.monitoring.performance.dropping import judge
    from pipewarden.monitoring.performance.estimating import Calibration, estimated
    from pipewarden.monitoring.performance.observing import About, observed as observed_figures
    from pipewarden.monitoring.performance.proxies import agreement, of_answers

    decided = answers.numbers(due.rows, held.named.decision)
    known = Calibration(error=held.calibration_error)
    figures = [*of_answers(scores, decided), *estimated(scores, decided, calibration=known)]
    if due.beside and held.named.decision is not None:
        both = [row for row in due.rows if row.id in due.beside]
        theirs = [answers.Beside(answer=due.beside[row.id]) for row in both]
        name = held.named.decision
        figures.append(agreement(answers.numbers(both, name), answers.numbers(theirs, name)))
    place = held.deployment
    about = About(
        check_id=judging.sheet.check_id,
        at=judging.sheet.at,
        model=place.model,
        environment=place.environment,
        version=place.version,
        window=due.window,
    )
    yield from observed_figures(judge(figures, held.at_training), about)
