"""What became of each filing that was asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pipewarden.pipelines.filings.edgar.answers import EdgarError, Throttled, Unreachable
from pipewarden.pipelines.filings.edgar.submissions import Filing

_OUT_OF_REACH = frozenset({Throttled.reason, Unreachable.reason})


class Outcome(StrEnum):
    """What became of one filing."""

    #: It was fetched now.
    DOWNLOADED = "downloaded"
    #: It lies here with the recorded length and SHA-256.
    KNOWN = "known"
    #: The manifest lists it as processed, and it was deleted here since.
    PROCESSED = "processed"
    #: It would be fetched (dry run).
    PLANNED = "planned"
    #: It could not be had.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingOutcome:
    """One filing (or one listing that could not be had) and what became of it."""

    outcome: Outcome
    company: str = ""
    cik: int | None = None
    form: str = ""
    period_end: str = ""
    accession: str = ""
    file: str = ""
    #: Length of the stored file in bytes, where it was fetched now.
    size: int | None = None
    #: A short machine-readable code and a sentence, where it failed.
    reason: str = ""
    message: str = ""

    @classmethod
    def of(
        cls,
        outcome: Outcome,
        filing: Filing,
        *,
        file: str = "",
        size: int | None = None,
        error: EdgarError | None = None,
    ) -> Self:
        """Return the outcome of one filing."""
        return cls(
            outcome=outcome,
            company=filing.company.name,
            cik=filing.company.cik,
            form=filing.form,
            period_end=filing.period_end.isoformat() if filing.period_end else "",
            accession=filing.accession,
            file=file,
            size=size,
            reason=error.reason if error else "",
            message=error.message if error else "",
        )

    @classmethod
    def of_listing(cls, error: EdgarError, *, cik: int | None = None, company: str = "") -> Self:
        """Return the failure of a listing: which filings there are could not be learnt."""
        return cls(
            outcome=Outcome.FAILED,
            company=company,
            cik=cik,
            reason=error.reason,
            message=error.message,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadReport:
    """Every filing asked for, each with its outcome."""

    folder: Path
    outcomes: tuple[FilingOutcome, ...]
    #: Whether EDGAR gave any usable answer.
    reached: bool
    #: What the reader should know besides.
    notes: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[FilingOutcome, ...]:
        """The outcomes that failed."""
        return tuple(o for o in self.outcomes if o.outcome is Outcome.FAILED)

    @property
    def counts(self) -> dict[str, int]:
        """How many filings had each outcome; the values add up to the number of outcomes."""
        counted = Counter(o.outcome for o in self.outcomes)
        return {outcome.value: counted[outcome] for outcome in Outcome}

    @property
    def exit_code(self) -> int:
        """0 all is here; 1 something failed; 4 nothing could be reached."""
        if not self.failures:
            return 0
        out_of_reach = all(failure.reason in _OUT_OF_REACH for failure in self.failures)
        return 4 if out_of_reach and not self.reached else 1

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {
            "folder": str(self.folder),
            "counts": self.counts,
            "filings": [asdict(outcome) for outcome in self.outcomes],
            "notes": list(self.notes),
        }
