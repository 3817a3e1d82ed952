"""The lists of a run report: quarantined and published items, checks, reasons, the slowest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pipewarden.report import account, wording
from pipewarden.report.facts import CheckFacts, ItemFacts, ItemList, ReportFacts
from pipewarden.report.untrusted import Links, clipped, shell_line
from pipewarden.report.view.values import Card, Cell, Column, Section, Table

_MESSAGE_LENGTH, _CELL_LENGTH = 800, 160
#: How many different facts become columns of the table of published items.
_FACT_COLUMNS = 10
_TONES = {"PASS": "good", "WARN": "warn", "FAIL": "bad"}


def quarantined(facts: ReportFacts, links: Links) -> Section:
    """Return the quarantined items, each with the commands that deal with it."""
    held = facts["quarantined"]
    number = facts["totals"]["quarantined"]
    if not held["items"] and not number:
        return Section("quarantined", "Quarantined items", "None.")
    run_id = facts["run"]["id"]
    cards = tuple(_card(item, run_id, links) for item in held["items"])
    lead = "A retry lets the next run try an item again; a release publishes what the gate refused."
    return Section(
        "quarantined", f"Quarantined items ({number:,})", lead, cards=cards, more=_more(facts, held)
    )


def _card(item: ItemFacts, run_id: str, links: Links) -> Card:
    key, verdict = item.get("key", ""), item.get("verdict", "")
    detail = [verdict and f"verdict {verdict}"]
    detail.append(f"attempt {item['attempt']}" if item.get("attempt") else "")
    detail.append(wording.duration(item["seconds"]) if item.get("seconds") else "")
    paths = (
        ("failure report", item.get("failure_report_path", "")),
        ("quarantine file", item.get("quarantine_path", "")),
        ("input", item.get("input_path", "")),
    )
    # What errored produced nothing, so there is nothing to release.
    acts = ("show", "retry", "release") if verdict else ("show", "retry")
    return Card(
        name=Cell(key, links.to(item.get("failure_report_path", "") or item.get("input_path", ""))),
        reason=item.get("reason", ""),
        message=clipped(item.get("message", ""), _MESSAGE_LENGTH),
        detail=", ".join(filter(None, detail)),
        links=tuple(Cell(name, links.to(path)) for name, path in paths if path),
        commands=tuple(account.quarantine_command(act, run_id, key) for act in acts),
    )


def reasons(facts: ReportFacts) -> Iterator[Section]:
    """Yield how often each reason put an item into quarantine, most frequent first."""
    if facts["reasons"]:
        rows = tuple(
            (Cell(reason or "no reason recorded"), Cell(f"{number:,}", numeric=True))
            for reason, number in facts["reasons"].items()
        )
        table = Table((Column("Reason"), Column("Items", numeric=True)), rows)
        yield Section("reasons", "Failures by reason", table=table)


_CHECK_COLUMNS = (
    Column("Check"),
    Column("Failed", numeric=True),
    Column("Warned", numeric=True),
    Column("Not computable", numeric=True),
    Column("On a miss"),
    Column("Threshold"),
    Column("Category"),
)


def checks(facts: ReportFacts) -> Iterator[Section]:
    """Yield every check of the gate, most missed first."""
    held = facts["checks"]
    if not held:
        return
    ordered = sorted(held, key=lambda row: (-row["fail"] - row["not_computable"], -row["warn"]))
    clean = sum(1 for row in held if not (row["fail"] or row["warn"] or row["not_computable"]))
    lead = f"{clean:,} of {wording.count(len(held), 'check')} never missed."
    table = Table(_CHECK_COLUMNS, tuple(map(_check_row, ordered)))
    yield Section("checks", "Checks of the gate", lead, table=table)


def _check_row(row: CheckFacts) -> tuple[Cell, ...]:
    miss = "bad" if row["blocking"] else "warn"
    return (
        Cell(row["check"]),
        _misses(row["fail"], miss),
        _misses(row["warn"], "warn"),
        _misses(row["not_computable"], miss),
        Cell("quarantine" if row["blocking"] else "warning"),
        Cell(row["threshold"]),
        Cell(row["category"]),
    )


def _misses(number: int, tone: str) -> Cell:
    return Cell(f"{number:,}", tone=tone if number else "", numeric=True)


def published(facts: ReportFacts, links: Links) -> Iterator[Section]:
    """Yield the published items with their facts as columns."""
    held, number = facts["published"], facts["totals"]["published"]
    if not number and not held["items"]:
        return
    names = list(dict.fromkeys(name for item in held["items"] for name in item.get("facts", ())))
    shown = names[:_FACT_COLUMNS]
    middle = [Column(name, _is_numeric(held["items"], name)) for name in shown]
    columns = (Column("Item"), Column("Verdict"), Column("Output"), *middle)
    columns = (*columns, Column("Time", numeric=True))
    rows = tuple(_published_row(item, middle, links) for item in held["items"])
    lead = ""
    if left := names[_FACT_COLUMNS:]:
        names_left = clipped(wording.listed(left), _MESSAGE_LENGTH)
        lead = f"Facts without a column: {names_left}; the outputs have them."
    yield Section(
        "published",
        f"Published items ({number:,})",
        lead,
        table=Table(columns, rows) if rows else None,
        more=_more(facts, held),
    )


def _published_row(item: ItemFacts, columns: Sequence[Column], links: Links) -> tuple[Cell, ...]:
    facts, verdict = item.get("facts") or {}, item.get("verdict", "")
    output = item.get("output_path", "")
    return (
        Cell(item.get("key", ""), links.to(item.get("input_path", ""))),
        Cell(verdict or "none", tone=_TONES.get(verdict, "warn")),
        Cell("output" if output else "", links.to(output)),
        *(_fact(facts.get(name), numeric) for name, numeric in columns),
        Cell(wording.duration(item.get("seconds", 0.0)), numeric=True),
    )


def _fact(value: Any, numeric: bool) -> Cell:
    return Cell(clipped(wording.value_in_words(value), _CELL_LENGTH), numeric=numeric)


def _is_numeric(items: Sequence[ItemFacts], name: str) -> bool:
    values = [facts[name] for item in items if name in (facts := item.get("facts", {}))]
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def stages(facts: ReportFacts) -> Iterator[Section]:
    """Yield where the time of the items went, where the pipeline tells its stages."""
    held = facts.get("stages", [])
    if not held[1:]:
        return
    whole = held[0]["seconds"]
    rows = tuple(
        (
            Cell(one["stage"]),
            Cell(f"{one['items']:,}", numeric=True),
            Cell(wording.duration(one["seconds"]), numeric=True),
            Cell(wording.duration(one["seconds"] / one["items"]), numeric=True),
            Cell(wording.share(one["seconds"], whole), numeric=True),
        )
        for one in held
    )
    numbers = ("Items", "Time", "An item", "Share")
    columns = (Column("Stage"), *(Column(name, numeric=True) for name in numbers))
    yield Section("stages", "Where the time went", table=Table(columns, rows))


def slowest(facts: ReportFacts, links: Links) -> Iterator[Section]:
    """Yield the items that took longest."""
    held = facts["slowest"]
    if held["items"]:
        rows = tuple(
            (
                Cell(item.get("key", ""), links.to(item.get("input_path", ""))),
                Cell(wording.duration(item.get("seconds", 0.0)), numeric=True),
            )
            for item in held["items"]
        )
        table = Table((Column("Item"), Column("Time", numeric=True)), rows)
        yield Section("slowest", "Slowest items", table=table)


def deferred(facts: ReportFacts, links: Links) -> Iterator[Section]:
    """Yield the items that nothing was decided about, each with why."""
    held, number = facts["deferred"], facts["totals"]["deferred"]
    if not number and not held["items"]:
        return
    rows = tuple(
        (
            Cell(item.get("key", ""), links.to(item.get("input_path", ""))),
            Cell(item.get("reason", "")),
            Cell(clipped(item.get("message", ""), _MESSAGE_LENGTH)),
        )
        for item in held["items"]
    )
    columns = (Column("Item"), Column("Why"), Column("In words"))
    yield Section(
        "deferred",
        f"Deferred items ({number:,})",
        "Nothing was decided about these; the next run takes them up.",
        table=Table(columns, rows) if rows else None,
        more=_more(facts, held),
    )


def _more(facts: ReportFacts, held: ItemList) -> str:
    if not held["omitted"]:
        return ""
    command = shell_line(["pipewarden", "jobs", "status", facts["run"]["id"], "--json"])
    return f"And {held['omitted']:,} more, which this list leaves out; all of them: {command}"
