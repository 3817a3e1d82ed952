"""Thresholds, findings, the gate, and the laws between judging and judging again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.core.findings import lookup


def size(subject: Any) -> Any:
    return subject["size"]


def broken(_subject: Any) -> Any:
    raise KeyError("nothing there")


def unknowable(_subject: Any) -> Any:
    raise pw.NotComputable("no text to measure")


def gate_of(**rule: Any) -> pw.Gate:
    return pw.Gate([pw.Check(name="size", measure=size, thresholds=(pw.Threshold(**rule),))])


def status(gate: pw.Gate, subject: Any) -> str:
    return str(gate.evaluate(subject).status)


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ({"target": 3, "operator": "=="}, 3, 4),
        ({"target": 3, "operator": "!="}, 4, 3),
        ({"target": 3, "operator": "<"}, 2, 3),
        ({"target": 3, "operator": "<="}, 3, 4),
        ({"target": 3, "operator": ">"}, 4, 3),
        ({"target": 3, "operator": ">="}, 3, 2),
        ({"target": [1, 2], "operator": "in"}, 1, 3),
        ({"target": [1, 2], "operator": "not in"}, 3, 1),
        ({"target": [1, 2], "operator": "between"}, 2, 3),
    ],
)
def test_a_blocking_miss_fails_and_any_other_warns(
    rule: dict[str, Any], good: Any, bad: Any
) -> None:
    assert status(gate_of(**rule), {"size": good}) == "PASS"
    assert status(gate_of(**rule), {"size": bad}) == "WARN"
    assert status(gate_of(**rule, blocking=True), {"size": bad}) == "FAIL"


def test_a_value_between_target_and_warning_warns_even_when_blocking() -> None:
    gate = gate_of(target=0.15, operator="<=", warn_threshold=0.10, blocking=True)
    assert [status(gate, {"size": v}) for v in (0.1, 0.12, 0.2)] == ["PASS", "WARN", "FAIL"]


@pytest.mark.parametrize(
    ("measure", "words"),
    [(broken, "KeyError"), (unknowable, "no text to measure"), (lambda s: "text", "compared")],
)
def test_what_cannot_be_computed_says_why_and_blocks_where_the_check_does(
    measure: Any, words: str
) -> None:
    threshold = pw.Threshold(target=1, operator=">=", blocking=True)
    gate = pw.Gate([pw.Check(name="c", measure=measure, thresholds=(threshold,))])
    verdict = gate.evaluate({})
    assert str(verdict.status) == "FAIL"
    assert verdict.findings[0].status is pw.Status.NOT_COMPUTABLE
    assert words in verdict.findings[0].message


def test_a_check_is_asked_only_where_a_threshold_applies() -> None:
    rules = (
        pw.Threshold(target=150, operator="<=", applies_when={"meta.sic": {">=": 6000}}),
        pw.Threshold(target=50, operator="<=", applies_when={"kind": ["a", "b"]}, blocking=True),
    )
    gate = pw.Gate([pw.Check(name="size", measure=size, thresholds=rules)])
    bank = {"size": 100, "meta": {"sic": 6021}}
    assert status(gate, bank) == "PASS"
    assert status(gate, {"size": 100, "kind": "a"}) == "FAIL"
    assert gate.evaluate({"size": 100, "kind": "c"}).findings == ()


def test_a_path_leads_through_mappings_and_objects() -> None:
    assert lookup({"a": pw.Threshold(target=3)}, "a.target") == 3
    assert lookup({"a": None}, "a.b") is None


def test_evidence_stands_only_with_a_miss() -> None:
    measured = pw.Measurement(2, "two are empty", (4, 7))
    gate = pw.Gate([pw.check(lambda _: measured, name="empty", target=0)])
    finding = gate.evaluate({}).findings[0]
    assert (finding.value, finding.message, finding.evidence) == (2, "two are empty", (4, 7))
    relaxed = pw.Gate([pw.check(lambda _: measured, name="empty", target=5, operator="<=")])
    assert relaxed.evaluate({}).findings[0].evidence == ()


def test_names_are_unique_in_a_gate() -> None:
    with pytest.raises(pw.InvalidSettings, match="size"):
        pw.Gate([pw.check(size), pw.check(size)])


@pytest.mark.parametrize(
    "rule", [{"operator": "~"}, {"operator": "between", "target": 3}, {"operator": "between"}]
)
def test_a_threshold_that_cannot_hold_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(pw.InvalidSettings):
        pw.Threshold(**rule)


numbers = st.one_of(st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False))
rules = st.fixed_dictionaries(
    {
        "target": numbers,
        "operator": st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        "blocking": st.booleans(),
        "warn_threshold": st.one_of(st.none(), numbers),
    }
)


@given(before=rules, after=rules, value=numbers)
def test_judging_stored_findings_equals_measuring_again(
    before: dict[str, Any], after: dict[str, Any], value: float
) -> None:
    old, new = gate_of(**before), gate_of(**after)
    stored = [finding.as_dict() for finding in old.evaluate({"size": value}).findings]
    assert new.rejudge(stored) == new.evaluate({"size": value})
    assert old.measures_fingerprint() == new.measures_fingerprint()


def test_what_was_not_computable_stays_so() -> None:
    gate = pw.Gate([pw.check(unknowable)])
    stored = [finding.as_dict() for finding in gate.evaluate({}).findings]
    judged = gate.with_thresholds({"unknowable": {"blocking": True}}).rejudge(stored)
    assert judged is not None
    assert str(judged.status) == "FAIL"


def test_findings_of_another_set_of_checks_cannot_be_judged_again() -> None:
    stored = [f.as_dict() for f in gate_of(target=1).evaluate({"size": 1}).findings]
    assert pw.Gate([pw.check(broken)]).rejudge(stored) is None
    assert gate_of(target=1).rejudge([]) is None
    assert pw.Gate([]).rejudge(stored) is None


def test_a_condition_belongs_to_the_measures_and_a_target_does_not() -> None:
    plain = gate_of(target=1)
    assert plain.thresholds_fingerprint() != gate_of(target=2).thresholds_fingerprint()
    conditional = gate_of(target=1, applies_when={"a": 1})
    assert plain.measures_fingerprint() != conditional.measures_fingerprint()


# ── gate files ───────────────────────────────────────────────────────────────────────────────────


def loaded(tmp_path: Path, text: str) -> pw.Gate:
    file = tmp_path / "gate.yaml"
    file.write_text(text)
    return pw.load_gate(gate_of(target=1, operator=">=", unit="kg"), file)


def test_a_gate_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    gate = loaded(
        tmp_path, "version: 1\nchecks: {size: {target: 5, blocking: true, category: big}}"
    )
    threshold = gate.checks[0].thresholds[0]
    assert (threshold.target, threshold.operator, threshold.unit) == (5, ">=", "kg")
    assert threshold.blocking
    assert gate.checks[0].category == "big"


def test_a_gate_file_switches_checks_off_and_gives_several_thresholds(tmp_path: Path) -> None:
    assert loaded(tmp_path, "version: 1\nchecks: {size: {enabled: false}}").checks == ()
    text = "version: 1\nchecks: {size: {thresholds: [{target: 9, applies_when: {a: 1}}, {}]}}"
    assert [t.target for t in loaded(tmp_path, text).checks[0].thresholds] == [9, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 2\nchecks: {}", "version 1"),
        ("[1, 2]", "version 1"),
        ("version: 1", "checks"),
        ("version: 1\nchecks: {sise: {}}", "sise"),
        ("version: 1\nchecks: {size: {targt: 1}}", "targt"),
        ("version: 1\nchecks: {size: {operator: about}}", "about"),
        ("version: 1\nchecks: {size: {", "does not read"),
    ],
)
def test_a_gate_file_that_does_not_hold_names_itself_and_the_fault(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(pw.InvalidSettings, match=words) as raised:
        loaded(tmp_path, text)
    assert "gate.yaml" in raised.value.message


def test_a_gate_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(pw.InvalidSettings, match="does not read"):
        pw.load_gate(pw.Gate(), tmp_path / "none.yaml")
