# ruff: noqa: E501, RUF001 - filings as filers write them: long lines, typographic marks
"""Building blocks of synthetic filings: prose, pages, covers, contents and bodies."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

SUBJECTS = (
    "Our customers",
    "Several suppliers",
    "The regulators",
    "Our lenders",
    "Some competitors",
    "The markets that we serve",
    "Our key employees",
    "Third parties",
    "Our information systems",
)
VERBS = (
    "may reduce their orders",
    "could change their terms",
    "might not perform as we expect",
    "have in the past delayed decisions",
    "could impose additional costs on us",
    "may not renew their agreements",
    "could be disrupted without notice",
)
ENDS = (
    "which would harm our results of operations.",
    "and our revenue could decline as a result.",
    "and we cannot assure you that this will not happen again.",
    "which could materially and adversely affect our financial condition.",
)
HEADINGS = (
    "We depend on a small number of customers for most of our revenue.",
    "Our operating results may fluctuate from quarter to quarter.",
    "If we lose key personnel, our business could be harmed.",
    "We face intense competition in all of our markets.",
    "Changes in tax law could increase our effective tax rate.",
    "Our intellectual property may not be adequately protected.",
    "A breach of our information systems could disrupt our operations.",
    "We may not be able to raise additional capital on acceptable terms.",
)
ITEMS = (
    ("1", "Business"),
    ("1A", "Risk Factors"),
    ("1B", "Unresolved Staff Comments"),
    ("2", "Properties"),
    ("3", "Legal Proceedings"),
    ("4", "Mine Safety Disclosures"),
    (
        "5",
        "Market for Registrant’s Common Equity, Related Stockholder Matters and Issuer Purchases of Equity Securities",
    ),
    ("6", "[Reserved]"),
    ("7", "Management’s Discussion and Analysis of Financial Condition and Results of Operations"),
    ("7A", "Quantitative and Qualitative Disclosures About Market Risk"),
    ("8", "Financial Statements and Supplementary Data"),
    ("9", "Changes in and Disagreements with Accountants on Accounting and Financial Disclosure"),
    ("9A", "Controls and Procedures"),
    ("9B", "Other Information"),
    ("10", "Directors, Executive Officers and Corporate Governance"),
    ("11", "Executive Compensation"),
    ("12", "Security Ownership of Certain Beneficial Owners"),
    ("13", "Certain Relationships and Related Transactions"),
    ("14", "Principal Accountant Fees and Services"),
    ("15", "Exhibits and Financial Statement Schedules"),
)
INTRO = (
    "You should carefully consider the risks described below together with all of the other "
    "information in this report before you decide to invest in our securities."
)


@dataclass(frozen=True)
class Variant:
    """A synthetic filing and what must come of it.

    ``factors`` is the number of risk factors, ``first`` and ``last`` how the section begins and
    ends; None where they are not checked.
    """

    name: str
    content: str
    outcome: str
    factors: int | None = None
    first: str | None = None
    last: str | None = None
    file: str = "filing.htm"
    absent: tuple[str, ...] = ()
    settings: dict[str, object] = field(default_factory=dict)


def sentence(rng: random.Random) -> str:
    return f"{rng.choice(SUBJECTS)} {rng.choice(VERBS)}, {rng.choice(ENDS)}"


def prose(seed: object, sentences: int = 5) -> str:
    rng = random.Random(f"prose {seed}")
    return " ".join(sentence(rng) for _ in range(sentences))


LAST = "This is the very last sentence of the risk factors and nothing of them comes after it."


def factor_texts(count: int, seed: object = 0) -> list[tuple[str, list[str]]]:
    """Return (heading, paragraphs) of risk factors; the last paragraph ends in `LAST`."""
    made = [
        (HEADINGS[n % len(HEADINGS)], [prose((seed, n, k)) for k in range(1 + n % 2)])
        for n in range(count)
    ]
    made[-1][1].append(prose((seed, "end")) + " " + LAST)
    return made


def p(text: str, style: str = "") -> str:
    return f'<p style="{style}">{text}</p>\n' if style else f"<p>{text}</p>\n"


def bold(text: str) -> str:
    return p(f"<b>{text}</b>")


def cover(
    form: str = "10-K",
    period: str = "December 31, 2019",
    name: str = "EXAMPLE WIDGETS, INC.",
    kind: str = "fiscal year",
) -> str:
    return "".join(
        p(text)
        for text in (
            "UNITED STATES",
            "SECURITIES AND EXCHANGE COMMISSION",
            "Washington, D.C. 20549",
            f"<b>FORM {form}</b>",
            f"For the {kind} ended {period}",
            "Commission file number 001-12345",
            f"<b>{name}</b>",
            "(Exact name of registrant as specified in its charter)",
        )
    )


def contents(items: tuple[tuple[str, str], ...] = ITEMS, word: str = "Item ") -> str:
    rows = "".join(
        f"<tr><td>{word}{number}.</td><td>{title}</td><td>{n * 7 + 1}</td></tr>\n"
        for n, (number, title) in enumerate(items)
    )
    return f"<p>TABLE OF CONTENTS</p><table>{rows}</table>\n"


def plain_factors(
    factors: list[tuple[str, list[str]]], heading: str = "<p><b><i>{}</i></b></p>"
) -> str:
    return "".join(heading.format(h) + "".join(p(text) for text in texts) for h, texts in factors)


def body(
    section: str,
    *,
    heading: str = "<p><b>Item 1A. Risk Factors</b></p>",
    skip: tuple[str, ...] = (),
    items: tuple[tuple[str, str], ...] = ITEMS,
    form: str = "<p><b>Item {}. {}</b></p>\n",
    texts: dict[str, str] | None = None,
) -> str:
    """Return the Items of an annual report, with ``section`` as Item 1A under ``heading``."""
    made: list[str] = []
    for number, title in items:
        if number in skip:
            continue
        if number == "1A":
            made.append(heading + section)
            continue
        made.append(form.format(number, title))
        text = (texts or {}).get(number)
        made.append(
            text if text is not None else p(prose(number, 8)) * (3 if number in "178" else 1)
        )
    return "".join(made)


def page(inside: str) -> str:
    return (
        f"<html><head><title>10-K</title></head><body>\n{inside}<p>SIGNATURES</p></body></html>\n"
    )


def annual(section: str, **options: object) -> str:
    """Return a whole annual report whose Item 1A is ``section``."""
    return page(cover() + contents() + body(section, **options))  # type: ignore[arg-type]
