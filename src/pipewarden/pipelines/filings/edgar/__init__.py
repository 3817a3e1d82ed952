"""Download filings from EDGAR, politely: `download` takes an `Order` and returns a report."""

from __future__ import annotations

from pipewarden.pipelines.filings.edgar.client import EdgarSettings
from pipewarden.pipelines.filings.edgar.download import Order, download
from pipewarden.pipelines.filings.edgar.outcomes import DownloadReport, FilingOutcome, Outcome
from pipewarden.pipelines.filings.edgar.submissions import Wanted, parse_cik

__all__ = [
    "DownloadReport",
    "EdgarSettings",
    "FilingOutcome",
    "Order",
    "Outcome",
    "Wanted",
    "download",
    "parse_cik",
]
