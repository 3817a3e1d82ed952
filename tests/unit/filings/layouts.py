# ruff: noqa: E501 - filings as filers write them: long lines, typographic marks
"""More layouts of risk factors and contents, each a general rule that once was missing or might be."""

from __future__ import annotations

import sys
from collections.abc import Iterator

paper = sys.modules["filings_paper"]
p, annual, pf, page, cover, contents = (
    paper.p,
    paper.annual,
    paper.plain_factors,
    paper.page,
    paper.cover,
    paper.contents,
)
body, prose, INTRO, ITEMS, LAST = paper.body, paper.prose, paper.INTRO, paper.ITEMS, paper.LAST
F = paper.factor_texts(6)


def variants() -> Iterator[object]:
    """Yield every variant; all but one hold the same six factors."""
    for name, content in _contents().items():
        yield paper.Variant(f"layout-{name}", content, "found", 6, last=LAST)
    bare = annual("", heading="<p><b>Item 1A. Risk Factors (not required)</b></p>")
    yield paper.Variant("layout-not-required-in-title", bare, "not_applicable")


def _contents() -> dict[str, str]:
    C: dict[str, str] = {}
    C["bullet-bold-runin"] = annual(
        p(INTRO) + "".join(p(f"• <b>{h}</b> {' '.join(t)}") for h, t in F)
    )
    C["two-sentence-heads"] = annual(
        p(INTRO) + pf([(h + " " + h, t) for h, t in F], "<p><b>{}</b></p>")
    )
    C["mixed-emph"] = annual(
        p(INTRO) + pf([(h.replace(" ", " <i>", 1) + "</i>", t) for h, t in F], "<p><b>{}</b></p>")
    )
    C["cat-no-risk"] = annual(
        p(INTRO)
        + "<p><b>Our Business and Industry</b></p>"
        + pf(F[:3], "<p><b>{}</b></p>")
        + "<p><b>Our Common Stock</b></p>"
        + pf(F[3:], "<p><b>{}</b></p>")
    )
    C["cat-no-risk-intro"] = annual(
        p(INTRO)
        + "<p><b>Our Business and Industry</b></p>"
        + p(prose(1, 3))
        + pf(F[:3], "<p><i>{}</i></p>")
        + "<p><b>Our Common Stock</b></p>"
        + p(prose(2, 3))
        + pf(F[3:], "<p><i>{}</i></p>")
    )
    toc = "".join(p(f'<a href="#i{n}">Item {n}. {t}</a>') for n, t in ITEMS)
    C["toc-links"] = page(cover() + toc + body(p(INTRO) + pf(F)))
    toc2 = "".join(p(f"Item {n}. {t} {k * 3}") for k, (n, t) in enumerate(ITEMS, 1))
    C["toc-paras"] = page(cover() + toc2 + body(p(INTRO) + pf(F)))
    C["two-tocs"] = page(cover() + contents() + toc2 + body(p(INTRO) + pf(F)))
    C["toc-noitem"] = page(cover() + contents(word="") + body(p(INTRO) + pf(F)))
    C["body-tables"] = page(
        cover()
        + contents()
        + body(
            p(INTRO) + pf(F),
            heading="<table><tr><td><b>ITEM 1A.</b></td><td></td><td><b>RISK FACTORS</b></td></tr></table>",
            form="<table><tr><td><b>ITEM {}.</b></td><td><b>{}</b></td></tr></table>",
        )
    )
    C["underline-colon"] = annual(
        p(INTRO) + "".join(p(f"<u>{h[:-1]}</u>: {t[0]}") + "".join(map(p, t[1:])) for h, t in F)
    )
    C["size-only"] = annual(
        p(INTRO) + pf(F, '<p><span style="font-size:12pt;color:#0000ff">{}</span></p>')
    )
    C["h3"] = annual(p(INTRO) + pf(F, "<h3>{}</h3>"))
    C["small-but-factors"] = annual(
        p(
            "As a smaller reporting company, we are not required to provide this information. However, we note these:"
        )
        + pf(F)
    )
    C["color-bold-cat"] = annual(
        p(INTRO)
        + '<p style="font-size:14pt"><b>Strategic risks</b></p>'
        + p(prose(5, 2))
        + pf(F[:3], '<p style="font-size:10pt"><b>{}</b></p>')
        + '<p style="font-size:14pt"><b>Financial matters</b></p>'
        + p(prose(6, 2))
        + pf(F[3:], '<p style="font-size:10pt"><b>{}</b></p>')
    )
    C["part2-follows"] = page(
        cover()
        + body(p(INTRO) + pf(F), skip=("1B", "2", "3", "4")).replace(
            "<p><b>Item 5.", "<p><b>PART II</b></p><p><b>Item 5."
        )
    )
    C["item-header-pages"] = annual(
        p(INTRO)
        + "".join(
            f"<p><b>{h}</b></p>"
            + "".join(map(p, t))
            + f"<p align=center>{n + 9}</p><hr><p>Table of Contents</p><p align=right>EXAMPLE WIDGETS, INC.</p>"
            for n, (h, t) in enumerate(F)
        )
    )
    C["bold-in-b-dash"] = annual(
        p(INTRO) + "".join(p(f"<b>{h[:-1]}</b> — {t[0]}") + "".join(map(p, t[1:])) for h, t in F)
    )
    C["div-br"] = annual(
        p(INTRO)
        + "".join(
            f"<div><b>{h}</b><br/><br/>" + "<br/><br/>".join(t) + "<br/><br/></div>" for h, t in F
        )
    )
    C["quote-heads"] = annual(
        p(INTRO) + pf([("“" + h[:-1] + "”", t) for h, t in F], "<p><b>{}</b></p>")
    )
    C["summary-nohead"] = annual(
        p(INTRO) + "".join(p("• " + h) for h in paper.HEADINGS) + pf(F, "<p><b>{}</b></p>")
    )
    C["summary-table"] = annual(
        "<p><b>Summary of Risk Factors</b></p>"
        + "".join(f"<table><tr><td>•</td><td>{h}</td></tr></table>" for h in paper.HEADINGS)
        + "<p><b>Risks Related to Our Business</b></p>"
        + pf(F, "<p><b><i>{}</i></b></p>")
    )
    C["no-1-then"] = annual(
        p(INTRO) + pf(F), form="<p><b>{}. {}</b></p>\n", heading="<p><b>1A. Risk Factors</b></p>"
    )
    C["nested-table-layout"] = (
        "<html><body><table><tr><td>"
        + cover()
        + contents()
        + body(p(INTRO) + pf(F))
        + "</td></tr></table></body></html>"
    )
    tabled = [
        (
            h,
            [
                *t[:1],
                "<table><tr><td>Year</td><td>2018</td><td>2019</td></tr><tr><td>Sales</td><td>12</td><td>14</td></tr></table>",
                *t[1:],
            ],
        )
        for h, t in F
    ]
    C["data-table"] = annual(
        p(INTRO)
        + "".join(
            f"<p><b>{h}</b></p>" + "".join(x if x.startswith("<t") else p(x) for x in t)
            for h, t in tabled
        )
    )
    return C
