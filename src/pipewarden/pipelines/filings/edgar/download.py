"""The download: what is asked for, what of it is here already, and the fetching of the rest.

One document that cannot be had never stops the others: each ends as an outcome of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipewarden.pipelines.filings.edgar.answers import EdgarError, UnknownCompany
from pipewarden.pipelines.filings.edgar.client import EdgarClient, EdgarSettings
from pipewarden.pipelines.filings.edgar.index_file import IndexFile, IndexRow
from pipewarden.pipelines.filings.edgar.outcomes import DownloadReport, FilingOutcome, Outcome
from pipewarden.pipelines.filings.edgar.pacing import Clock
from pipewarden.pipelines.filings.edgar.storage import (
    Digest,
    compress_file,
    digest_file,
    locked,
    publish,
    storage_errors,
)
from pipewarden.pipelines.filings.edgar.submissions import Filing, Wanted, find_ciks, list_filings
from pipewarden.pipelines.filings.edgar.transfer import Part, fetch

#: The manifests that a run over the folder keeps (the second where another pipeline came first).
_MANIFESTS = (".manifest.json", ".manifest.filings.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to download, and where to.

    Raises
    ------
    UnknownCompany
        No company is named.
    """

    folder: Path
    tickers: tuple[str, ...] = ()
    ciks: tuple[int, ...] = ()
    wanted: Wanted = field(default_factory=Wanted)
    #: Store as gzip; the same document always gives the same bytes.
    gzip: bool = False
    #: Fetch also what was processed and then deleted here.
    refetch: bool = False

    def __post_init__(self) -> None:
        if not self.tickers and not self.ciks:
            raise UnknownCompany("no company is named", next_step="give --ticker or --cik")


#: Called after each filing with its outcome, how many are settled, and how many there are.
Progress = Callable[[FilingOutcome, int, int], None]


def download(
    order: Order,
    settings: EdgarSettings,
    *,
    dry_run: bool = False,
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> DownloadReport:
    """Fetch the filings asked for that are not here yet, and keep ``index.csv`` beside them.

    It can be killed at any instant and called again: what is complete is not fetched again, what
    was cut short continues, and no half file ever has a final name.

    Raises
    ------
    MissingExtra
        The HTTP library is not installed.
    UnknownCompany
        A ticker is not on SEC's list; nothing was fetched.
    DestinationBusy, DestinationUnusable, IndexDamaged
        The folder is being written by another download, cannot be written, or its index is damaged.
    """
    with EdgarClient(settings, clock) as client:
        if dry_run:
            return _download(client, order, progress, dry_run=True)
        with locked(order.folder):
            return _download(client, order, progress, dry_run=False)


def _download(
    client: EdgarClient, order: Order, progress: Progress | None, *, dry_run: bool
) -> DownloadReport:
    index = IndexFile(order.folder)
    processed, notes = _processed_files(order.folder)
    filings, outcomes = _listed(client, order)
    for settled, filing in enumerate(filings, start=1):
        try:
            outcome = _settle(client, order, index, processed, filing, dry_run=dry_run)
        except EdgarError as error:
            outcome = FilingOutcome.of(Outcome.FAILED, filing, error=error)
        outcomes.append(outcome)
        if progress is not None:
            progress(outcome, settled, len(filings))
    return DownloadReport(
        folder=order.folder,
        outcomes=tuple(outcomes),
        reached=client.answered > 0,
        notes=tuple(notes),
    )


def _listed(client: EdgarClient, order: Order) -> tuple[list[Filing], list[FilingOutcome]]:
    """Return each filing asked for once, and the failure of each listing that cannot be had."""
    ciks, failures = list(order.ciks), []
    filings: dict[str, Filing] = {}
    if order.tickers:
        try:
            ciks += find_ciks(client, order.tickers)
        except EdgarError as error:
            failures.append(FilingOutcome.of_listing(error, company=", ".join(order.tickers)))
    for cik in dict.fromkeys(ciks):
        try:
            listing = list_filings(client, cik, order.wanted)
        except EdgarError as error:
            failures.append(FilingOutcome.of_listing(error, cik=cik))
            continue
        failures += [FilingOutcome.of_listing(error, cik=cik) for error in listing.problems]
        for filing in listing.filings:
            # A filing of several registrants is listed for each, and is stored once.
            filings.setdefault(filing.accession, filing)
    return list(filings.values()), failures


def _settle(
    client: EdgarClient,
    order: Order,
    index: IndexFile,
    processed: dict[str, str],
    filing: Filing,
    *,
    dry_run: bool,
) -> FilingOutcome:
    name = filing.file_name
    stored = index.file_of(filing.accession) or name
    if index.holds(filing.accession):
        if not dry_run:  # a run killed in its last step leaves its part behind
            Part(order.folder, name, filing.url(client.settings.www_url)).discard()
        return FilingOutcome.of(Outcome.KNOWN, filing, file=stored)
    if not order.refetch:
        recorded = index.digest_of(filing.accession)
        for candidate in dict.fromkeys((stored, name, f"{name}.gz")):
            if _was_processed(order.folder, candidate, processed, recorded):
                return FilingOutcome.of(Outcome.PROCESSED, filing, file=candidate)
    final = f"{name}.gz" if order.gzip else name
    if dry_run:
        return FilingOutcome.of(Outcome.PLANNED, filing, file=final)
    with storage_errors(order.folder):
        digest = _fetch(client, index, filing, order.folder / final, compress=order.gzip)
    return FilingOutcome.of(Outcome.DOWNLOADED, filing, file=final, size=digest.size)


def _fetch(
    client: EdgarClient, index: IndexFile, filing: Filing, final: Path, *, compress: bool
) -> Digest:
    url = filing.url(client.settings.www_url)
    part = Part(final.parent, filing.file_name, url)
    fetch(client, url, part)
    ready = part.path
    if compress:
        ready = final.with_name(f".{final.name}.tmp")
        compress_file(part.path, ready)
    digest = digest_file(ready)
    # The row comes before the file: a run that looks at the folder meanwhile never meets a filing
    # without its metadata, and a row whose file is missing only means "not complete".
    index.record(_row(filing, final.name, url, digest))
    publish(ready, final)
    part.discard()
    return digest


def _row(filing: Filing, name: str, url: str, digest: Digest) -> IndexRow:
    company, year = filing.company, filing.fiscal_year
    return IndexRow(
        file=name,
        company=company.name,
        cik=str(company.cik),
        form=filing.form,
        fiscal_year="" if year is None else str(year),
        period_end=filing.period_end.isoformat() if filing.period_end else "",
        accession=filing.accession,
        sic=company.sic,
        sic_name=company.sic_name,
        url=url,
        bytes=str(digest.size),
        sha256=digest.sha256,
    )


def _processed_files(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the files that the folder's manifests list as processed, with their hashes."""
    processed: dict[str, str] = {}
    notes: list[str] = []
    for path in (folder / name for name in _MANIFESTS):
        try:
            entries = json.loads(path.read_bytes())["files"].items()
            processed |= {
                key: str(entry.get("hash") or "")
                for key, entry in entries
                if entry.get("status") == "success"
            }
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            notes.append(f"{path} does not read ({error}): what it lists as processed is unknown")
    return processed, notes


def _was_processed(
    folder: Path, name: str, processed: dict[str, str], recorded: Digest | None
) -> bool:
    """Return whether a file was processed and then deleted here, and was the one on record."""
    if name not in processed or (folder / name).exists():
        return False
    known = processed[name].removeprefix("sha256:")
    return recorded is None or not known or known == recorded.sha256
