"""``index.csv``: what a folder of downloaded filings holds, and where each file is from.

It is the record of what is complete, and the metadata that the ``filings`` pipeline reads with
``--metadata index.csv``.
"""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath

from pipewarden.pipelines.filings.edgar.answers import IndexDamaged
from pipewarden.pipelines.filings.edgar.storage import Digest, digest_file, write_whole

INDEX_NAME = "index.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """One stored filing; ``bytes`` and ``sha256`` are those of the file as it lies there."""

    file: str
    company: str
    cik: str
    form: str
    fiscal_year: str
    period_end: str
    accession: str
    sic: str
    sic_name: str
    url: str
    bytes: str
    sha256: str


_COLUMNS = tuple(field.name for field in fields(IndexRow))


class IndexFile:
    """The index of one folder, in memory; every `record` makes it durable again.

    Rows and columns that somebody else put there stay. The whole file is written for each record:
    at the pace that SEC allows, that is cheaper than a second file that could disagree.

    Raises
    ------
    IndexDamaged
        There is a file of that name, and it is not a table with an accession column.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / INDEX_NAME
        self._columns: list[str] = list(_COLUMNS)
        self._rows: list[dict[str, str]] = []
        if self.path.exists():
            self._load()
        self._by_accession = {row["accession"]: row for row in self._rows if row.get("sha256")}

    def _load(self) -> None:
        try:
            text = self.path.read_text(encoding="utf-8-sig")
            lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except (OSError, ValueError, csv.Error) as error:
            raise self._damaged(str(error)) from error
        lines = [line for line in lines if line]
        if not lines:
            return
        header, *body = lines
        if "accession" not in header or len(set(header)) != len(header):
            raise self._damaged("its first line does not name the columns")
        if torn := next((line for line in body if len(line) != len(header)), None):
            raise self._damaged(f"a row has {len(torn)} values for {len(header)} columns")
        self._columns = header + [name for name in _COLUMNS if name not in header]
        self._rows = [dict(zip(header, line, strict=True)) for line in body]

    def _damaged(self, why: str) -> IndexDamaged:
        return IndexDamaged(
            f"{self.path} does not read: {why}",
            left_behind="nothing was changed",
            next_step=f"mend it or move it away; without it, what it listed is fetched again "
            f"(the files in {self.path.parent} stay)",
        )

    def file_of(self, accession: str) -> str | None:
        """Return the file that the index has for a filing, as a path in the folder, or None."""
        row = self._by_accession.get(accession)
        name = PurePosixPath(row["file"]) if row else None
        if name is None or name.is_absolute() or ".." in name.parts:
            return None
        return str(name)

    def digest_of(self, accession: str) -> Digest | None:
        """Return the recorded length and SHA-256 of a filing's file, or None."""
        row = self._by_accession.get(accession)
        if row is None or not row.get("bytes", "").isdecimal():
            return None
        return Digest(int(row["bytes"]), row["sha256"])

    def holds(self, accession: str) -> bool:
        """Return whether a filing's file is there, with the recorded length and SHA-256."""
        name, recorded = self.file_of(accession), self.digest_of(accession)
        if name is None or recorded is None:
            return False
        path = self.path.parent / name
        try:
            return path.stat().st_size == recorded.size and digest_file(path) == recorded
        except OSError:
            return False

    def record(self, row: IndexRow) -> None:
        """Add a filing, or replace what was recorded of it, durably."""
        values = asdict(row)
        present = self._by_accession.get(row.accession)
        if present is None:
            self._by_accession[row.accession] = values
            self._rows.append(values)
        else:
            present.update(values)
        self._save()

    def _save(self) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        write_whole(self.path, text.getvalue().encode("utf-8"))
