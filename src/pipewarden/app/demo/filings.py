"""Invented SEC filings, some good, some broken, always the same: what the demonstration runs on."""

from __future__ import annotations

import random
import struct
import textwrap
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

_SEED = 20251228
_FILLER_PARAGRAPHS = 330
_PAGE = 9

_TEN_K = (
    ("1", "Business"),
    ("1A", "Risk Factors"),
    ("1B", "Unresolved Staff Comments"),
    ("1C", "Cybersecurity"),
    ("2", "Properties"),
    ("3", "Legal Proceedings"),
    ("4", "Mine Safety Disclosures"),
    ("5", "Market for Registrant's Common Equity and Related Stockholder Matters"),
    ("7", "Management's Discussion and Analysis of Financial Condition"),
    ("7A", "Quantitative and Qualitative Disclosures About Market Risk"),
    ("8", "Financial Statements and Supplementary Data"),
    ("9A", "Controls and Procedures"),
    ("10", "Directors, Executive Officers and Corporate Governance"),
    ("15", "Exhibits and Financial Statement Schedules"),
)
_RISKS = (
    ("Risks Related to Our Business", "Our suppliers may fail to deliver on time"),
    ("Risks Related to Our Business", "We depend on a small number of large customers"),
    ("Risks Related to Our Business", "Fluctuations in the cost of energy may reduce our margins"),
    ("Risks Related to Our Business", "A failure of our plants could interrupt our deliveries"),
    ("Risks Related to Technology", "A breach of our systems could expose customers' data"),
    ("Risks Related to Technology", "We may be unable to protect our intellectual property"),
    ("Risks Related to Law and Regulation", "Changes in trade policy could raise our costs"),
    ("Risks Related to Law and Regulation", "We are subject to claims that we may not win"),
    ("Risks Related to Our Shares", "The price of our shares has been and may remain volatile"),
)
_ADDED = ("Risks Related to Our Shares", "We may not be able to pay dividends in the future")
_SUBJECTS = ("our suppliers", "our largest customers", "competitors", "regulators", "lenders")
_VERBS = ("could delay", "may refuse", "might reconsider", "may change", "could withdraw from")
_OBJECTS = ("planned deliveries", "existing contracts", "prices that we rely on", "new projects")
_RESULTS = (
    "which could materially harm our results of operations",
    "and we cannot predict the effect on our revenue",
    "and any such event could adversely affect our financial condition",
    "which would increase our costs and reduce our margins",
)
_NOT_REQUIRED = "Not required for smaller reporting companies."
_FACTS = (
    "sales volume",
    "freight rates",
    "headcount",
    "inventory",
    "store traffic",
    "order intake",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One file of the demonstration: its name, its bytes, and what is special about it."""

    name: str
    data: bytes
    about: str


@dataclass(frozen=True, slots=True)
class _Company:
    name: str
    cik: str
    state: str
    year: int
    risks: tuple[tuple[str, str], ...] = _RISKS


_HARBOUR = _Company("Northgate Harbor Foods, Inc.", "0009900101", "Delaware", 2024)
_LOOM = _Company("Silver Loom Textiles Corporation", "0009900102", "Ohio", 2024)
_QUARRY = _Company("Bluequarry Minerals Ltd.", "0009900103", "Nevada", 2023, _RISKS[:6])
_LANTERN = _Company("Paper Lantern Robotics, Inc.", "0009900104", "California", 2024)
_BROOK = _Company("Brookside Lamp Works, Inc.", "0009900105", "Vermont", 2024)
_EVENFIELD = _Company("Evenfield Garden Tools, Inc.", "0009900107", "Iowa", 2024)


def samples() -> list[Sample]:
    """Return the files, good ones first."""
    good = _ten_k(_HARBOUR)
    within_risks = good.index(_RISKS[6][1].encode()) + 2_000
    return [
        Sample("harbor_10-K_2024.htm", good, "a 10-K with nine risk factors"),
        Sample("loom_10-K_2024.htm", _ten_k(_LOOM), "another, to be changed later"),
        Sample("quarry_10-K_2023.htm", _ten_k(_QUARRY), "one with six risk factors"),
        Sample("lantern_10-Q_2024Q2.htm", _ten_q(_LANTERN), "a 10-Q without material changes"),
        Sample(
            "small/brook_10-K_2024.htm",
            _ten_k(_BROOK, _NOT_REQUIRED),
            "a smaller reporting company, no Item 1A",
        ),
        Sample("small/kiln_10-K_2022.txt", _submission(), "a full submission with SGML header"),
        Sample("broken/empty.htm", b"", "no bytes at all"),
        Sample("broken/picture.html", _picture(), "an image under a false name"),
        Sample("broken/truncated.htm", good[:within_risks], "cut off within its risk factors"),
        Sample(
            "broken/nameless.htm", _ten_k(replace(_EVENFIELD, name="")), "no company name anywhere"
        ),
        Sample("broken/unclear.htm", _unclear(), "Item 1A is announced and never comes"),
        Sample("quarry_10-K_2023_copy.htm", _ten_k(_QUARRY), "the same filing a second time"),
    ]


def revisions() -> list[Sample]:
    """Return new versions of two files: one filing with a risk factor more, one file mended."""
    longer = replace(_LOOM, risks=(*_RISKS, _ADDED))
    return [
        Sample("loom_10-K_2024.htm", _ten_k(longer), "one more risk factor"),
        Sample("broken/nameless.htm", _ten_k(_EVENFIELD), "the company's name is there now"),
    ]


def _ten_k(company: _Company, instead_of_risks: str = "") -> bytes:
    words = _words(company)
    cover = _cover(company, "10-K") if company.name else ["<p><b>FORM 10-K</b></p>"]
    blocks = [*cover, *_contents()]
    for number, title in _TEN_K:
        blocks.append(f'<p id="i{number}"><b>Item {number}. {title}</b></p>')
        if number != "1A":
            blocks += _filler(words, number)
        elif instead_of_risks:
            blocks.append(f"<p>{instead_of_risks}</p>")
        else:
            blocks += _risk_factors(words, company)
    return _page_by_page([*blocks, *_signature(company)])


def _ten_q(company: _Company) -> bytes:
    words = _words(company)
    parts = (
        ("PART I", ("1", "Financial Statements"), 320),
        ("", ("2", "Management's Discussion and Analysis of Financial Condition"), 60),
        ("", ("4", "Controls and Procedures"), 4),
        ("PART II", ("1", "Legal Proceedings"), 3),
        ("", ("1A", "Risk Factors"), 0),
        ("", ("6", "Exhibits"), 2),
    )
    blocks = [*_cover(company, "10-Q")]
    for part, (number, title), paragraphs in parts:
        if part:
            blocks.append(f"<p align='center'><b>{part}</b></p>")
        blocks.append(f"<p><b>Item {number}. {title}</b></p>")
        blocks += [f"<p>{_statement(words)}</p>" for _ in range(paragraphs)]
        if number == "1A":
            blocks.append(
                "<p>There have been no material changes to the risk factors disclosed in our "
                f"Annual Report on Form 10-K for the year ended December 31, {company.year - 1}."
                "</p>"
            )
    return _page_by_page([*blocks, *_signature(company)])


def _submission() -> bytes:
    company = _Company("Old Kiln Ceramics Co.", "0009900106", "Maine", 2022, _RISKS[:5])
    words = _words(company)
    lines = [
        "FORM 10-K",
        f"Annual report for the fiscal year ended December 31, {company.year}",
        company.name.upper(),
    ]
    for number, title in _TEN_K:
        lines.append(f"ITEM {number}. {title.upper()}")
        if number != "1A":
            lines += [_statement(words) for _ in range(_paragraphs_of(number))]
            continue
        for _, heading in company.risks:
            lines += [f"{heading}.", _worry(words, 5), _worry(words, 4)]
    text = "\n\n".join(textwrap.fill(line, 78) for line in lines)
    header = (
        "<SEC-DOCUMENT>0009900106-23-000007.txt : 20230228\n<SEC-HEADER>\n"
        "ACCESSION NUMBER:\t\t0009900106-23-000007\nCONFORMED SUBMISSION TYPE:\t10-K\n"
        f"CONFORMED PERIOD OF REPORT:\t{company.year}1231\nFILED AS OF DATE:\t\t20230228\n\n"
        f"FILER:\n\n\tCOMPANY DATA:\n\t\tCOMPANY CONFORMED NAME:\t\t\t{company.name.upper()}\n"
        f"\t\tCENTRAL INDEX KEY:\t\t\t{company.cik}\n"
        "\t\tSTANDARD INDUSTRIAL CLASSIFICATION:\tPOTTERY & RELATED PRODUCTS [3260]\n"
        "</SEC-HEADER>\n<DOCUMENT>\n<TYPE>10-K\n<SEQUENCE>1\n<TEXT>\n"
    )
    return f"{header}{text}\n</TEXT>\n</DOCUMENT>\n</SEC-DOCUMENT>\n".encode()


def _unclear() -> bytes:
    company = _Company("Halfway Bridge Holdings, Inc.", "0009900108", "Texas", 2024)
    words = _words(company)
    blocks = [*_cover(company, "10-K"), *_contents()]
    for number, title in (("1", "Business"), ("8", "Financial Statements")):
        blocks.append(f"<p><b>Item {number}. {title}</b></p>")
        blocks += [f"<p>{_statement(words)}</p>" for _ in range(_FILLER_PARAGRAPHS // 2)]
    return _page_by_page(blocks)


def _picture() -> bytes:
    """Return a picture of 64 by 64 grey points in the PNG format."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
    rows = zlib.compress(bytes(64 * 65))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _words(company: _Company) -> random.Random:
    return random.Random(f"{_SEED}{company.cik}")  # noqa: S311 - sample text, no secret


# ── parts of a filing ────────────────────────────────────────────────────────────────────────────


def _cover(company: _Company, form: str) -> list[str]:
    kind, period = ("ANNUAL", f"fiscal year ended December 31, {company.year}")
    if form == "10-Q":
        kind, period = ("QUARTERLY", f"quarterly period ended June 30, {company.year}")
    return [
        "<p>UNITED STATES<br>SECURITIES AND EXCHANGE COMMISSION<br>Washington, D.C. 20549</p>",
        f"<p><b>FORM {form}</b></p>",
        f"<p>{kind} REPORT PURSUANT TO SECTION 13 OR 15(d)<br>For the {period}</p>",
        f"<p><b>{company.name}</b><br>(Exact name of registrant as specified in its charter)</p>",
        f"<p>{company.state}<br>(State or other jurisdiction of incorporation)</p>",
        f"<p>Central Index Key: {company.cik}</p>",
    ]


def _contents() -> list[str]:
    rows = "".join(
        f'<tr><td><a href="#i{number}">Item {number}.</a></td><td>{title}</td><td>{page}</td></tr>'
        for page, (number, title) in enumerate(_TEN_K, 3)
    )
    return [f'<p id="toc"><b>TABLE OF CONTENTS</b></p><table>{rows}</table>']


def _risk_factors(words: random.Random, company: _Company) -> Iterator[str]:
    yield f"<p>{_worry(words, 3)}</p>"
    category = ""
    for group, heading in company.risks:
        if group != category:
            category = group
            yield f"<p align='center'><b><i>{group}</i></b></p>"
        yield f"<p><b>{heading}.</b></p>"
        for _ in range(words.randint(2, 4)):
            yield f"<p>{_worry(words, words.randint(3, 5))}</p>"


def _filler(words: random.Random, number: str) -> list[str]:
    return [f"<p>{_statement(words)}</p>" for _ in range(_paragraphs_of(number))]


def _paragraphs_of(number: str) -> int:
    return {"1": 60, "7": 90, "8": 140}.get(number, (_FILLER_PARAGRAPHS - 290) // 11 + 1)


def _signature(company: _Company) -> list[str]:
    return ["<p><b>SIGNATURES</b></p>", f"<p>{company.name}<br>By: /s/ A. N. Officer</p>"]


def _worry(words: random.Random, sentences: int) -> str:
    return " ".join(
        f"In {words.choice(('any year', 'a downturn', 'a dispute', 'some markets'))}, "
        f"{words.choice(_SUBJECTS)} {words.choice(_VERBS)} {words.choice(_OBJECTS)}, "
        f"{words.choice(_RESULTS)}."
        for _ in range(sentences)
    )


def _statement(words: random.Random) -> str:
    return " ".join(
        f"Our {words.choice(_FACTS)} {words.choice(('rose', 'fell'))} by "
        f"{words.randint(1, 90) / 10}% to ${words.randint(10, 900)}.{words.randint(0, 9)} million "
        f"compared with the year before, as {words.choice(_FACTS)} in region "
        f"{words.randint(1, 40)} developed as we had planned."
        for _ in range(4)
    )


def _page_by_page(blocks: list[str]) -> bytes:
    """Return the document with a page number, a break and a running header every few blocks."""
    held = ["<html><head><title>Filing</title></head><body>"]
    for number, block in enumerate(blocks, 1):
        held.append(block)
        if number % _PAGE == 0:
            held.append(f'<p align="center">{number // _PAGE}</p>')
            held.append(
                '<hr style="page-break-after:always"><p><a href="#toc">Table of Contents</a></p>'
            )
    held.append("</body></html>")
    return "\n".join(held).encode()
