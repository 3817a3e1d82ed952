"""Reports as Markdown: of a run, and of one item that was quarantined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipewarden.report import account, wording
from pipewarden.report.facts import FailureFacts, ReportFacts
from pipewarden.report.markdown_syntax import cell, fenced, pairs, table, text
from pipewarden.report.untrusted import Links, clipped, clipped_lines, visible_lines
from pipewarden.report.view.run import view_of
from pipewarden.report.view.values import Card, Cell, Count, RunView, Section

_MESSAGE_LENGTH, _EVIDENCE_LENGTH, _EVIDENCE_SHOWN = 10_000, 300, 20
_TRACEBACK_FIRST, _TRACEBACK_LAST = 40, 160


def run_report(facts: ReportFacts, folder: Path, manifest: Mapping[str, Any] | None = None) -> str:
    """Return the report of a run as Markdown.

    Parameters
    ----------
    facts
        The stored facts of the run; whatever they hold renders as text.
    folder
        Where the report will lie: links are relative to it.
    manifest
        ``{total, success, failed}`` of the whole source, if it is to be told.
    """
    view = view_of(facts, folder, manifest)
    return "\n".join(_run_lines(view)) + "\n"


def _run_lines(view: RunView) -> Iterator[str]:
    yield f"# Run {text(view.run_id)}: {text(view.ending.words)}"
    yield ""
    yield f"**{text(view.summary)}**"
    yield ""
    if not view.proof.holds:
        yield f"> **THE NUMBERS DO NOT ADD UP: {text(view.proof.sentence)}.** This is a bug of"
        yield "> pipewarden: an item may be lost. Please keep the state database and report it."
        yield ""
    if len(view.error) > 1:
        yield from (*fenced(view.error), "")
    yield from (*pairs(view.header), "", "## Totals", "")
    yield from (_count(count) for count in view.totals)
    if view.proof.holds:
        yield from ("", f"It adds up: {text(view.proof.sentence)}.")
    for section in view.sections:
        yield from ("", *_section(section))


def _count(count: Count) -> str:
    meaning = f" ({text(count.meaning)})" if count.meaning else ""
    return f"- {count.number:,} {text(count.name)}{meaning}"


def _section(section: Section) -> Iterator[str]:
    yield f"## {text(section.title)}"
    yield ""
    if section.lead:
        yield from (text(section.lead), "")
    for point in section.points:
        yield f"- {text(point)}"
    yield from map(_count, section.counts)
    for card in section.cards:
        yield from (*_card(card), "")
    if section.table:
        yield from table(section.table)
    if section.folded:
        yield from ("<details><summary>Show</summary>", "", *fenced(section.lines), "")
        yield "</details>"
    elif section.lines:
        yield from fenced(section.lines, "sh")
    if section.more:
        yield from ("", text(section.more))


def _card(card: Card) -> Iterator[str]:
    yield f"### {cell(card.name)}"
    yield ""
    detail = f" ({text(card.detail)})" if card.detail else ""
    message = f": {text(card.message)}" if card.message else ""
    yield f"**{text(card.reason or 'no reason recorded')}**{message}{detail}"
    yield ""
    if card.links:
        yield from (" · ".join(map(cell, card.links)), "")
    yield from fenced(card.commands, "sh")


def failure_report(facts: FailureFacts, folder: Path) -> str:
    """Return the report about one quarantined item as Markdown.

    Parameters
    ----------
    facts
        What its ``_FAILED.json`` file holds; whatever it is renders as text.
    folder
        Where the report will lie: links are relative to it.
    """
    return "\n".join(_failure_lines(facts, Links(folder))) + "\n"


def _failure_lines(facts: FailureFacts, links: Links) -> Iterator[str]:
    yield f"# Quarantined: {text(facts.get('key', ''))}"
    yield from ("", f"**{text(account.why_quarantined(facts))}**", "")
    yield from (*pairs(_about(facts, links)), "")
    findings = (facts.get("verdict") or {}).get("findings") or []
    misses = [finding for finding in findings if finding.get("status") != "PASS"]
    if misses:
        yield from ("## What the gate found", "")
        for finding in misses:
            yield from (*_finding(finding), "")
    passed = [text(str(f.get("check", ""))) for f in findings if f.get("status") == "PASS"]
    if passed:
        yield from (f"Passed: {', '.join(passed)}.", "")
    yield from _error(facts.get("error"))
    yield from _next_steps(facts)


def _about(facts: FailureFacts, links: Links) -> Iterator[tuple[str, Cell]]:
    source = facts.get("input") or {}
    path, held = str(source.get("path") or ""), facts.get("quarantine_path", "")
    rows = [
        ("Item", Cell(facts.get("key", ""))),
        ("Input", Cell(path, links.to(path))),
        *(
            (f"Input {name}", Cell(wording.value_in_words(value)))
            for name, value in source.items()
            if name != "path"
        ),
        ("Quarantine file", Cell(held, links.to(held))),
        ("Run", Cell(facts.get("run_id", ""))),
        ("Pipeline", Cell(facts.get("pipeline", ""))),
        ("Fingerprint", Cell(facts.get("fingerprint", ""))),
        ("When", Cell(wording.moment(facts.get("at", "")))),
        ("Attempt", Cell(account.attempt(facts))),
    ]
    for name, value in rows:
        if value.text:
            yield name, value


def _finding(finding: Mapping[str, Any]) -> Iterator[str]:
    threshold = finding.get("threshold") or {}
    unit = str(threshold.get("unit") or "")
    status = str(finding.get("status", "")).replace("_", " ").lower()
    effect = "blocking" if threshold.get("blocking") else "not blocking"
    yield f"### {text(str(finding.get('check', '')))}: {text(status)}, {effect}"
    yield ""
    if message := str(finding.get("message") or ""):
        yield f"- Found: {text(clipped(message, _MESSAGE_LENGTH))}"
    if (value := finding.get("value")) is not None:
        yield f"- Value: {text(clipped(wording.amount(value, unit), _MESSAGE_LENGTH))}"
    if threshold:
        yield f"- Threshold: {text(wording.threshold_in_words(threshold))}"
    if category := finding.get("category"):
        yield f"- Category: {text(str(category))}"
    evidence = finding.get("evidence") or []
    if evidence:
        yield "- Evidence:"
    for piece in evidence[:_EVIDENCE_SHOWN]:
        shown = text(clipped(wording.value_in_words(piece), _EVIDENCE_LENGTH))
        yield f"  - {shown}"
    if len(evidence) > _EVIDENCE_SHOWN:
        yield f"  - and {len(evidence) - _EVIDENCE_SHOWN:,} more"


def _error(error: Mapping[str, Any] | None) -> Iterator[str]:
    if not error:
        return
    yield from ("## The error", "")
    kind, said = str(error.get("type") or "Error"), str(error.get("message") or "")
    message = clipped(said.removeprefix(f"{kind}:").strip(), _MESSAGE_LENGTH)
    yield f"**{text(kind)}**{': ' + text(message) if message else ''}"
    yield ""
    if traceback := str(error.get("traceback") or "").rstrip():
        lines = clipped_lines(visible_lines(traceback), _TRACEBACK_FIRST, _TRACEBACK_LAST)
        yield from (*fenced(lines), "")


def _next_steps(facts: FailureFacts) -> Iterator[str]:
    run_id, key = facts.get("run_id", ""), facts.get("key", "")
    steps = [("show", "Look at it again:"), ("retry", account.when_tried_again(facts))]
    if facts.get("result") is not None:
        steps.append(
            ("release", "If it is right after all, publish what was produced, with a reason:")
        )
    yield from ("## What to do", "")
    for act, why in steps:
        command = account.quarantine_command(act, run_id, key)
        yield from (text(why), "", *fenced([command], "sh"), "")
