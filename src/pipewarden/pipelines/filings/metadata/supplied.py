"""Metadata that the user supplies: a CSV file, or a rule over file and folder names."""

from __future__ import annotations

import csv
import functools
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import pipewarden as pw
from pipewarden.pipelines.filings.metadata.facts import FIELDS, normalised

_COLUMNS = {
    "company": "company_name",
    "name": "company_name",
    "form": "form_type",
    "type": "form_type",
    "period": "period_of_report",
    "period_end": "period_of_report",
    "year": "fiscal_year",
    "accession": "accession_number",
    "sic": "sic_code",
}
_FILE_COLUMNS = ("file", "path", "filename", "file_name")


def csv_facts(table: Path, path: Path) -> dict[str, str | int]:
    """Return what the metadata file says about a filing, by its path or name, ``.gz`` aside.

    Raises
    ------
    InvalidSettings
        The file does not read, or has no column ``file``.
    """
    return _row(table, _digest(table), path)


def _row(table: Path, digest: str, path: Path) -> dict[str, str | int]:
    rows = _rows(table, digest)
    parts = [part.removesuffix(".gz") for part in (*path.parts[:-1], path.name)]
    for first in range(len(parts)):  # the longest path that the file knows
        row = rows.get("/".join(parts[first:]))
        if row is not None:
            return normalised(row)
    return {}


def csv_row(path: Path, table: Path, digest: str) -> str:
    """Return, as text, what the metadata file says about a filing: what makes its output stale.

    ``digest`` is that of the table, taken once for all filings by `csv_digest`.
    """
    return repr(sorted(_row(table, digest, path).items()))


def csv_digest(table: Path) -> str:
    """Return a hash of the metadata file.

    Raises
    ------
    InvalidSettings
        The file does not read.
    """
    return _digest(table)


def _digest(table: Path) -> str:
    try:
        return hashlib.sha256(table.read_bytes()).hexdigest()
    except OSError as error:
        raise pw.InvalidSettings(
            f"the metadata file {table} does not read: {error.strerror}",
            next_step="correct the filings setting 'metadata'",
        ) from error


@functools.lru_cache(maxsize=4)
def _rows(table: Path, _digest_of_it: str) -> Mapping[str, Mapping[str, str]]:
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = table.read_text(encoding="cp1252", errors="replace")
    reader = csv.DictReader(text.splitlines())
    names = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
    column = next((names[name] for name in _FILE_COLUMNS if name in names), None)
    if column is None:
        raise pw.InvalidSettings(f"the metadata file {table} has no column 'file'")
    rows: dict[str, Mapping[str, str]] = {}
    for row in reader:
        file = (row.get(column) or "").strip().replace("\\", "/").removesuffix(".gz")
        rows.setdefault(
            file,
            {
                _COLUMNS.get(name, name): (row.get(own) or "").strip()
                for name, own in names.items()
                if _COLUMNS.get(name, name) in FIELDS
            },
        )
    return rows


def name_rule(pattern: str) -> re.Pattern[str]:
    """Return the compiled rule.

    Raises
    ------
    InvalidSettings
        It is no regular expression, or a group is named after no metadata field.
    """
    try:
        rule = re.compile(pattern)
    except re.error as error:
        raise pw.InvalidSettings(
            f"the filings setting 'file_name' is no regular expression: {error}"
        ) from error
    unknown = sorted(set(rule.groupindex) - set(FIELDS) - set(_COLUMNS))
    if unknown or not rule.groupindex:
        raise pw.InvalidSettings(
            "the filings setting 'file_name' names no field: "
            f"{', '.join(unknown) or 'no named group'}",
            next_step=f"name its groups after: {', '.join(FIELDS)}",
        )
    return rule


def name_facts(rule: re.Pattern[str], path: Path) -> dict[str, str | int]:
    """Return what the rule reads from a file's path (searched in its POSIX form)."""
    found = rule.search(path.as_posix())
    if found is None:
        return {}
    return normalised(
        {_COLUMNS.get(name, name): value for name, value in found.groupdict().items()}
    )
