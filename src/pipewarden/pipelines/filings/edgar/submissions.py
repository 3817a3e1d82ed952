"""What EDGAR has: which company a ticker is, and which filings a company made.

Source: "EDGAR Application Programming Interfaces", https://www.sec.gov/search-filings/edgar-application-programming-interfaces
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from pipewarden.pipelines.filings.edgar.answers import (
    BadAnswer,
    EdgarError,
    Refused,
    UnknownCompany,
)
from pipewarden.pipelines.filings.edgar.client import EdgarClient

_ACCESSION = re.compile(r"\d{10}-\d{2}-\d{6}")
_PAGE = re.compile(r"CIK\d{10}-submissions-\d{3}\.json")
#: A plain file name: no folder, no drive, nothing that an address or a file system reads apart.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_(\[][A-Za-z0-9_ ,.+()\[\]-]*")
_SUFFIXES = frozenset({".htm", ".html", ".txt"})
_COLUMNS = ("accessionNumber", "filingDate", "reportDate", "form", "primaryDocument")
#: Years of 52 or 53 weeks end up to a week away from the nominal day.
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Company:
    """A registrant, as EDGAR describes it today."""

    cik: int
    name: str
    #: Standard Industrial Classification code and its name; empty when EDGAR states none.
    sic: str
    sic_name: str
    #: Month and day on which its fiscal years nominally end (``MMDD``), or empty.
    fiscal_year_end: str


@dataclass(frozen=True, slots=True)
class Filing:
    """One filing, with the file name of its main document."""

    company: Company
    form: str
    filed: date
    #: The end of the period that it reports on, where EDGAR states one.
    period_end: date | None
    accession: str
    #: Empty for filings of the years before EDGAR named it: the full submission stands in.
    primary_document: str

    @property
    def suffix(self) -> str:
        """How the name of its main document ends.

        Raises
        ------
        Refused
            The name that EDGAR gives is not a plain file name, or of no format that we read.
        """
        if not self.primary_document:
            return ".txt"
        if not _PLAIN_NAME.fullmatch(self.primary_document):
            raise Refused(
                f"the document name {self.primary_document!r} is not a plain file name",
                reason="unsafe_name",
            )
        suffix = PurePosixPath(self.primary_document).suffix.lower()
        if suffix not in _SUFFIXES:
            raise Refused(
                f"the document {self.primary_document!r} is neither HTML nor text",
                reason="unsupported_format",
            )
        return suffix

    @property
    def file_name(self) -> str:
        """The name to store it under: ``<cik>_<form>_<period>_<accession><suffix>``."""
        form = re.sub(r"[^A-Za-z0-9-]+", "-", self.form)
        period = self.period_end.isoformat() if self.period_end else "no-period"
        return f"{self.company.cik}_{form}_{period}_{self.accession}{self.suffix}"

    def url(self, www_url: str) -> str:
        """Return the address of its main document."""
        name = self.primary_document or f"{self.accession}.txt"
        folder = self.accession.replace("-", "")
        return f"{www_url}/Archives/edgar/data/{self.company.cik}/{folder}/{quote(name)}"

    @property
    def fiscal_year(self) -> int | None:
        """The fiscal year that it reports on, named by the calendar year in which that ends.

        A year that ends in the first week of January counts to the year before, as 52/53-week
        calendars have it. For a quarter the company's present year end decides; where EDGAR states
        none there is no answer.
        """
        if self.period_end is None:
            return None
        end = self.period_end
        if self.form.startswith("10-Q"):
            if (found := _year_end_after(end + _WEEK, self.company.fiscal_year_end)) is None:
                return None
            end = found
        return (end - _WEEK).year


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of a company's filings are asked for; the newest come first."""

    forms: frozenset[str] = frozenset({"10-K"})
    amendments: bool = False
    #: The earliest day of filing.
    since: date | None = None
    #: The most filings of one company.
    limit: int | None = None

    def accepts(self, form: str, filed: date) -> bool:
        """Return whether a filing of this form and day is asked for."""
        plain = form.removesuffix("/A") if self.amendments else form
        recent = self.since is None or filed >= self.since
        return recent and (form in self.forms or plain in self.forms)


@dataclass(slots=True)
class Listing:
    """The filings found for one company, and the parts of its record that could not be read."""

    filings: list[Filing] = field(default_factory=list)
    problems: list[EdgarError] = field(default_factory=list)


def parse_cik(text: str) -> int:
    """Return a Central Index Key written as ``320193``, ``0000320193`` or ``CIK0000320193``.

    Raises
    ------
    UnknownCompany
        It is not written like one.
    """
    digits = text.strip().upper().removeprefix("CIK")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits)):
        raise UnknownCompany(f"{text!r} is not a CIK: it has up to ten digits")
    return int(digits)


