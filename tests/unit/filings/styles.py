# ruff: noqa: E501, RUF001 - filings as filers write them: long lines, typographic marks
"""Annual reports with risk factors, in many styles of headings, contents and pages."""

from __future__ import annotations

import sys
from collections.abc import Iterator

paper = sys.modules["filings_paper"]
Variant, annual, p, prose = paper.Variant, paper.annual, paper.p, paper.prose
LAST, INTRO, ITEMS = paper.LAST, paper.INTRO, paper.ITEMS
factor_texts, plain_factors, page, cover, contents, body = (
    paper.factor_texts,
    paper.plain_factors,
    paper.page,
    paper.cover,
    paper.contents,
    paper.body,
)

#: How the heading of Item 1A is set; ``{}`` is nothing, each must be found.
HEADINGS = {
    "caps": "<p><b>ITEM 1A. RISK FACTORS</b></p>",
    "dash": "<p><b>ITEM 1A – RISK FACTORS</b></p>",
    "em-dash-unspaced": "<p><b>Item 1A—Risk Factors</b></p>",
    "colon": "<p><b>Item 1A: Risk Factors</b></p>",
    "glued": "<p><b>Item 1A.Risk Factors.</b></p>",
    "no-mark": "<p><b>Item 1A Risk Factors</b></p>",
    "parenthesis": "<p><b>Item 1(A). Risk Factors</b></p>",
    "nbsp": "<p><b>Item&nbsp;1A.&nbsp;&nbsp;&nbsp;&nbsp;Risk&#160;Factors</b></p>",
    "two-blocks": "<div><b>Item 1A.</b></div><div><b>Risk Factors</b></div>",
    "two-cells": "<table><tr><td><b>Item 1A.</b></td><td><b>RISK FACTORS</b></td></tr></table>",
    "three-cells": "<table><tr><td>ITEM</td><td>1A.</td><td>RISK FACTORS</td></tr></table>",
    "small-caps": "<p><b><font size=3>I</font><font size=2>TEM</font> 1A. R<font size=2>ISK</font> F<font size=2>ACTORS</font></b></p>",
    "small-caps-spaced": "<p><b>I<font size=2>TEM</font> 1A.&nbsp;R <font size=2>ISK</font> F <font size=2>ACTORS</font></b></p>",
    "back-link": '<p><a href="#toc"><b>Item 1A. Risk Factors</b></a></p>',
    "part-and-item": "<p><b>PART I, Item 1A. Risk Factors</b></p>",
    "h2": "<h2>Item 1A. Risk Factors</h2>",
    "line-break": "<p><b>Item 1A.<br>Risk Factors</b></p>",
    "unstyled": "<p>Item 1A. Risk Factors.</p>",
    "lower-case-a": "<p><b>Item 1a. Risk factors</b></p>",
    "number-alone": "<p><b>1A. RISK FACTORS</b></p>",
    "quoted": "<p><b>Item 1A. “Risk Factors”</b></p>",
    "longer-title": "<p><b>Item 1A. Risk Factors and Uncertainties</b></p>",
    "related-title": "<p><b>Item 1A. Risk Factors Related to Our Business</b></p>",
}

#: How the heading of one factor is set.
FACTORS = {
    "bold": "<p><b>{}</b></p>",
    "italic": "<p><i>{}</i></p>",
    "underlined": "<p><u>{}</u></p>",
    "bold-italic-spans": '<div><span style="font-weight:700;font-style:italic">{}</span></div>',
    "bold-css-on-block": '<p style="font: bold 10pt Times New Roman">{}</p>',
    "strong-em": "<p><strong><em>{}</em></strong></p>",
    "bullet-outside": "<table><tr><td>•</td><td><b>{}</b></td></tr></table>",
    "centred-bold": '<p align="center"><b>{}</b></p>',
    "nested-fonts": '<p><font face="Times"><font size="2"><b><i>{}</i></b></font></font></p>',
    "bold-stop-outside": "<p><b>{}</b></p>",
}


def variants() -> Iterator[object]:
    """Yield every variant with risk factors."""
    yield from _item_headings()
    yield from _factor_headings()
    yield from _layouts()
    yield from _pages()
    yield from _typed()
    yield from _indexes()


