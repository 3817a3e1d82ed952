"""Reports of a run as files: Markdown, HTML and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from pipewarden.report.facts import ReportFacts
from pipewarden.store.files import durable


class ReportFormatter:
    """Writes reports durably and atomically; each method returns the path it wrote.

    ``report`` is what is stored about the run, ``manifest`` what `StateManifest.get_statistics`
    says about its whole folder (``{"total", "success", "failed"}``) or None. All methods raise
    `StorageUnavailable` when the disk is full or the folder cannot be written.
    """

    def generate_markdown_report(
        self, report: ReportFacts, manifest: Mapping[str, Any] | None, output_path: Path | str
    ) -> Path:
        """Write the report as Markdown, with links relative to the folder of ``output_path``."""
        from pipewarden.report.markdown import run_report

        path = Path(output_path)
        return _written(path, run_report(report, path.parent, manifest).encode())

    def generate_html_report(
        self, report: ReportFacts, manifest: Mapping[str, Any] | None, output_path: Path | str
    ) -> Path:
        """Write the report as one self-contained HTML page, with links relative to its folder."""
        from pipewarden.report.html import run_report_html

        path = Path(output_path)
        return _written(path, run_report_html(report, path.parent, manifest).encode())

    def generate_json_report(
        self, report: ReportFacts, manifest: Mapping[str, Any] | None, output_path: Path | str
    ) -> Path:
        """Write the facts as they are, and under ``manifest`` the folder's, where given."""
        document: dict[str, Any] = dict(report)
        if manifest is not None:
            document["manifest"] = dict(manifest)
        return _written(Path(output_path), _json(document))


def _written(path: Path, data: bytes) -> Path:
    durable.write_file(path, data)
    return path


def _json(document: Any) -> bytes:
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(document, default=str, option=option)
    except orjson.JSONEncodeError:
        return orjson.dumps(_encodable(document), default=str, option=option)


def _encodable(value: Any) -> Any:
    """Return the value with bytes of file names that are no UTF-8 written as ``\\udc..``."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encodable(held) for held in value]
    return value
