"""Filings whose headings, numbers and pages are odd, as real ones are."""

from __future__ import annotations

import sys
from collections.abc import Iterator

paper = sys.modules["filings_paper"]
Variant, annual, p, prose = paper.Variant, paper.annual, paper.p, paper.prose
INTRO, LAST = paper.INTRO, paper.LAST

#: How Item 1A is numbered and titled.
HEADINGS = {
    "point-in-number": "ITEM 1.A. RISK FACTORS",
    "dash-in-number": "Item 1-A. Risk Factors",
    "space-in-number": "Item 1 A Risk Factors",
    "roman-number": "ITEM IA. RISK FACTORS",
    "letter-for-one": "Item lA. Risk Factors",
    "brackets": "[Item 1A] Risk Factors",
    "wrong-number": "Item 1. Risk Factors",
    "certain": "Item 1A. Certain Risk Factors",
    "our": "Item 1A. Our Risk Factors",
    "future-results": "Item 1A. Factors That May Affect Future Results",
    "cautionary": "Item 1A. Cautionary Statements and Risk Factors",
    "risks": "Item 1A. Risks",
    "misspelt": "Item 1A. Risk Facotrs",
    "own-title": "Item 1A. What Could Go Wrong",
}
STATEMENTS = (
    "This item is omitted.",
    "Intentionally omitted.",
    "Pursuant to permissive authority under Regulation S-K, we have omitted risk factors.",
    "There are no risk factors to report.",
)
#: What stands at the foot of each page.
FEET = {
    "name-and-number": "<td>Example Widgets, Inc.</td><td>{}</td>",
    "number-and-name": "<td>{}</td><td>Example Widgets, Inc.</td>",
    "number-within": "<td>EXAMPLE WIDGETS, INC.</td><td>{} | Annual Report</td>",
}


def variants() -> Iterator[object]:
    """Yield every odd filing."""
    section = p(INTRO) + paper.plain_factors(paper.factor_texts(6))
    for name, heading in HEADINGS.items():
        made = annual(section, heading=f"<p><b>{heading}</b></p>")
        yield Variant(f"odd-{name}", made, "found", 6, first=INTRO, last=LAST)
    untitled = annual(section, heading="<p><b>Item 1A.</b></p>")
    yield Variant("odd-untitled", untitled, "found", 6, first=INTRO, last=LAST)
    for n, text in enumerate(STATEMENTS):
        yield Variant(f"odd-statement-{n}", annual(p(text)), "not_applicable")
    for number in ("2B", "2", "1A"):
        made = annual(section).replace("Item 1B. Unres", f"Item {number}. Unres")
        yield Variant(f"odd-1b-as-{number}", made, "found", 6, first=INTRO, last=LAST)
    yield from _feet()
    yield from _headings()


def _feet() -> Iterator[object]:
    for name, cells in FEET.items():
        made, number = p(INTRO), 10
        for heading, texts in paper.factor_texts(6):
            made += f"<p><b><i>{heading}</i></b></p>"
            for text in texts:
                number += 1
                foot = f"<table><tr>{cells.format(number)}</tr></table><hr>"
                middle = text.index(" ", len(text) // 2)
                made += p(text[:middle]) + foot + p(text[middle:])
        absent = ("Annual Report", "Example Widgets", "EXAMPLE WIDGETS")
        yield Variant(f"odd-foot-{name}", annual(made), "found", 6, last=LAST, absent=absent)


def _headings() -> Iterator[object]:
    factors = paper.factor_texts(6)
    groups = ("Risks Related to Our Business", "Risks Related to Our Common Stock")
    plain = p(INTRO)
    nested = p(INTRO)
    for n, group in enumerate(groups):
        some = factors[3 * n : 3 * n + 3]
        plain += f"<p><b>{group}</b></p>" + paper.plain_factors(some, "<p>{}</p>")
        nested += (
            f"<p align=center><b>{group.upper()}</b></p><p><b><u>Topic of group {n}</u></b></p>"
        )
        nested += paper.plain_factors(some)
    yield Variant("odd-plain-under-categories", annual(plain), "found", 6, last=LAST)
    yield Variant("odd-nested-categories", annual(nested), "found", 6, last=LAST)
    topics = ("COMPETITION.", "KEY PERSONNEL.", "GOVERNMENT REGULATION.", "STOCK PRICE VOLATILITY.")
    caps = "".join(
        p(f"{topic}  {texts[0]}") + "".join(map(p, texts[1:]))
        for topic, (_, texts) in zip(topics, paper.factor_texts(4), strict=True)
    )
    yield Variant("odd-capitals-run-in", annual(p(INTRO) + caps), "found", 4, last=LAST)
