"""The report of recommended limits: its facts, and its page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pipewarden.jobs.monitoring.thresholds.applying import Advice
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.thresholds.resampling import Trial
from pipewarden.report.monitoring.limits import Candidate, LimitFacts, LimitsFacts
from pipewarden.report.untrusted import shell_line
from pipewarden.store.files import durable


def facts_of(found: Sequence[Advice], *, at: datetime, days: float, cost: float) -> LimitsFacts:
    """Return what a report says of recommendations."""
    return LimitsFacts(at=at, days=days, cost=cost, figures=[_facts(one) for one in found])


def write(workspace: Workspace, facts: LimitsFacts) -> Path:
    """Write the page; return where it lies.

    Raises
    ------
    StorageUnavailable
        The disk is full, or the folder cannot be written.
    """
    from pipewarden.report.monitoring.page import limits_page

    folder = workspace.reports_dir / "monitoring"
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"thresholds_{facts.at:%Y%m%d_%H%M%S}.html"
    durable.write_file(page, limits_page(facts).encode("utf-8"))
    return page


def _facts(one: Advice) -> LimitFacts:
    held, found = one.figure, one.found
    best = None if found.best is None else found.best.limit
    tried = [_candidate(each, "recommended" if each == found.best else "")
             for each in found.candidates]  # fmt: skip
    if found.present is not None:
        tried.append(_candidate(found.present, "in force"))
    of = " · ".join(text for text in (held.feature, held.window, held.environment) if text)
    return LimitFacts(
        metric=held.metric,
        subject=held.subject,
        of=of,
        number=found.number,
        series=one.series,
        candidates=sorted(tried, key=lambda each: each.limit),
        best=best,
        warn=found.warn,
        present=one.present.breach,
        anomalies=[at for at, _ in found.anomalies],
        reason=found.reason,
        command="" if best is None else _command(one, best),
    )


def _candidate(each: Trial, called: str) -> Candidate:
    return Candidate(
        limit=each.limit,
        false_alarms=each.false_alarms,
        caught=each.caught,
        delay=each.delay,
        called=called,
    )


def _command(one: Advice, best: float) -> str:
    words = ["pipewarden", "thresholds", "apply", one.figure.metric, "REASON"]
    bounds = ["--breach", f"{best:.6g}"]
    if one.found.warn is not None and one.found.warn != best:
        bounds += ["--warn", f"{one.found.warn:.6g}"]
    return shell_line([*words[:4], *bounds, "--subject", one.figure.subject, "--reason", "…"])
