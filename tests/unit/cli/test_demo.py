"""What the demonstration tells of a loop: the monitor's figures, the alerts, the ledger's acts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipewarden.app.demo import loop, telling, tour
from pipewarden.app.demo.telling import Happening, Measured
from pipewarden.core.chain import LedgerEntry
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind

AT = datetime(2026, 3, 1, tzinfo=UTC)


def observed(
    metric: str, value: float | None, status: str = "ok", feature: str = ""
) -> Observation:
    return Observation(
        check_id="check", at=AT, kind=SubjectKind.MODEL, subject="credit", metric=metric,
        status=ObservationStatus(status), value=value, version=1, feature=feature,
        threshold=0.9, sample=1_200,
    )  # fmt: skip


def entry(action: str, subject: str, reason: str = "", **details: object) -> LedgerEntry:
    return LedgerEntry(
        seq=1, ts=AT.isoformat(), actor="pipewarden", action=action, subject=subject,
        reason=reason, details=details, prev_hash="", hash="",
    )  # fmt: skip


def words(happenings) -> list[tuple[str, str]]:
    return [(one.who, one.words) for one in happenings]


def test_the_monitor_tells_how_good_the_answers_are_and_what_drifted():
    told = telling.seen(
        3,
        [
            observed("performance.auc", 0.7, "breach"),
            observed("drift.observed_share", 0.4, "warn"),
            observed("drift.feature", 1.1, "breach", "MonthlyIncome"),
            observed("drift.feature", 0.05, "ok", "DebtRatio"),
        ],
    )
    assert words(told) == [
        ("monitor", "AUC of version 1 is 0.700 on 1,200 labels (limit 0.900)"),
        (
            "monitor",
            "1 feature drifted: MonthlyIncome by 1.10 standard deviations",
        ),
    ]


def test_of_many_drifted_features_the_worst_are_named():
    names = {"age": 0.5, "DebtRatio": 0.3, "MonthlyIncome": 1.1}
    drifted = [observed("drift.feature", value, "warn", name) for name, value in names.items()]
    (told,) = telling.seen(3, [observed("drift.observed_share", 0.4, "warn"), *drifted])
    expected = "3 features drifted, most of all MonthlyIncome by 1.10 and age by 0.50"
    assert told.words == f"{expected} standard deviations"


def test_a_day_without_labels_has_no_quality():
    assert telling.measured(1, [observed("performance.auc", None, "not_computable")]) is None
    assert list(telling.seen(1, [observed("performance.auc", None, "not_computable")])) == []


def test_acts_of_the_ledger_are_told_in_order_and_those_of_no_interest_are_not():
    told = telling.done(
        5,
        [
            entry("healing.decided", "healing/1", "performance.auc 0.7, limit 0.9"),
            entry("run.started", "20260301_heal"),
            entry("challenger.started", "credit@2", "x", mode="canary", share=0.5),
            entry("model.promoted", "credit@2"),
        ],
    )
    assert words(told) == [
        ("healer", "decides to retrain, because of performance.auc 0.7, limit 0.9"),
        ("gate", "lets version 2 pass; as a canary it is asked 50% of the requests"),
        ("healer", "promotes version 2"),
    ]


def test_a_long_line_is_folded_below_its_words():
    first, second = telling.lines(Happening(3, "healer", "word " * 25))
    assert first.startswith("  day   3  healer    word")
    assert second.startswith(" " * 21 + "word")
    assert len(first) <= 96


def test_a_bar_is_long_for_good_answers_and_short_for_a_coin():
    of = [Measured(1, 1, auc, 900, 0.8, ObservationStatus.OK) for auc in (1.0, 0.75, 0.5)]
    assert [line.count("█") for line in telling.bars(of)] == [40, 20, 1]


def test_without_the_extras_the_tour_says_what_it_leaves_out_and_how_to_get_it(
    monkeypatch, tmp_path, capsys
):
    missing = {"lightgbm", "scipy"}
    monkeypatch.setattr(loop, "find_spec", lambda name: None if name in missing else object())
    tour.Tour(tmp_path).healing()
    assert "pip install 'pipewarden[credit,monitoring]'" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("missing", "extras"), [("scipy", ["monitoring"]), ("optuna", ["credit"])])
def test_only_the_extra_that_is_missing_is_named(monkeypatch, missing, extras):
    monkeypatch.setattr(loop, "find_spec", lambda name: None if name == missing else object())
    assert loop.lacking() == extras
