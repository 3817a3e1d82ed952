"""Which filings a company has, from records that may be odd."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from edgar_stub import EdgarStub, columns, row, status

from pipewarden.pipelines.filings.edgar.answers import BadAnswer, Refused, UnknownCompany
from pipewarden.pipelines.filings.edgar.client import EdgarClient
from pipewarden.pipelines.filings.edgar.submissions import (
    Company,
    Filing,
    Wanted,
    find_ciks,
    list_filings,
    parse_cik,
)

RECORD = "/submissions/CIK0000000042.json"


def years(client: EdgarClient, **wanted: Any) -> list[int]:
    listing = list_filings(client, 42, Wanted(**wanted))
    assert listing.problems == []
    return [filing.period_end.year for filing in listing.filings if filing.period_end]


def filing(form: str = "10-K", end: str = "2024-12-31", **changes: Any) -> Filing:
    company = Company(42, "Widget", "3571", "Computers", changes.pop("year_end", "1231"))
    facts = {
        "company": company,
        "form": form,
        "filed": date(2025, 2, 15),
        "period_end": date.fromisoformat(end) if end else None,
        "accession": "0000000042-25-000001",
        "primary_document": "widget.htm",
    }
    return Filing(**(facts | changes))


def test_only_the_forms_asked_for_are_listed_newest_first(
    client: EdgarClient, stub: EdgarStub
) -> None:
    stub.company(42, [row(1, 2021), row(2, 2023), row(3, 2023, "10-Q"), row(4, 2022)])
    assert years(client) == [2023, 2022, 2021]
    assert years(client, forms=frozenset({"10-Q"})) == [2023]
    assert years(client, since=date(2023, 1, 1)) == [2023, 2022]
    assert years(client, limit=1) == [2023]


def test_amendments_come_on_request_or_by_name(client: EdgarClient, stub: EdgarStub) -> None:
    stub.company(42, [row(1, 2023), row(2, 2022, "10-K/A"), row(3, 2021, "10-Q/A")])
    assert years(client) == [2023]
    assert years(client, amendments=True) == [2023, 2022]
    assert years(client, forms=frozenset({"10-K/A"})) == [2022]


def test_older_pages_are_asked_for_only_as_far_as_needed(
    client: EdgarClient, stub: EdgarStub
) -> None:
    pages = [
        {"name": f"CIK0000000042-submissions-00{n}.json", "filingTo": f"{year + 1}-06-30"}
        for n, year in ((1, 2019), (2, 2010))
    ]
    listing = {"recent": columns([row(9, 2023)]), "files": pages}
    stub.company(42, [], filings=listing)
    for n, year in ((1, 2019), (2, 2010)):
        stub.put(f"/submissions/CIK0000000042-submissions-00{n}.json", columns([row(n, year)]))
    assert years(client, limit=1) == [2023]
    assert len(stub.paths("submissions-00")) == 0
    assert years(client, since=date(2015, 1, 1)) == [2023, 2019]
    assert len(stub.paths("submissions-00")) == 1
    assert years(client) == [2023, 2019, 2010]


def test_an_older_page_that_fails_is_named_and_the_rest_is_listed(
    client: EdgarClient, stub: EdgarStub
) -> None:
    page = {"name": "CIK0000000042-submissions-001.json", "filingTo": "2010-01-01"}
    stub.company(42, [], filings={"recent": columns([row(1, 2023)]), "files": [page]})
    listing = list_filings(client, 42, Wanted())
    assert len(listing.filings) == 1
    assert "submissions-001.json does not exist" in listing.problems[0].message
    stub.put("/submissions/CIK0000000042-submissions-001.json", ["not", "columns"])
    assert "not a page" in list_filings(client, 42, Wanted()).problems[0].message


@pytest.mark.parametrize(
    "changes",
    [
        {"accessionNumber": "../../etc/passwd"},
        {"filingDate": "yesterday"},
        {"reportDate": "2023-13-45"},
        {"filingDate": 5},
    ],
)
def test_a_row_that_is_no_filing_is_named_and_the_others_are_listed(
    client: EdgarClient, stub: EdgarStub, changes: dict[str, Any]
) -> None:
    stub.put(
        RECORD,
        {"filings": {"recent": columns([row(1, 2022), row(2, 2023) | changes])}},
    )
    listing = list_filings(client, 42, Wanted())
    assert [f.accession for f in listing.filings] == ["0000000042-22-000001"]
    assert len(listing.problems) == 1


@pytest.mark.parametrize(
    "record",
    [
        [],
        {},
        {"filings": None},
        {"filings": {"recent": {}}},
        {"filings": {"recent": columns([row(1, 2023)]) | {"form": []}}},
        {"filings": {"recent": columns([]), "files": [{"name": "../../../x.json"}]}},
        {"filings": {"recent": columns([]), "files": [{}]}},
    ],
)
def test_a_record_of_another_shape_is_no_record(
    client: EdgarClient, stub: EdgarStub, record: Any
) -> None:
    stub.put(RECORD, record)
    with pytest.raises(BadAnswer, match="not a record of submissions"):
        list_filings(client, 42, Wanted())


def test_what_a_terminal_would_obey_is_taken_out_of_names(
    client: EdgarClient, stub: EdgarStub
) -> None:
    stub.company(42, [row(1, 2023)], name="Wid\x1b[31mget\r\nInc\u202e", sic=None)
    company = list_filings(client, 42, Wanted()).filings[0].company
    assert (company.name, company.sic) == ("Wid[31mgetInc", "")


def test_tickers_are_found_and_unknown_ones_are_all_named(
    client: EdgarClient, stub: EdgarStub
) -> None:
    table = {"0": {"cik_str": 42, "ticker": "WDGT"}, "1": {"cik_str": 7, "ticker": "BRK-B"}}
    stub.put("/files/company_tickers.json", table)
    assert find_ciks(client, ["wdgt", "BRK.B"]) == [42, 7]
    with pytest.raises(UnknownCompany, match="no NOPE, NADA") as caught:
        find_ciks(client, ["WDGT", "nope", "nada"])
    assert caught.value.exit_code == 2
    stub.put("/files/company_tickers.json", {"0": {"title": "no ticker"}})
    with pytest.raises(BadAnswer, match="not a list of tickers"):
        find_ciks(client, ["WDGT"])


@pytest.mark.parametrize("text", ["320193", "0000320193", "CIK0000320193", " cik320193 "])
def test_a_cik_may_be_written_in_several_ways(text: str) -> None:
    assert parse_cik(text) == 320193


@pytest.mark.parametrize("text", ["", "0", "AAPL", "12345678901", "-5", "³", "../1"])
def test_what_is_no_cik_is_refused(text: str) -> None:
    with pytest.raises(UnknownCompany):
        parse_cik(text)


@pytest.mark.parametrize(
    ("form", "end", "year_end", "expected"),
    [
        ("10-K", "2024-12-31", "1231", 2024),
        ("10-K", "2017-01-01", "1231", 2016),
        ("10-K", "2025-09-27", "0926", 2025),
        ("10-K", "2010-01-31", "0131", 2010),
        ("10-K", "2024-12-31", "", 2024),
        ("10-K", "", "1231", None),
        ("10-Q", "2026-06-27", "0926", 2026),
        ("10-Q", "2025-12-27", "0926", 2026),
        ("10-Q", "2025-06-30", "1231", 2025),
        ("10-Q/A", "2024-05-31", "0229", 2025),
        ("10-Q", "2024-10-01", "0103", 2024),
        ("10-Q", "2025-06-30", "", None),
        ("10-Q", "2025-06-30", "9999", None),
    ],
)
def test_the_fiscal_year_is_named_by_the_year_in_which_it_ends(
    form: str, end: str, year_end: str, expected: int | None
) -> None:
    assert filing(form, end, year_end=year_end).fiscal_year == expected


def test_names_and_addresses_of_a_filing() -> None:
    amended = filing("10-K/A", primary_document="Form 10-K (final).HTM")
    assert amended.file_name == "42_10-K-A_2024-12-31_0000000042-25-000001.htm"
    assert amended.url("https://www.sec.gov") == (
        "https://www.sec.gov/Archives/edgar/data/42/000000004225000001/Form%2010-K%20%28final%29.HTM"
    )
    old = filing(end="", primary_document="")
    assert old.file_name == "42_10-K_no-period_0000000042-25-000001.txt"
    assert old.url("").endswith("/000000004225000001/0000000042-25-000001.txt")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../../../etc/passwd.htm", "unsafe_name"),
        ("..htm", "unsafe_name"),
        ("/etc/passwd.txt", "unsafe_name"),
        ("a\\b.htm", "unsafe_name"),
        ("C:x.htm", "unsafe_name"),
        ("a%2e%2e.htm", "unsafe_name"),
        ("a?b.htm", "unsafe_name"),
        ("a\n.htm", "unsafe_name"),
        ("a\0.htm", "unsafe_name"),
        ("scan.pdf", "unsupported_format"),
        ("paper", "unsupported_format"),
    ],
)
def test_a_document_name_that_is_not_plain_is_refused(name: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        _ = filing(primary_document=name).file_name
    assert caught.value.reason == reason


def test_a_company_that_edgar_does_not_have_is_not_found(
    client: EdgarClient, stub: EdgarStub
) -> None:
    stub.put(RECORD, {}, status(404))
    with pytest.raises(Exception, match="does not exist"):
        list_filings(client, 42, Wanted())
