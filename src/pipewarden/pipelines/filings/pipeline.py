"""The face of the ``filings`` pipeline: from SEC 10-K and 10-Q documents to risk-factor segments.

Everything heavy is imported on first use, so that naming the pipeline costs nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pipewarden as pw

if TYPE_CHECKING:
    from pipewarden.pipelines.filings.model import Filing
    from pipewarden.pipelines.filings.settings import FilingsSettings

#: The declared version of the logic.
VERSION = "1"
PATTERNS = ("*.htm", "*.html", "*.txt", "*.htm.gz", "*.html.gz", "*.txt.gz")
_TIMEOUT_SECONDS = 120.0
_MEMORY_BYTES = 2 << 30


def build(settings: Mapping[str, Any] | None = None) -> pw.Pipeline:
    """Return the pipeline under its own settings (``pipelines.filings``).

    Raises
    ------
    InvalidSettings
        A setting does not hold, or the metadata file does not read.
    """
    from pipewarden.pipelines.filings.checks.gate import filings_gate
    from pipewarden.pipelines.filings.settings import filings_settings

    held = filings_settings(settings)
    return pw.Pipeline(
        name="filings",
        process=functools.partial(process, settings=held),
        pattern=PATTERNS,
        gate=filings_gate(),
        version=VERSION,
        settings=held.output_settings(),
        setup=_setup,
        facts=facts,
        timeout=_TIMEOUT_SECONDS,
        memory_limit=_MEMORY_BYTES,
        companion=held.companion(),
        path_sensitive=bool(held.metadata or held.file_name),
    )


def process(path: Path, settings: FilingsSettings) -> Filing:
    """Return what a file holds.

    Raises
    ------
    BadInput
        The file is empty, binary, too large, or damaged gzip.
    """
    from pipewarden.pipelines.filings.process import process_filing

    return process_filing(path, settings)


def facts(filing: Filing) -> dict[str, Any]:
    """Return the short facts about a filing that manifests and reports show."""
    return {
        "company": filing.metadata.company_name,
        "form_type": filing.metadata.form_type,
        "fiscal_year": filing.metadata.fiscal_year,
        "sic_code": filing.metadata.sic_code,
        "outcome": filing.outcome,
        "segments": len(filing.segments),
    }


def _setup() -> None:
    """Import once in each worker what the first filing would otherwise wait for."""
    import pipewarden.pipelines.filings.process as _process

    del _process


class SECPreprocessingPipeline:
    """The pipeline for one file at a time, without a run.

    Parameters
    ----------
    settings
        The settings of the pipeline; the defaults when there are none.

    Raises
    ------
    InvalidSettings
        A setting does not hold.
    """

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self._pipeline = build(settings)

    def process_and_validate(self, path: str | Path) -> tuple[Filing | None, str, dict[str, Any]]:
        """Return the result, its status and the report of the gate.

        The status is ``PASS``, ``WARN`` or ``FAIL``, the report ``{status, findings}``; for bytes
        that are no filing the result is None, the status ``ERROR`` and the report
        ``{status, reason, message}``.

        Raises
        ------
        FileNotFoundError
            The file does not exist.
        """
        try:
            filing = self._pipeline.process(Path(path))
        except pw.BadInput as error:
            return (
                None,
                "ERROR",
                {"status": "ERROR", "reason": error.reason, "message": error.message},
            )
        verdict = self._pipeline.gate.evaluate(filing)
        return filing, str(verdict.status), verdict.as_dict()


class HealthCheckValidator:
    """The gate of the pipeline, for results in memory.

    Parameters
    ----------
    gate
        Another gate, or the path of a gate file; the shipped gate by default.
    """

    def __init__(self, gate: pw.Gate | str | Path | None = None) -> None:
        from pipewarden.pipelines.filings.checks.gate import filings_gate

        if isinstance(gate, pw.Gate):
            self._gate = gate
        else:
            self._gate = filings_gate(Path(gate) if gate is not None else None)

    def check_single(self, result: Filing | Mapping[str, Any]) -> pw.Verdict:
        """Return the verdict on a result, given as the model or as the dictionary of its JSON.

        Raises
        ------
        BadInput
            The dictionary is not a result of this pipeline.
        """
        from pydantic import ValidationError

        from pipewarden.pipelines.filings.model import Filing

        if isinstance(result, Filing):
            return self._gate.evaluate(result)
        plain = {name: value for name, value in result.items() if name not in ("source", "verdict")}
        try:
            return self._gate.evaluate(Filing.model_validate(plain))
        except ValidationError as error:
            raise pw.BadInput(
                "not_a_result",
                f"not a result of the filings pipeline: {error.error_count()} errors",
            ) from None
