# ruff: noqa: E501, RUF001 - filings as filers write them: long lines, typographic marks
"""Bytes become text, within bounds, and what cannot be a filing is refused with its reason."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import pipewarden as pw
from pipewarden.pipelines.filings.reading.contents import read_contents
from pipewarden.pipelines.filings.reading.decoding import decode
from pipewarden.pipelines.filings.reading.document import document_of
from pipewarden.pipelines.filings.reading.lines import html_lines, plain
from pipewarden.pipelines.filings.reading.paragraphs import html_paragraphs
from pipewarden.pipelines.filings.reading.submission import open_submission
from pipewarden.pipelines.filings.reading.visible import visible

TEXT = b"<html><body><p>Item 1. Business</p></body></html>"
BOMB = gzip.compress(b"\0" * 5_000_000)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.htm", b"", "empty_file"),
        ("a.htm", b" \r\n\t ", "empty_file"),
        ("a.html", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "binary"),
        ("a.html", b"\xff\xd8\xff\xe0 JFIF", "binary"),
        ("a.htm", b"%PDF-1.7 x", "binary"),
        ("a.htm", bytes(range(256)) * 20, "binary"),
        ("a.htm.gz", TEXT, "not_gzip"),
        ("a.htm.gz", gzip.compress(TEXT * 90)[:-30], "truncated_gzip"),
        ("a.htm.gz", gzip.compress(TEXT)[:-8] + b"\xff" * 8, "damaged_gzip"),
        ("a.htm.gz", gzip.compress(b""), "empty_file"),
        ("a.htm.gz", BOMB, "too_large"),
        ("a.htm", b"x" * 1_000_001, "too_large"),
    ],
)
def test_bytes_that_cannot_be_a_filing_are_refused(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(pw.BadInput) as refused:
        read_contents(path, max_bytes=1_000_000)
    assert refused.value.reason == reason
    assert name in refused.value.message


def test_gzip_is_recognised_by_its_bytes_and_read_to_its_last_member(tmp_path: Path) -> None:
    path = tmp_path / "a.htm"
    path.write_bytes(gzip.compress(TEXT) + gzip.compress(b"more"))
    assert read_contents(path, 1_000) == TEXT + b"more"


@pytest.mark.parametrize(
    "data",
    [
        "Café’s — €5".encode(),
        "Café’s — €5".encode("cp1252"),
        b'<meta charset="iso-8859-1">' + "Café’s — €5".encode("cp1252"),
        b'<meta charset="utf-8">' + "Café".encode() + "’s — €5".encode("cp1252"),
        "Café’s — €5".encode("utf-16"),
        b"\xef\xbb\xbf" + "Café’s — €5".encode(),
    ],
)
def test_every_encoding_of_a_text_is_read_the_same(data: bytes) -> None:
    assert decode(data).endswith("Café’s — €5")


def test_windows_numeric_references_are_punctuation_and_no_control_characters() -> None:
    assert plain("Company&#146;s &#147;risk&#148; &#150; x&#x92;s") == "Company’s “risk” – x’s"


def test_hidden_facts_comments_and_scripts_are_not_in_the_text() -> None:
    source = (
        "<html><head><title>T</title></head><body><div style='display: none'><ix:header><ix:hidden>"
        "<div>HID</div></ix:hidden></ix:header></div><!-- COM <p> --><script>var S</script>"
        "<p style='display:none'>GONE<p>kept</p><td style='display:none'/>too</body></html>"
    )
    text = " ".join(line.text for line in html_lines(visible(source)))
    assert text == "kept too"


def test_what_never_closes_is_left_visible() -> None:
    assert "shown" in visible("<!-- shown")
    assert "shown" in visible("<div style='display:none'>shown")


def test_cells_are_not_glued_and_inline_tags_do_not_part_words() -> None:
    source = "<table><tr><td>Item 1A.</td><td>R<b>ISK</b></td></tr></table>"
    assert [line.text for line in html_lines(source)] == ["Item 1A.", "RISK"]
    assert [p.text for p in html_paragraphs(source)] == ["Item 1A. RISK"]


def test_lines_know_where_they_stand() -> None:
    source = "<p>one</p>\n<div><b>two</b></div>three"
    lines = html_lines(source)
    assert [line.text for line in lines] == ["one", "two", "three"]
    for line in lines:
        assert (
            plain(source[line.start : line.end].replace("div", "b").replace("p>", "b>"))
            == line.text
        )


def test_a_submission_gives_its_header_and_its_main_document() -> None:
    text = (
        "<SEC-HEADER>\nACCESSION NUMBER:\t\t0000021344-98-000004\n\tCENTRAL INDEX KEY:\t\t0000021344\n"
        "</SEC-HEADER>\n<DOCUMENT>\n<TYPE>EX-13\n<TEXT>\nno\n</TEXT>\n</DOCUMENT>\n"
        "<DOCUMENT>\n<TYPE>10-K405\n<TEXT>\nyes\n</TEXT>\n</DOCUMENT>"
    )
    found = open_submission(text)
    assert found.header["CENTRAL INDEX KEY"] == "0000021344"
    assert (found.document_type, found.body.strip()) == ("10-K405", "yes")


def test_a_document_with_too_many_tags_is_refused() -> None:
    with pytest.raises(pw.BadInput) as refused:
        document_of("<div>" * 1_001, 5_005, max_tags=1_000)
    assert refused.value.reason == "too_many_tags"


def test_nesting_costs_no_stack(processed: Any) -> None:
    deep = "<html><p>FORM 10-K</p>" + "<div><b>" * 60_000 + "text"
    assert processed(deep).outcome == "ambiguous"


@given(st.binary(max_size=400))
@settings(max_examples=150)
def test_any_bytes_are_a_filing_or_refused(data: bytes) -> None:
    try:
        document_of(decode(data), len(data), max_tags=100)
    except pw.BadInput as error:
        assert error.reason == "too_many_tags"


_FRAGMENTS = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<b>",
        "<table>",
        "<tr>",
        "<td>",
        "</table>",
        "<!--",
        "-->",
        "<",
        ">",
        "&",
        "&#146;",
        "Item 1A. Risk Factors",
        "Item 1B. Unresolved Staff Comments",
        "Item 1.",
        "PART II",
        "12",
        "• ",
        "<hr>",
        "<div style='display:none'>",
        "</div>",
        "<pre>",
        "<DOCUMENT>",
        "<TYPE>10-K",
        "<TEXT>",
        "\n\n",
        "We may fail.",
        "FORM 10-K",
        "<a href='#x'>",
        "None.",
        "\f",
        "<br>",
        "é",
        "\u200b",
        " ",
    ]
)


@given(st.lists(_FRAGMENTS, max_size=60))
@settings(max_examples=200)
def test_any_pieces_of_filings_are_read_without_a_crash(pieces: list[str]) -> None:
    from pipewarden.pipelines.filings.sections.locate import outline_of
    from pipewarden.pipelines.filings.sections.section import paragraphs_of
    from pipewarden.pipelines.filings.segments.bounds import Bounds, within
    from pipewarden.pipelines.filings.segments.factors import drafts_of

    text = "".join(pieces)
    document = document_of(text, len(text), max_tags=1_000)
    for form in ("10-K", "10-Q"):
        outline = outline_of(document, form, "1A")
        if outline.span is not None:
            within(drafts_of(paragraphs_of(document, outline.span)), Bounds())
