# ruff: noqa: E501, RUF001 - filings as filers write them: long lines, typographic marks
"""Filings whose honest answer is not a text, and quarterly reports."""

from __future__ import annotations

import sys
from collections.abc import Iterator

paper = sys.modules["filings_paper"]
Variant, annual, p, prose = paper.Variant, paper.annual, paper.p, paper.prose
page, cover, contents, body, ITEMS = (
    paper.page,
    paper.cover,
    paper.contents,
    paper.body,
    paper.ITEMS,
)

STATEMENTS = {
    "not_applicable": (
        "Not applicable.",
        "N/A",
        "NOT REQUIRED",
        "None.",
        "Not required for smaller reporting companies.",
        "As a smaller reporting company, we are not required to provide the information required by this Item.",
        "We are a smaller reporting company as defined by Rule 12b-2 of the Securities Exchange Act of 1934 and are not required to provide the information under this item.",
        "Smaller reporting companies are not required to provide the information required by this item.",
        "Omitted at the Company’s option because it is a smaller reporting company.",
    ),
    "by_reference": (
        "The information required by this item is incorporated herein by reference to the section entitled “Risk Factors” in the 2019 Annual Report to Shareholders, filed as Exhibit 13.",
        "See “Risk Factors” in our Annual Report on Form 10-K for the year ended December 31, 2018.",
        "Incorporated by reference from pages 12 to 15 of the Annual Report.",
        "Information about risk factors appears under the caption “Risk Factors” in Exhibit 99.1 to this report, which is incorporated by reference.",
    ),
}
QUARTERLY = {
    "no_material_changes": (
        "There have been no material changes from the risk factors previously disclosed in our Annual Report on Form 10-K for the year ended December 31, 2018.",
        "There have been no material changes to the risk factors set forth in Part I, Item 1A of our 2018 Form 10-K.",
        "There were no material changes in our risk factors during the quarter.",
        "None.",
        "No material changes.",
        "Our risk factors have not changed materially from those disclosed in Item 1A of our Annual Report on Form 10-K.",
        "In addition to the other information set forth in this report, you should carefully consider the factors discussed in Part I, “Item 1A. Risk Factors” in our Annual Report on Form 10-K for the year ended December 31, 2018, which could materially affect our business, financial condition or future results. There have been no material changes to those factors. The risks described in our Annual Report on Form 10-K are not the only risks facing our Company.",
    ),
    "not_applicable": ("Not applicable.", "Not required for smaller reporting companies."),
    "by_reference": (
        "See Part I, Item 1A of our Annual Report on Form 10-K for the fiscal year ended December 31, 2018 for a discussion of the risks that we face.",
        "For a discussion of our potential risks and uncertainties, see the risk factors included in our Annual Report on Form 10-K, which could materially affect our business.",
    ),
}
PART_TWO = (
    ("1", "Legal Proceedings"),
    ("1A", "Risk Factors"),
    ("2", "Unregistered Sales of Equity Securities and Use of Proceeds"),
    ("3", "Defaults Upon Senior Securities"),
    ("4", "Mine Safety Disclosures"),
    ("5", "Other Information"),
    ("6", "Exhibits"),
)
PART_ONE = (
    ("1", "Financial Statements"),
    ("2", "Management’s Discussion and Analysis of Financial Condition and Results of Operations"),
    ("3", "Quantitative and Qualitative Disclosures About Market Risk"),
    ("4", "Controls and Procedures"),
)


def quarterly(section: str, skip: tuple[str, ...] = ()) -> str:
    made = cover("10-Q", "March 31, 2019", kind="quarterly period") + "<p>PART I</p>"
    made += "".join(f"<p><b>Item {n}. {t}</b></p>" + p(prose(t, 8)) for n, t in PART_ONE)
    made += "<p>PART II</p>"
    for number, title in PART_TWO:
        if number not in skip:
            text = section if number == "1A" else p("None.")
            made += f"<p><b>Item {number}. {title}</b></p>" + text
    return page(made)


