"""The pipeline's face: settings, schema, gate, and one file at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pipewarden as pw
from pipewarden.engine.metering import measuring
from pipewarden.pipelines.filings import model
from pipewarden.pipelines.filings.checks import domain, identity
from pipewarden.pipelines.filings.checks.gate import GATE_FILE, filings_gate
from pipewarden.pipelines.filings.pipeline import (
    HealthCheckValidator,
    SECPreprocessingPipeline,
    build,
    facts,
)

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def good(filing_paper: Any, processed: Any) -> Any:
    paper = filing_paper
    factors = [(f"{n}. {h}", t) for n, (h, t) in enumerate(paper.factor_texts(8))]
    return processed(paper.annual(paper.p(paper.INTRO) + paper.plain_factors(factors)))


def missed(verdict: pw.Verdict) -> set[str]:
    return {finding.check for finding in verdict.misses}


def test_the_schema_file_is_fresh_and_holds_for_results(good: Any) -> None:
    assert model.SCHEMA_FILE.read_text(encoding="utf-8") == model.schema_text()
    jsonschema.validate(good.model_dump(mode="json"), json.loads(model.schema_text()))


def test_a_filing_says_where_its_time_went(filing_paper: Any, processed: Any) -> None:
    taken: dict[str, float] = {}
    with measuring(taken):
        processed(filing_paper.annual(filing_paper.p(filing_paper.INTRO)))
    assert list(taken) == ["parse", "metadata", "locate", "segment"]


def test_the_gate_file_is_the_one_that_operators_see() -> None:
    link = REPOSITORY / "config" / "gates" / "filings.yaml"
    assert link.resolve() == GATE_FILE.resolve()
    categories = {check.category for check in filings_gate().checks}
    assert categories == {"identity completeness", "cleanliness", "substance", "domain rules"}


def test_naming_the_pipeline_imports_nothing_heavy() -> None:
    code = (
        "import sys, pipewarden.pipelines.filings.pipeline; "
        "print([m for m in ('pydantic', 'lxml', 'yaml') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_settings_are_validated_and_decide_what_is_stale(tmp_path: Path) -> None:
    for wrong in ({"item": "99Z"}, {"colour": "red"}, {"min_segment_words": 300}):
        with pytest.raises(pw.InvalidSettings):
            build(wrong)
    table = tmp_path / "index.csv"
    table.write_text("file,cik\na.htm,1\nb.htm,1\n")
    one = build({"metadata": table}).companion
    assert one is not None
    before = {name: one(Path(name)) for name in ("a.htm", "b.htm")}
    table.write_text("file,cik\na.htm,2\nb.htm,1\n")
    two = build({"metadata": table})
    assert two.companion is not None
    assert two.companion(Path("a.htm")) != before["a.htm"]
    assert two.companion(Path("b.htm")) == before["b.htm"]
    assert build({"item": "7"}).settings != build().settings
    assert two.path_sensitive
    assert not build().path_sensitive
    with pytest.raises(pw.InvalidSettings):
        build({"metadata": tmp_path / "absent.csv"})


def test_a_good_filing_misses_only_what_it_cannot_know(good: Any) -> None:
    verdict = HealthCheckValidator().check_single(good)
    assert missed(verdict) == {"cik_present", "sic_present", "file_size"}
    assert verdict.status == pw.Status.WARN
    assert HealthCheckValidator().check_single(good.model_dump(mode="json")) == verdict
    assert facts(good)["segments"] == len(good.segments)


def changed(filing: Any, **segment: object) -> Any:
    first = filing.segments[0].model_copy(update=segment)
    return filing.model_copy(update={"segments": (first, *filing.segments[1:])})


@pytest.mark.parametrize(
    ("segment", "check", "blocking"),
    [
        ({"text": "a <b>bold</b> claim &nbsp; " * 9}, "html_artefacts", True),
        ({"text": "before\n 12 \nafter " * 9}, "page_artefacts", False),
        ({"text": " "}, "empty_segments", True),
        ({"n_chars": 49}, "short_segments", True),
        ({"n_words": 19}, "short_segments", True),
        ({"n_chars": 2_001}, "long_segments", False),
        ({"n_words": 381}, "long_segments", False),
    ],
)
def test_a_bad_segment_is_named_with_evidence(
    good: Any, segment: dict[str, object], check: str, blocking: bool
) -> None:
    verdict = HealthCheckValidator().check_single(changed(good, **segment))
    finding = next(f for f in verdict.misses if f.check == check)
    assert "segment 0" in finding.evidence[0]
    assert (verdict.status == pw.Status.FAIL) is blocking


def test_a_filing_without_identity_text_or_certainty_is_stopped(good: Any) -> None:
    nameless = good.model_copy(
        update={
            "metadata": good.metadata.model_copy(update={"company_name": None, "form_type": None})
        }
    )
    assert {"company_name_present", "form_type_present"} <= missed(
        HealthCheckValidator().check_single(nameless)
    )
    empty = good.model_copy(update={"segments": ()})
    verdict = HealthCheckValidator().check_single(empty)
    assert verdict.status == pw.Status.FAIL
    assert "segment_count" in verdict.reason
    unsure = good.model_copy(update={"outcome": "ambiguous", "section": None, "segments": ()})
    assert HealthCheckValidator().check_single(unsure).reason == "boundary_certain"


def test_repeated_segments_warn_and_then_stop(good: Any) -> None:
    def repeated(copies: int, of: int) -> pw.Measurement:
        made = [
            good.segments[0].model_copy(update={"index": n, "text": f"text {max(n, copies)}"})
            for n in range(of)
        ]
        return domain.duplicate_segments(good.model_copy(update={"segments": tuple(made)}))

    check = next(c for c in filings_gate().checks if c.name == "duplicate_segments")
    threshold = check.thresholds[0]
    assert [threshold.judge(repeated(n, 100).value) for n in (5, 12, 20)] == [
        "PASS",
        "WARN",
        "FAIL",
    ]
    assert repeated(2, 10).evidence


def test_files_of_financial_companies_may_be_longer(good: Any) -> None:
    def sized(sic: str) -> set[str]:
        update = {
            "metadata": good.metadata.model_copy(update={"sic_code": sic, "cik": "1"}),
            "document": good.document.model_copy(update={"n_bytes": 90 << 20}),
        }
        return missed(HealthCheckValidator().check_single(good.model_copy(update=update)))

    assert "file_size" not in sized("6022")
    assert "file_size" in sized("3571")


def test_copies_of_a_filing_have_one_identity(good: Any) -> None:
    copy = good.model_copy(update={"document": good.document.model_copy(update={"n_bytes": 1})})
    assert identity.filing_identity(good) == identity.filing_identity(copy)
    numbered = good.metadata.model_copy(update={"accession_number": "0000000001-20-000001"})
    known = good.model_copy(update={"metadata": numbered})
    assert identity.filing_identity(known) == "accession:0000000001-20-000001"
    other = good.metadata.model_copy(update={"period_of_report": "1999-01-01"})
    assert identity.filing_identity(
        good.model_copy(update={"metadata": other})
    ) != identity.filing_identity(good)


def test_one_file_at_a_time(tmp_path: Path, filing_paper: Any) -> None:
    paper = filing_paper
    path = tmp_path / "a name with spaces ü.htm"
    path.write_text(paper.annual(paper.plain_factors(paper.factor_texts(3))), encoding="utf-8")
    pipeline = SECPreprocessingPipeline()
    result, status, report = pipeline.process_and_validate(path)
    assert result is not None
    assert (result.outcome, status, report["status"]) == ("found", "WARN", "WARN")
    path.write_bytes(b"")
    assert pipeline.process_and_validate(path)[:2] == (None, "ERROR")
    with pytest.raises(FileNotFoundError):
        pipeline.process_and_validate(tmp_path / "absent.htm")


def test_a_dictionary_of_something_else_is_refused() -> None:
    with pytest.raises(pw.BadInput):
        HealthCheckValidator().check_single({"hello": 1})


@pytest.mark.parametrize(("item", "opening"), [("1B", "Our"), ("7", ""), ("3", "")])
def test_any_item_can_be_asked_for(
    item: str, opening: str, filing_paper: Any, processed: Any
) -> None:
    paper = filing_paper
    filing = processed(paper.annual(paper.plain_factors(paper.factor_texts(3))), item=item)
    assert filing.outcome == "found"
    assert filing.section.item == item
    assert " ".join(filing.section.text.split()).startswith(paper.prose(item, 8)[:60])