def _found(name: str, content: str, factors: int | None = 6, **more: object) -> object:
    more.setdefault("last", LAST)
    return Variant(name, content, "found", factors, **more)


def _item_headings() -> Iterator[object]:
    section = p(INTRO) + plain_factors(factor_texts(6))
    for name, heading in HEADINGS.items():
        yield _found(f"item-{name}", annual(section, heading=heading), first=INTRO)
    run_in = "<p><b>Item 1A. Risk Factors.</b> " + INTRO + "</p>"
    yield _found("item-run-in", annual(plain_factors(factor_texts(6)), heading=run_in), first=INTRO)
    yield _found(
        "item-not-numbered-elsewhere",
        annual(section, form="<p><b>Item {}</b></p><p><b>{}</b></p>"),
        first=INTRO,
    )


def _factor_headings() -> Iterator[object]:
    factors = factor_texts(6)
    for name, heading in FACTORS.items():
        yield _found(f"factor-{name}", annual(p(INTRO) + plain_factors(factors, heading)))
    caps = [(h.upper(), texts) for h, texts in factors]
    yield _found("factor-caps-unstyled", annual(p(INTRO) + plain_factors(caps, "<p>{}</p>")))
    for name, opening in {
        "italic-dash": "<i>{}</i> – ",
        "bold-period": "<b>{}</b> ",
        "bold-italic": "<b><i>{}</i></b> ",
        "underlined": "<u>{}</u>&nbsp; ",
    }.items():
        made = "".join(
            p(opening.format(h) + texts[0]) + "".join(map(p, texts[1:])) for h, texts in factors
        )
        yield _found(f"factor-run-in-{name}", annual(p(INTRO) + made))
    short = (
        "Credit Risk",
        "Interest Rate Risk",
        "Liquidity Risk",
        "Competition",
        "Key Personnel",
        "Weather",
    )
    named = [(name, texts) for name, (_, texts) in zip(short, factors, strict=True)]
    yield _found("factor-topics", annual(p(INTRO) + plain_factors(named, "<p><b>{}</b></p>")))
    yield _found(
        "factor-topics-run-in",
        annual(
            p(INTRO)
            + "".join(p(f"<b><i>{h}.</i></b> {t[0]}") + "".join(map(p, t[1:])) for h, t in named)
        ),
    )
    questions = [(f"How will change number {n} affect us?", t) for n, (_, t) in enumerate(factors)]
    yield _found(
        "factor-questions", annual(p(INTRO) + plain_factors(questions, "<p><b>{}</b></p>"))
    )
    numbered = [(f"{n}. {h}", t) for n, (h, t) in enumerate(factors, 1)]
    yield _found("factor-numbered", annual(p(INTRO) + plain_factors(numbered, "<p><b>{}</b></p>")))


def _categories(heading: str, factor: str, *, intro: bool = False) -> str:
    factors = factor_texts(6)
    names = (
        "Risks Related to Our Business",
        "Risks Relating to Regulation",
        "General Risk Factors",
    )
    made = p(INTRO)
    for n, name in enumerate(names):
        made += heading.format(name) + (
            p("The following risks relate to it. " + prose(name, 2)) if intro else ""
        )
        made += plain_factors(factors[2 * n : 2 * n + 2], factor)
    return made