def variants() -> Iterator[object]:
    """Yield every variant without a section, and the quarterly ones."""
    for outcome, texts in STATEMENTS.items():
        for n, text in enumerate(texts):
            yield Variant(f"annual-{outcome}-{n}", annual(p(text)), outcome)
    run_in = "<p><b>Item 1A. Risk Factors.</b> Not applicable.</p>"
    yield Variant("annual-run-in-not-applicable", annual("", heading=run_in), "not_applicable")
    untitled = "<p><b>Item 1A. Not applicable.</b></p>"
    yield Variant("annual-untitled-not-applicable", annual("", heading=untitled), "not_applicable")
    for outcome, texts in QUARTERLY.items():
        for n, text in enumerate(texts):
            yield Variant(f"quarterly-{outcome}-{n}", quarterly(p(text)), outcome)
    factors = paper.plain_factors(paper.factor_texts(3))
    yield Variant(
        "quarterly-update",
        quarterly(
            p(
                "The following risk factors supplement those in Part I, Item 1A of our Annual Report on Form 10-K for 2018 and should be read with them."
            )
            + factors
        ),
        "partial_update",
        3,
        last=paper.LAST,
    )
    yield Variant(
        "quarterly-except-as-below",
        quarterly(
            p(
                "Except as set forth below, there have been no material changes from the risk factors disclosed in our Annual Report on Form 10-K."
            )
            + factors
        ),
        "partial_update",
        3,
        last=paper.LAST,
    )
    brief = "Any change in law could harm us, and this Annual Report on Form 10-K describes how. "
    yield Variant("annual-brief-but-real", annual(p(brief + prose("brief", 9))), "found")
    yield Variant(
        "quarterly-in-full", quarterly(p(paper.INTRO) + factors), "found", 3, last=paper.LAST
    )
    yield Variant("quarterly-without", quarterly("", skip=("1A",)), "not_present")
    yield from _missing()


def _missing() -> Iterator[object]:
    skip = ("1A", "1B")
    old = page(cover("10-K405", "December 31, 1999") + body("", skip=skip))
    yield Variant("before-2005", old, "not_present")
    risky = page(
        cover("10-K", "June 30, 2001")
        + body(
            "",
            skip=skip,
            texts={
                "1": p(prose("b", 9))
                + "<p><b>Risk Factors</b></p>"
                + paper.plain_factors(paper.factor_texts(4))
            },
        )
    )
    yield Variant("before-2005-with-factors-in-item-1", risky, "not_present")
    small = tuple(i for i in ITEMS if i[0] in ("1", "2", "3", "4", "5", "9A"))
    yield Variant(
        "10-ksb", page(cover("10-KSB", "December 31, 2007") + body("", items=small)), "not_present"
    )
    yield Variant("complete-without", page(cover() + body("", skip=("1A",))), "not_present")
    part_three = tuple(i for i in ITEMS if i[0] in ("10", "11", "12", "13", "14"))
    amended = page(cover("10-K/A") + p("Amendment No. 1") + body("", items=part_three))
    yield Variant("amendment-part-three", amended, "not_present")
    yield Variant("no-items-at-all", page(cover() + p(prose("x", 40))), "ambiguous")
    truncated = annual(p(paper.INTRO) + paper.plain_factors(paper.factor_texts(4)))
    cut = truncated[: truncated.index("Item 1B. Unresolved Staff Comments</b>") - 900]
    yield Variant("cut-within-factors", cut, "ambiguous")
    yield Variant("cut-in-contents", truncated[: truncated.index("</table>")], "ambiguous")
    yield Variant("heading-without-text", annual(""), "ambiguous")
    listed = page(cover() + contents() + body("", skip=("1A",)))
    yield Variant("listed-but-missing", listed, "ambiguous")
