"""What became of a run, in the sentence that is read first."""

from __future__ import annotations

import pytest

from pipewarden.report.account import (
    ending,
    proof,
    quarantine_command,
    summary,
    when_tried_again,
    why_quarantined,
)


def with_totals(facts, **totals):
    facts["totals"].update(totals)
    return facts


def test_what_was_quarantined_is_told_by_gate_and_by_error(run_facts):
    assert summary(run_facts()) == (
        "58 of 60 items published (3 with warnings), 2 quarantined: "
        "1 by the gate (no_html_artefacts), 1 errored (timeout)."
    )


def test_several_reasons_have_numbers_and_many_are_counted(run_facts):
    reasons = {f"reason_{n}": 9 - n for n in range(6)}
    facts = with_totals(run_facts(1, 1, reasons=reasons), quarantined=39, errored=39, seen=40)
    assert summary(facts).endswith(
        " 39 errored (9 reason_0, 8 reason_1, 7 reason_2, 6 reason_3, 2 more reasons)."
    )


def test_bad_input_is_neither_the_gate_nor_an_error(run_facts):
    facts = run_facts(1, 2, reasons={"empty_file": 1, "timeout": 1})
    assert "2 quarantined: 1 as bad input and 1 errored (1 empty_file, 1 timeout)" in summary(facts)


def test_several_checks_of_one_item_are_the_gates(run_facts):
    facts = run_facts(1, 2, reasons={"no_html_artefacts, sic_present": 1, "timeout": 1})
    assert "1 by the gate (no_html_artefacts, sic_present), 1 errored (timeout)" in summary(facts)


@pytest.mark.parametrize(
    ("seen", "plan", "sentence"),
    [
        (0, {}, "No items were found."),
        (9000, {"unchanged": 9000}, "Nothing to do, all 9,000 items are unchanged."),
        (1, {"unchanged": 1}, "Nothing to do, the only item is unchanged."),
        (
            3,
            {"unchanged": 2, "rejected": 1, "new": 0, "deleted": 4},
            "Nothing to do, all 3 items were skipped (2 unchanged, 1 rejected).",
        ),
    ],
)
def test_a_run_without_work_says_so(run_facts, seen, plan, sentence):
    facts = with_totals(run_facts(0, 0, plan=plan), seen=seen, skipped=seen)
    assert summary(facts) == sentence


@pytest.mark.parametrize(
    ("status", "beginning", "words", "tone"),
    [
        ("COMPLETED", "58 of 60", "Completed, 2 quarantined", "warn"),
        ("FAILED", "The run failed: disk full. So far: 58 of 60", "Failed", "bad"),
        ("PAUSED", "The run is paused. So far: 58 of 60", "Paused, can be resumed", "warn"),
        (
            "CANCELLED",
            "The run was cancelled. Until then: 58 of",
            "Cancelled, can be resumed",
            "warn",
        ),
        ("RUNNING", "58 of 60", "Running", "idle"),
    ],
)
def test_how_a_run_ended(run_facts, status, beginning, words, tone):
    facts = run_facts()
    facts["run"].update(status=status, error="disk full.\nfree some space")
    assert summary(facts).startswith(beginning)
    assert ending(facts) == (words, tone)


def test_a_run_that_failed_without_an_error_says_what_became_of_it(run_facts):
    facts = run_facts(0, 2)
    facts["run"]["status"] = "FAILED"
    assert summary(facts).startswith("The run failed: 0 of 2 items published, 2 quarantined")


def test_skipped_and_deferred_items_are_told(run_facts):
    facts = with_totals(run_facts(1, 0), skipped=3, deferred=2, seen=6)
    assert summary(facts) == "1 of 6 items published, 3 skipped, 2 deferred."


def test_a_clean_run_is_good_and_one_that_loses_items_is_bad_whatever_it_says(run_facts):
    assert ending(run_facts(3, 0)) == ("Completed", "good")
    lost = with_totals(run_facts(3, 0), seen=4)
    assert ending(lost) == ("Completed, and the numbers do not add up", "bad")


def test_the_proof_shows_its_numbers(run_facts):
    totals = with_totals(run_facts(), skipped=940, seen=1000)["totals"]
    assert proof(totals) == (
        "1,000 seen = 940 skipped + 58 published + 2 quarantined + 0 deferred",
        True,
    )
    lost = proof({**totals, "seen": 1001})
    assert lost.sentence.endswith("= 1,000: 1 item missing")
    assert not lost.holds
    assert proof({**totals, "seen": 998}).sentence.endswith("2 items too many")
    assert proof({**totals, "errored": 2}).sentence == (
        "2 quarantined ≠ 1 rejected + 2 errored = 3"
    )


def test_commands_can_be_pasted_whatever_the_key_is():
    assert quarantine_command("retry", "r1", "a b") == "pipewarden quarantine retry r1 'a b'"
    assert quarantine_command("release", "r1", "x") == (
        'pipewarden quarantine release r1 x --reason "..."'
    )
    assert quarantine_command("release", "r1", "--all") == (
        'pipewarden quarantine release --reason "..." -- r1 --all'
    )
    assert quarantine_command("show", "r1", "a\nb") == "pipewarden quarantine show r1 $'a\\x0ab'"


def test_why_an_item_lies_in_quarantine(failure_facts):
    assert why_quarantined(failure_facts()) == (
        "The gate refused it for extraction_yield: 512 ppm of the file were extracted."
    )
    errored = failure_facts(kind="errored", verdict=None, reason="timeout", message="")
    assert why_quarantined(errored) == "Processing ended in an error, timeout."
    raised = failure_facts(kind="errored", verdict=None, reason="KeyError", message="KeyError: 'x'")
    assert why_quarantined(raised) == "Processing ended in an error, KeyError: 'x'."
    refused = failure_facts(verdict=None, reason="empty_file", message="it has no bytes.")
    assert why_quarantined(refused) == (
        "It cannot be processed, and no retry will mend its bytes: empty_file: it has no bytes."
    )


def test_when_an_item_is_tried_again(failure_facts):
    assert "only if its bytes" in when_tried_again(failure_facts())
    assert "(1 attempt left)" in when_tried_again(failure_facts(kind="errored", attempt=2))
    assert "attempts are spent" in when_tried_again(failure_facts(kind="errored", attempt=3))