def _layouts() -> Iterator[object]:
    yield _found(
        "categories-bold", annual(_categories("<p><b>{}</b></p>", "<p><b><i>{}</i></b></p>"))
    )
    yield _found(
        "categories-same-look", annual(_categories("<p><b>{}</b></p>", "<p><b>{}</b></p>"))
    )
    yield _found(
        "categories-with-intro",
        annual(_categories("<p><b>{}</b></p>", "<p><i>{}</i></p>", intro=True)),
    )
    yield _found(
        "categories-centred-caps",
        annual(_categories('<p align="center"><b><u>{}</u></b></p>', "<p><b>{}</b></p>")),
    )
    yield _found(
        "categories-over-run-in",
        annual(_categories("<p><b>{}</b></p>", "<p><b><i>{}</i></b></p>", intro=True)),
    )
    factors = factor_texts(6)
    subheads = "".join(
        f"<p><b>{h}</b></p>"
        + "".join(p(f"<i>Topic {n}.</i> {t}") for n, t in enumerate(texts))
        + p("<i>Another matter.</i> " + prose(h))
        for h, texts in factors[:-1]
    ) + plain_factors(factors[-1:], "<p><b>{}</b></p>")
    yield _found("factor-with-sub-headings", annual(p(INTRO) + subheads))
    summary = bold_summary() + plain_factors(factors, "<p><b><i>{}</i></b></p>")
    yield _found("summary-of-bullets", annual(summary))
    bullets = "".join(p(f"• {prose(('b', n), 1)}") for n in range(4))
    listed = plain_factors(
        [(h, [*t[:1], "These include:"]) for h, t in factors[:5]], "<p><b>{}</b></p>"
    )
    yield _found(
        "bulleted-lists",
        annual(p(INTRO) + listed + bullets + plain_factors(factors[5:], "<p><b>{}</b></p>")),
    )
    cells = "".join(
        f"<table><tr><td>•</td><td>{prose(('c', n), 1)}</td></tr></table>" for n in range(4)
    )
    yield _found(
        "bullets-in-cells",
        annual(p(INTRO) + listed + cells + plain_factors(factors[5:], "<p><b>{}</b></p>")),
    )
    yield _found(
        "in-one-table",
        annual(
            "<table>"
            + "".join(
                f"<tr><td><p><b>{h}</b></p>" + "".join(map(p, t)) + "</td></tr>" for h, t in factors
            )
            + "</table>"
        ),
    )
    yield _found(
        "two-columns",
        annual(
            "<table>"
            + "".join(f"<tr><td><b>{h}</b></td><td>{' '.join(t)}</td></tr>" for h, t in factors)
            + "</table>"
        ),
    )
    yield _found(
        "soft-line-breaks",
        annual("".join(f"<p><b>{h}</b><br>{'<br><br>'.join(t)}</p>" for h, t in factors)),
    )
    yield _found(
        "forward-looking-note",
        annual(
            "<p><b><i>Special Note Regarding Forward-Looking Statements</i></b></p>"
            + p(prose("note"))
            + plain_factors(factors)
        ),
    )
    staff = [
        ("We have unresolved Staff comments.", [f"As described in Item 1B below, {prose('1b')}"]),
        *factors[1:],
    ]
    yield _found("mentions-item-1b", annual(p(INTRO) + plain_factors(staff)))
    mention = [
        (
            h,
            [
                f"See “Item 7. Management’s Discussion and Analysis” for more. {t[0]}",
                "Item 1A. Risk Factors of this report and Item 3. Legal Proceedings say more about this; "
                + prose("x"),
                *t[1:],
            ],
        )
        for h, t in factors
    ]
    yield _found("mentions-other-items", annual(p(INTRO) + plain_factors(mention)))
    unclosed = "".join(
        f"<p><font size=2><b>{h}</b><p><font size=2>" + "<p><font size=2>".join(t)
        for h, t in factors
    )
    yield _found("unclosed-tags", annual(p(INTRO) + unclosed))
    combined = (
        p(prose("business", 9)) + "<p><b>Risk Factors</b></p>" + p(INTRO) + plain_factors(factors)
    )
    items = tuple(i for i in ITEMS if i[0] != "1")
    yield _found(
        "combined-items",
        page(
            cover()
            + body(
                combined,
                heading="<p><b>Items 1 and 1A. Business and Risk Factors</b></p>",
                items=items,
            )
        ),
        first=INTRO,
    )
    yield _found("skips-1b", annual(p(INTRO) + plain_factors(factors), skip=("1B",)))
    short = {n: p("None.") for n in ("1B", "2", "3", "4", "6", "7A", "9", "9B")}
    yield _found("short-neighbours", annual(p(INTRO) + plain_factors(factors), texts=short))


def bold_summary() -> str:
    rows = "".join(p(f"• {h}") for h in paper.HEADINGS)
    return (
        "<p><b>Risk Factor Summary</b></p>"
        + p("The following summarizes the principal risks. " + prose("sum", 1))
        + "<p><b><i>Risks Related to Our Business</i></b></p>"
        + rows
        + "<p><b>Risks Related to Our Business and Industry</b></p>"
    )