def find_ciks(client: EdgarClient, tickers: Iterable[str]) -> list[int]:
    """Return the CIK of each ticker, from SEC's list of the companies that trade today.

    Raises
    ------
    UnknownCompany
        The list has no such ticker; every unknown one is named.
    EdgarError
        The list cannot be had.
    """
    url = f"{client.settings.www_url}/files/company_tickers.json"
    table = client.json(url)
    try:
        rows = table.values() if isinstance(table, dict) else table
        known = {str(row["ticker"]).upper(): int(row["cik_str"]) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(f"{url} is not a list of tickers: {error!r}") from error
    asked = [ticker.strip().upper().replace(".", "-") for ticker in tickers]
    if unknown := [ticker for ticker in asked if ticker not in known]:
        raise UnknownCompany(
            f"SEC's list of tickers has no {', '.join(unknown)}",
            next_step="check the spelling, or give --cik: the list holds only companies that "
            "trade today",
        )
    return [known[ticker] for ticker in asked]


def list_filings(client: EdgarClient, cik: int, wanted: Wanted) -> Listing:
    """Return a company's filings that are wanted, newest first.

    Pages of older filings are asked for only as far as needed.

    Raises
    ------
    EdgarError
        The company's record cannot be had; an older page that cannot is among the problems.
    """
    url = f"{client.settings.data_url}/submissions/CIK{cik:010d}.json"
    record = client.json(url)
    found = Listing()
    try:
        company = _company(cik, record)
        _collect(found, company, record["filings"]["recent"], wanted)
        pages = [_page(page) for page in record["filings"].get("files") or []]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswer(f"{url} is not a record of submissions: {error!r}") from error
    for name, until in sorted(pages, key=lambda page: page[1], reverse=True):
        enough = wanted.limit is not None and len(found.filings) >= wanted.limit
        if enough or (wanted.since is not None and until < wanted.since):
            break
        _collect_page(client, found, company, name, wanted)
    found.filings.sort(key=lambda filing: (filing.filed, filing.accession), reverse=True)
    found.filings = found.filings[: wanted.limit]
    return found


def _collect_page(
    client: EdgarClient, found: Listing, company: Company, name: str, wanted: Wanted
) -> None:
    url = f"{client.settings.data_url}/submissions/{name}"
    try:
        columns = client.json(url)
        try:
            _collect(found, company, columns, wanted)
        except (KeyError, TypeError, ValueError) as error:
            raise BadAnswer(f"{url} is not a page of submissions: {error!r}") from error
    except EdgarError as problem:
        found.problems.append(problem)


def _collect(found: Listing, company: Company, columns: Mapping[str, Any], wanted: Wanted) -> None:
    known = {filing.accession for filing in found.filings}
    rows = list(zip(*(columns[name] for name in _COLUMNS), strict=True))
    for row in rows:
        try:
            filing = _filing(company, *row, wanted=wanted)
        except (TypeError, ValueError) as error:
            found.problems.append(BadAnswer(f"EDGAR's row {row!r} is no filing: {error}"))
            continue
        if filing is not None and filing.accession not in known:
            known.add(filing.accession)
            found.filings.append(filing)


def _filing(
    company: Company,
    accession: str,
    filed: str,
    period: str,
    form: str,
    document: str,
    *,
    wanted: Wanted,
) -> Filing | None:
    form_type, day = _plain(form).upper(), date.fromisoformat(filed)
    if not wanted.accepts(form_type, day):
        return None
    if not _ACCESSION.fullmatch(accession):
        raise ValueError(f"{accession!r} is not an accession number")
    return Filing(
        company=company,
        form=form_type,
        filed=day,
        period_end=date.fromisoformat(period) if period else None,
        accession=accession,
        primary_document=str(document or ""),
    )


def _company(cik: int, record: Mapping[str, Any]) -> Company:
    return Company(
        cik=cik,
        name=_plain(record.get("name")),
        sic=_plain(record.get("sic")),
        sic_name=_plain(record.get("sicDescription")),
        fiscal_year_end=_plain(record.get("fiscalYearEnd")),
    )


def _page(page: Mapping[str, Any]) -> tuple[str, date]:
    name = str(page["name"])
    if not _PAGE.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a page")
    return name, date.fromisoformat(page["filingTo"])


def _plain(text: object) -> str:
    """Return a server's text without what would act on a terminal or break a table."""
    return "".join(c for c in str(text or "") if c.isprintable()).strip()


def _year_end_after(moment: date, month_day: str) -> date | None:
    """Return the first nominal fiscal year end after ``moment``."""
    try:
        # 29 February is no day of most years; a week of tolerance makes the 28th as good.
        nominal = month_day if month_day != "0229" else "0228"
        ends = [date.fromisoformat(f"{moment.year + n}{nominal}") for n in (0, 1)]
    except ValueError:
        return None
    return next(end for end in ends if end > moment)
