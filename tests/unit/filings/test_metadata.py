# ruff: noqa: E501 - filings as filers write them: long lines, typographic marks
"""Metadata comes from the document before it comes from the user, and says from where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.pipelines.filings.metadata.facts import date_in, fiscal_year_of, form_in
from pipewarden.pipelines.filings.metadata.sic import sic_name

HEADER = (
    "<SEC-HEADER>\nACCESSION NUMBER:\t\t0000021344-98-000004\nCONFORMED SUBMISSION TYPE:\t10-K\n"
    "CONFORMED PERIOD OF REPORT:\t19971231\nCOMPANY CONFORMED NAME:\t\t\tSODA CO\nCENTRAL INDEX KEY:\t\t"
    "0000021344\nSTANDARD INDUSTRIAL CLASSIFICATION:\tBEVERAGES [2080]\n</SEC-HEADER>\n"
    "<DOCUMENT>\n<TYPE>10-K\n<TEXT>\n{}\n</TEXT>\n</DOCUMENT>"
)
IXBRL = (
    '<html><body><div style="display:none"><ix:header><ix:hidden><ix:nonNumeric contextRef="c" '
    'name="dei:EntityCentralIndexKey" id="f1">0000892832</ix:nonNumeric><ix:nonNumeric name="dei:AmendmentFlag" '
    'contextRef="c">true</ix:nonNumeric><ix:nonNumeric contextRef="c" name="dei:DocumentFiscalYearFocus">2021'
    "</ix:nonNumeric></ix:hidden></ix:header></div><p>FORM <ix:nonNumeric contextRef='c' name='dei:DocumentType'>"
    '10-K/A</ix:nonNumeric></p><p>For the fiscal year ended <ix:nonNumeric name="dei:DocumentPeriodEndDate" '
    'contextRef="c" format="ixt:date">December&#160;31, <span>2021</span></ix:nonNumeric></p><p><ix:nonNumeric '
    'name="dei:EntityRegistrantName" contextRef="c"><b>SHELL &amp; SON</b></ix:nonNumeric></p></body></html>'
)


def test_the_sgml_header_wins_over_the_cover(filing_paper: Any, processed: Any) -> None:
    filing = processed(HEADER.format(filing_paper.annual("")), "a.txt")
    known = filing.metadata
    assert (known.cik, known.company_name) == ("21344", "SODA CO")
    assert (known.sic_code, known.sic_name) == ("2080", "BEVERAGES")
    assert known.accession_number == "0000021344-98-000004"
    assert (known.period_of_report, known.fiscal_year) == ("1997-12-31", 1997)
    assert set(known.provenance.values()) == {"sgml_header"}


def test_inline_xbrl_facts_are_read_hidden_or_shown(processed: Any) -> None:
    known = processed(IXBRL).metadata
    assert (known.cik, known.company_name, known.form_type) == ("892832", "SHELL & SON", "10-K/A")
    assert (known.period_of_report, known.fiscal_year) == ("2021-12-31", 2021)
    assert known.is_amendment
    assert set(known.provenance.values()) == {"ixbrl"}


def test_the_cover_page_is_read_as_a_person_reads_it(filing_paper: Any, processed: Any) -> None:
    known = processed(filing_paper.page(filing_paper.cover("10-K405", "June 30, 1999"))).metadata
    assert (known.company_name, known.form_type) == ("EXAMPLE WIDGETS, INC.", "10-K405")
    assert (known.period_of_report, known.fiscal_year) == ("1999-06-30", 1999)
    assert known.provenance["company_name"] == "cover_page"
    assert known.cik is None


def test_a_csv_supplies_only_what_the_document_does_not_say(
    tmp_path: Path, filing_paper: Any, processed: Any
) -> None:
    table = tmp_path / "index.csv"
    table.write_text(
        "file,company,cik,form,fiscal_year,sic\nfiling.htm.gz,Other Name,0000123,10-Q,1990,3571\n"
    )
    known = processed(filing_paper.annual(""), metadata=table).metadata
    assert known.company_name == "EXAMPLE WIDGETS, INC."
    assert (known.cik, known.provenance["cik"]) == ("123", "metadata_file")
    assert (known.sic_code, known.sic_name) == ("3571", "Electronic Computers")
    assert (known.form_type, known.fiscal_year) == ("10-K", 2019)


def test_a_rule_over_file_names_supplies_metadata(filing_paper: Any, processed: Any) -> None:
    rule = r"(?P<cik>\d+)_(?P<accession>[\d-]+)\.htm$"
    known = processed(
        filing_paper.annual(""), "77_0000000077-20-000001.htm", file_name=rule
    ).metadata
    assert (known.cik, known.accession_number) == ("77", "0000000077-20-000001")
    assert known.provenance["cik"] == "file_name"


@pytest.mark.parametrize("rule", ["(", "no groups", "(?P<colour>x)"])
def test_a_rule_that_names_no_field_is_refused(rule: str, processed: Any) -> None:
    with pytest.raises(pw.InvalidSettings):
        processed("<p>FORM 10-K</p>", file_name=rule)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("ended December 31, 2003", "2003-12-31"),
        ("31 March 2010", "2010-03-31"),
        ("12/31/99", "1999-12-31"),
        ("2024-02-29", "2024-02-29"),
        ("20240229", "2024-02-29"),
        ("Sept. 27 2025", "2025-09-27"),
        ("February 30, 2010", None),
        ("soon", None),
    ],
)
def test_dates_are_read_in_the_forms_that_filers_use(text: str, date: str | None) -> None:
    assert date_in(text) == date


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("FORM 10-K", "10-K"),
        ("Form 10 - Q", "10-Q"),
        ("10-K405", "10-K405"),
        ("10-KSB", "10-KSB"),
        ("10-K/A", "10-K/A"),
        ("FORM 10-Q/A (Amendment No. 1)", "10-Q/A"),
        ("S-1", None),
    ],
)
def test_form_types_are_normalised(text: str, form: str | None) -> None:
    assert form_in(text) == form


def test_a_year_that_spills_into_january_is_the_year_before() -> None:
    assert fiscal_year_of("2017-01-01") == 2016
    assert fiscal_year_of("2010-01-31") == 2010


def test_unknown_sic_codes_have_no_name() -> None:
    assert sic_name("4011") == "Railroads, Line-Haul Operating"
    assert sic_name("0001") is None