def _pages() -> Iterator[object]:
    factors = factor_texts(6)
    furniture = (
        "Table of Contents",
        "Example Widgets, Inc. | 2019 Form 10-K",
        "PART I",
        "Risk Factors (continued)",
    )

    def breaks(header: str, *, cut: bool) -> str:
        made, number = p(INTRO), 10
        for h, texts in factors:
            made += f"<p><b><i>{h}</i></b></p>"
            for text in texts:
                middle = text.index(" ", len(text) // 2)
                number += 1
                foot = (
                    p(str(number), "text-align:center")
                    + '<hr style="page-break-after:always">'
                    + header
                )
                made += p(text[:middle]) + foot + p(text[middle:]) if cut else p(text) + foot
        return made

    for name, header, cut in (
        ("contents-link", '<h5><a href="#toc">Table of Contents</a></h5>', True),
        ("running-header", p("EXAMPLE WIDGETS, INC."), True),
        ("continued", "<p><b>Item 1A. Risk Factors (continued)</b></p>", False),
        ("part-and-name", p("PART I") + p("Example Widgets, Inc."), True),
        (
            "index-link",
            '<p><a href="#toc">Table of Contents</a></p><p><a href="#fs">Index to Financial Statements</a></p>',
            True,
        ),
    ):
        yield _found(
            f"pages-{name}",
            annual(breaks(header, cut=cut)),
            absent=("Table of Contents", "continued", *furniture[2:3]),
        )
    joined = p(INTRO)
    for n, (h, texts) in enumerate(factors):
        joined += (
            f"<p><b><i>{h}</i></b></p>"
            + "".join(map(p, texts))
            + p(f"Example Widgets, Inc. | 2019 Form 10-K | {n + 4}")
        )
    yield _found("pages-footer-with-name", annual(joined), absent=("2019 Form 10-K |",))
    every = ""
    for n, (h, texts) in enumerate(factors):
        every += f"<p><b><i>{h}</i></b></p>" + "".join(map(p, texts))
        every += p(str(20 + n)) + "<hr><p><b>Item 1A. Risk Factors</b></p>" * (n < 5)
    yield _found(
        "pages-heading-repeated", annual(p(INTRO) + every), first=INTRO, absent=("Item 1A",)
    )
    h, texts = factors[2]
    half = h.index(" ", len(h) // 2)
    split = (
        f"<p><b><i>{h[:half]}</i></b></p><p>14</p><hr><p><a href='#toc'>Table of Contents</a></p><p><b><i>{h[half:]}</i></b></p>"
        + "".join(map(p, texts))
    )
    yield _found(
        "pages-heading-cut",
        annual(p(INTRO) + plain_factors(factors[:2]) + split + plain_factors(factors[3:])),
    )


def _typed() -> Iterator[object]:
    def wrapped(text: str) -> str:
        import textwrap

        return textwrap.fill(text, 72) + "\n\n"

    factors = factor_texts(6)
    text = "FORM 10-K\n\nFor the fiscal year ended December 31, 2007\n\nEXAMPLE WIDGETS, INC.\n(Exact name of registrant as specified in its charter)\n\n"
    text += (
        "TABLE OF CONTENTS\n\n"
        + "".join(f"Item {n}.   {t[:40]} ........ {k}\n" for k, (n, t) in enumerate(ITEMS, 2))
        + "\n"
    )
    for number, title in ITEMS:
        text += f"ITEM {number}.   {title.upper()}\n\n"
        if number != "1A":
            text += wrapped(prose(number, 8))
            continue
        text += wrapped(INTRO)
        for n, (heading, texts) in enumerate(factors):
            text += (
                wrapped(heading.upper())
                + "".join(map(wrapped, texts))
                + ("\n                  12\n<PAGE>\n\n" if n == 2 else "")
            )
    yield _found(
        "typed", text + "\nSIGNATURES\n", file="filing.txt", first=INTRO, absent=("<PAGE>",)
    )
    yield _found(
        "typed-in-pre", f"<html><body><pre>\n{text}\nSIGNATURES\n</pre></body></html>", first=INTRO
    )
    head = "<SEC-DOCUMENT>0001.txt : 20080101\n<SEC-HEADER>\nACCESSION NUMBER:\t\t0000000001-08-000001\nCONFORMED SUBMISSION TYPE:\t10-K\nCONFORMED PERIOD OF REPORT:\t20071231\n\tCOMPANY CONFORMED NAME:\t\tEXAMPLE WIDGETS INC\n</SEC-HEADER>\n"
    yield _found(
        "submission-typed",
        f"{head}<DOCUMENT>\n<TYPE>EX-99\n<TEXT>\nITEM 1A. RISK FACTORS\n\nNone.\n</TEXT>\n</DOCUMENT>\n<DOCUMENT>\n<TYPE>10-K\n<TEXT>\n{text}\n</TEXT>\n</DOCUMENT>\n",
        file="filing.txt",
        first=INTRO,
    )
    section = annual(p(INTRO) + plain_factors(factors))
    yield _found(
        "submission-html",
        f"{head}<DOCUMENT>\n<TYPE>10-K\n<TEXT>\n{section}\n</TEXT>\n</DOCUMENT>\n",
        file="filing.txt",
        first=INTRO,
    )


def _indexes() -> Iterator[object]:
    factors = factor_texts(8)
    titles = (
        "ABOUT US",
        "MANAGEMENT’S DISCUSSION AND ANALYSIS",
        "RISK FACTORS",
        "LEGAL PROCEEDINGS",
        "PROPERTIES",
        "FINANCIAL STATEMENTS",
        "CONTROLS AND PROCEDURES",
    )
    made, number, starts = "", 1, {}
    for title in titles:
        starts[title] = number + 1
        made += f'<div><span style="font-weight:700;font-size:14pt">{title}</span></div>'
        if title == "RISK FACTORS":
            inner = p(INTRO) + _categories("<p><b>{}</b></p>", "<p><i>{}</i></p>")
        else:
            inner = p(prose(title, 9)) * 2
        number += 1
        made += inner + f"<div>Example Annual Report {number}</div><hr>"
        for _ in range(2):
            number += 1
            made += "" if title == "RISK FACTORS" else p(prose((title, number), 9))
            made += f"<div>Example Annual Report {number}</div><hr>"
    rows = "".join(
        f"<tr><td>Item {n}.</td><td>{t}</td><td>{page_of}</td></tr>"
        for n, t, page_of in (
            ("1", "Business", "2"),
            ("1A", "Risk Factors", "8-10"),
            ("1B", "Unresolved Staff Comments", "Not applicable"),
            ("2", "Properties", "14"),
            ("3", "Legal Proceedings", "11"),
            ("5", "Market for Registrant’s Common Equity", "3"),
            ("7", "Management’s Discussion and Analysis", "5"),
            ("8", "Financial Statements", "17"),
            ("9A", "Controls and Procedures", "20"),
            ("10", "Directors", "(a)"),
            ("15", "Exhibits", "21"),
        )
    )
    index = f"<p><b>Form 10-K Cross Reference Index</b></p><table>{rows}</table>"
    del factors
    yield _found("index-at-the-end", page(cover() + made + index), first=INTRO)
    yield _found("index-at-the-start", page(cover() + index + made), first=INTRO)
    run_in = made.replace("RISK FACTORS</span></div><p>", "RISK FACTORS. </span><span>", 1)
    for title in titles[3:]:
        run_in = run_in.replace(f"{title}</span></div><p>", f"{title}. </span><span>", 1)
    yield _found("index-run-in-titles", page(cover() + run_in + index), first=INTRO)
    own = made.replace("LEGAL PROCEEDINGS", "OUR PEOPLE").replace(
        "PROPERTIES", "SALES AND MARKETING"
    )
    yield _found("index-own-titles", page(cover() + own + index), first=INTRO)
    linked = index.replace("<td>Risk Factors</td>", '<td><a href="#rf1">Risk Factors</a></td>')
    anchored = made.replace("<div><span", '<div id="x"></div><div><span').replace(
        '<div id="x"></div><div><span style="font-weight:700;font-size:14pt">RISK',
        '<div id="rf1"></div><div><span style="font-weight:700;font-size:14pt">RISK',
    )
    yield _found("index-linked", page(cover() + anchored + linked), first=INTRO)
