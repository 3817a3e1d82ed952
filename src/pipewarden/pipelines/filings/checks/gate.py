"""The gate of the ``filings`` pipeline: the checks, with thresholds from a gate file."""

from __future__ import annotations

from pathlib import Path

import pipewarden as pw
from pipewarden.pipelines.filings.checks import cleanliness, domain, identity, substance

GATE_FILE = Path(__file__).parent.parent / "gate.yaml"

_MEASURES = (
    ("company_name_present", identity.company_name_present),
    ("form_type_present", identity.form_type_present),
    ("cik_present", identity.cik_present),
    ("sic_present", identity.sic_present),
    ("html_artefacts", cleanliness.html_artefacts),
    ("page_artefacts", cleanliness.page_artefacts),
    ("segment_count", substance.segment_count),
    ("empty_segments", substance.empty_segments),
    ("short_segments", substance.short_segments),
    ("long_segments", substance.long_segments),
    ("extraction_yield", substance.extraction_yield),
    ("boundary_certain", domain.boundary_certain),
    ("duplicate_segments", domain.duplicate_segments),
    ("risk_keyword_present", domain.risk_keyword_present),
    ("is_amendment", domain.is_amendment),
    ("file_size", domain.file_size),
)


def filings_gate(file: Path | None = None) -> pw.Gate:
    """Return the gate with the thresholds of a gate file, the shipped one by default.

    Raises
    ------
    InvalidSettings
        The gate file does not read or names what does not exist.
    """
    checks = [pw.Check(name=name, measure=measure) for name, measure in _MEASURES]
    unique = pw.Unique(name="duplicate_filing", identity=identity.filing_identity)
    return pw.load_gate(pw.Gate(checks, unique), file or GATE_FILE)
