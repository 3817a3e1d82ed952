"""``pipewarden filings``: get the documents that the pipeline of the same name reads."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipewarden.app.cli.output.terminal import say, say_json, say_next
from pipewarden.report.untrusted import visible

if TYPE_CHECKING:
    from pipewarden.pipelines.filings.edgar import DownloadReport, FilingOutcome

app = typer.Typer(
    help="SEC filings: download 10-K and 10-Q documents from EDGAR.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_AGENT = "PIPEWARDEN_EDGAR_USER_AGENT"
_Tickers = Annotated[list[str] | None, typer.Option("--ticker", help="Ticker symbol; repeatable.")]
_Ciks = Annotated[list[str] | None, typer.Option("--cik", help="Central Index Key; repeatable.")]
_Forms = Annotated[
    list[str] | None,
    typer.Option("--form", help="Form type; repeatable (10-K when none is given)."),
]
_Amendments = Annotated[
    bool, typer.Option("--amendments/--no-amendments", help="Also the amendments of these forms.")
]
_Years = Annotated[
    int | None, typer.Option(min=1, max=100, help="Only what was filed in the last N years.")
]
_Limit = Annotated[int | None, typer.Option(min=1, help="At most N per company, newest first.")]
_Folder = Annotated[Path, typer.Option("--output-dir", file_okay=False, help="Where to store.")]
_UserAgent = Annotated[
    str, typer.Option(envvar=_AGENT, help="Your name and e-mail address; SEC requires both.")
]
_Gzip = Annotated[bool, typer.Option("--gzip/--no-gzip", help="Store compressed.")]
_Refetch = Annotated[
    bool,
    typer.Option(
        "--refetch/--skip-known", help="Also what was processed and then deleted from the folder."
    ),
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be fetched, and stop.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
_Rate = Annotated[float, typer.Option("--requests-per-second", help="At most 10, as SEC asks.")]
_Attempts = Annotated[int, typer.Option(min=1, help="Tries of each request, with the first.")]
_Www = Annotated[str, typer.Option(envvar="PIPEWARDEN_EDGAR_WWW_URL", help="Where documents are.")]
_Data = Annotated[str, typer.Option(envvar="PIPEWARDEN_EDGAR_DATA_URL", help="Where lists are.")]


@app.callback()
def _group() -> None:
    """Keep ``download`` a command of its own while it is the only one."""


@app.command()
def download(
    *,
    ticker: _Tickers = None,
    cik: _Ciks = None,
    form: _Forms = None,
    years: _Years = None,
    limit: _Limit = None,
    amendments: _Amendments = False,
    output_dir: _Folder = Path("data/raw/filings"),
    user_agent: _UserAgent = "",
    gzip: _Gzip = False,
    refetch: _Refetch = False,
    dry_run: _DryRun = False,
    as_json: _Json = False,
    requests_per_second: _Rate = 8.0,
    attempts: _Attempts = 6,
    www_url: _Www = "https://www.sec.gov",
    data_url: _Data = "https://data.sec.gov",
) -> None:
    """Download filings from EDGAR, politely; what is here already is not fetched again.

    Run the same command again after any failure: it continues where it stopped.
    """
    from pipewarden.pipelines.filings import edgar

    settings = edgar.EdgarSettings(
        user_agent=user_agent,
        www_url=www_url.rstrip("/"),
        data_url=data_url.rstrip("/"),
        requests_per_second=requests_per_second,
        attempts=attempts,
    )
    wanted = edgar.Wanted(
        forms=frozenset(name.strip().upper() for name in form or ["10-K"]),
        amendments=amendments,
        since=_years_ago(years) if years else None,
        limit=limit,
    )
    order = edgar.Order(
        folder=output_dir,
        tickers=tuple(ticker or ()),
        ciks=tuple(edgar.parse_cik(text) for text in cik or ()),
        wanted=wanted,
        gzip=gzip,
        refetch=refetch,
    )
    try:
        report = edgar.download(order, settings, dry_run=dry_run, progress=_tell)
    except KeyboardInterrupt:
        say("Stopped. Run the same command again to continue.", error=True)
        raise typer.Exit(130) from None
    if as_json:
        say_json(report.as_dict())
    else:
        _summarise(report)
    raise typer.Exit(report.exit_code)


def _years_ago(years: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=round(365.25 * years))


def _tell(outcome: FilingOutcome, settled: int, total: int) -> None:
    what = outcome.file or f"{outcome.form} {outcome.accession}"
    size = f" ({outcome.size:,} bytes)" if outcome.size is not None else ""
    say(f"[{settled}/{total}] {outcome.outcome} {visible(what)}{size}", error=True)


def _summarise(report: DownloadReport) -> None:
    """Print the totals, each failure by name, and where things are."""
    counts = ", ".join(f"{number} {outcome}" for outcome, number in report.counts.items() if number)
    say(f"Filings: {counts or 'none matches'}", tone="bad" if report.failures else "good")
    for failure in report.failures:
        say(visible(f"failed: {_name(failure)} ({failure.reason}): {failure.message}"))
    for note in report.notes:
        say(visible(f"note: {note}"))
    say(f"Folder: {report.folder}")
    if report.failures:
        again = shlex.join(["pipewarden", *sys.argv[1:]])
        say_next({again: "what is complete is not fetched again, what was cut short continues"})


def _name(failure: FilingOutcome) -> str:
    company = failure.company or (f"CIK {failure.cik}" if failure.cik else "")
    parts = (company, failure.form, failure.period_end, failure.accession)
    return " ".join(part for part in parts if part)
