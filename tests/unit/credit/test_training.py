"""A model document says what it was made of, the same way every time."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pipewarden as pw
from pipewarden.pipelines.credit.gates import checks, promotion
from pipewarden.pipelines.credit.gates.checks import credit_gate
from pipewarden.pipelines.credit.model import open_model
from pipewarden.pipelines.credit.pipeline import build, facts

Train = Callable[..., dict[str, Any]]


def stated(document: dict[str, Any]) -> str:
    return json.dumps({k: v for k, v in document.items() if k != "timings"}, allow_nan=False)


def test_the_same_rows_give_the_same_document_in_any_order(
    rows: list[dict[str, Any]],
    document: dict[str, Any],
    quick_train: Train,
    tmp_path: Path,
) -> None:
    shuffled = list(rows)
    random.Random(5).shuffle(shuffled)
    path = tmp_path / "shuffled.csv.gz"
    names = list(rows[0])
    lines = [",".join(names), *(",".join(str(row[n]) for n in names) for row in shuffled)]
    path.write_bytes(gzip.compress(("\r\n".join(lines) + "\r\n").encode()))
    assert stated(quick_train(path, workers=1)) == stated(document)


def test_the_document_has_what_registering_and_serving_need(document: dict[str, Any]) -> None:
    assert document["model"] == document["family"] == "credit"
    assert document["dataset"]["fingerprint"].startswith("sha256:")
    assert document["dataset"]["rows"] == 1_500
    parts = document["dataset"]["split"]
    assert parts["training"] + parts["validation"] + parts["test"] == 1_500
    assert parts["by"] == "hash"
    for name in ("auc", "pr_auc", "f1", "brier", "log_loss", "ece"):
        metric = document["metrics"][name]
        assert metric["low"] <= metric["high"]
        assert metric["value"] >= 0
        assert metric["level"] == 0.95
    assert document["metrics"]["auc"]["value"] > 0.6
    assert [field["name"] for field in document["signature"]["inputs"]] == (
        document["dataset"]["columns"]
    )
    assert (
        len(document["baseline"]["rows"])
        == len(document["baseline"]["scores"])
        == (len(document["baseline"]["labels"]))
    )
    assert facts(document)["auc"] == document["metrics"]["auc"]["value"]


def test_one_edited_cell_changes_the_fingerprint(
    rows: list[dict[str, Any]], document: dict[str, Any]
) -> None:
    from pipewarden.pipelines.credit.data.description import load_description
    from pipewarden.pipelines.credit.data.table import fingerprint, table_of

    description = load_description()
    held = {name: [str(row[name]) for row in rows] for name in rows[0]}

    def named() -> str:
        return fingerprint(table_of(held, description), description)

    assert named() == document["dataset"]["fingerprint"]
    held["age"][17] = str(int(held["age"][17]) + 1)
    held["age"][18] = str(int(held["age"][18]) - 1)  # sum and mean stay as they were
    assert named() != document["dataset"]["fingerprint"]


def test_small_segments_say_why_they_are_not_judged(document: dict[str, Any]) -> None:
    segments = {row["value"]: row for row in document["segments"]}
    assert set(segments) == {"<30", "30-<40", "40-<50", "50-<60", ">=60"}
    assert all(("metrics" in row) != bool(row.get("reason")) for row in segments.values())
    assert segments["<30"]["not_computable"]
    assert "are needed" in segments["<30"]["reason"]


def test_the_explanation_names_the_features_that_the_data_was_made_with(
    document: dict[str, Any],
) -> None:
    told = document["explanation"]
    assert "RevolvingUtilizationOfUnsecuredLines" in told["top"]
    assert told["sign_conflicts"] == []
    assert 0 <= told["stability"] <= 1
    weights = [row["importance"] for row in told["features"]]
    assert weights == sorted(weights, reverse=True)


def test_merged_boosters_answer_as_their_sum() -> None:
    import lightgbm as lgb

    from pipewarden.pipelines.credit.fitting.boosting import Boosting, members, merged

    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 3))
    features[::7, 1] = np.nan
    labels = (features[:, 0] + rng.normal(size=400) > 0).astype(float)
    boosting = Boosting(
        parameters={"num_leaves": 4, "bagging_fraction": 0.5}, categories=[], seed=1
    )
    parts = members(boosting, features, labels, 7, 3, 2)
    whole = lgb.Booster(model_str=merged(parts))
    assert whole.num_trees() == 21
    expected = sum(part.predict(features, raw_score=True) for part in parts)
    assert np.allclose(whole.predict(features, raw_score=True), expected, atol=1e-12)
    told = sum(part.predict(features, pred_contrib=True) for part in parts)
    assert np.allclose(whole.predict(features, pred_contrib=True), told, atol=1e-9)


def test_what_the_gate_finds_in_a_sound_document(document: dict[str, Any]) -> None:
    gate = credit_gate()
    verdict = gate.evaluate(document)
    assert len(verdict.findings) == len(gate.checks)
    assert not [f.check for f in verdict.findings if f.status == "NOT_COMPUTABLE"]


@pytest.mark.parametrize(
    ("place", "value", "check"),
    [
        ("dataset.rows", 10, "enough_rows"),
        ("dataset.positives", 3, "enough_positives"),
        ("dataset.quality.unlabelled", 500, "unlabelled_rows"),
        ("dataset.quality.duplicates", 500, "duplicate_rows"),
        ("dataset.quality.columns.age.wrong_type", 400, "wrong_types"),
        ("dataset.quality.columns.age.out_of_range", 400, "out_of_range"),
        ("dataset.quality.columns.age.missing", 1_200, "missing_values"),
        ("comparison.brier_gain_over_trivial.low", -0.001, "beats_trivial"),
        ("comparison.auc_gain_over_logistic.value", -0.1, "beats_logistic"),
        ("comparison.auc_gain_over_logistic.value", None, "beats_logistic"),
        ("metrics.auc.value", 0.55, "auc"),
        ("metrics.cv_ece", 0.2, "calibration_error"),
        ("metrics.size_bytes", 10**9, "size"),
        ("timings.predict_1_ms", 500, "latency"),
        ("explanation.sign_conflicts", ["age"], "explainable_signs"),
        ("explanation.stability", 0.1, "explanation_stability"),
    ],
)
def test_each_fault_quarantines_the_version(
    document: dict[str, Any], place: str, value: Any, check: str
) -> None:
    spoilt = copy.deepcopy({k: v for k, v in document.items() if k not in ("artifact", "baseline")})
    *parents, name = place.split(".")
    held = spoilt
    for parent in parents:
        held = held[parent]
    held[name] = value
    verdict = credit_gate().evaluate(spoilt)
    assert verdict.status == "FAIL"
    assert check in verdict.reason.split(", ")


def test_operators_find_the_gates_beside_the_others() -> None:
    folder = Path(__file__).resolve().parents[3] / "config" / "gates"
    assert (folder / "credit.yaml").read_bytes() == checks.GATE_FILE.read_bytes()
    assert (folder / "credit-promotion.yaml").read_bytes() == promotion.GATE_FILE.read_bytes()


def test_the_presets_differ_in_strictness() -> None:
    limits = {}
    for preset in ("conservative", "default", "aggressive"):
        (check,) = [c for c in credit_gate(preset).checks if c.name == "auc"]
        limits[preset] = check.thresholds[0].target
    assert limits["conservative"] > limits["default"] > limits["aggressive"]
    with pytest.raises(pw.InvalidSettings, match="no preset"):
        credit_gate("reckless")


def test_any_table_is_described_in_yaml_with_categories_segments_and_a_time(
    save_csv: Callable[..., Path], quick_train: Train, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    rows = []
    for day in range(600):
        kind, size = str(rng.choice(["red", "green", "blue"])), float(rng.normal())
        churned = rng.random() < 1 / (1 + np.exp(-(size + 1.5 * (kind == "red") - 0.5)))
        moment = f"2024-{1 + day // 50:02d}-{1 + day % 25:02d}"
        rows.append(
            {"when": moment, "kind": kind, "size": size, "left": "yes" if churned else "no"}
        )
    description = tmp_path / "churn.yaml"
    description.write_text(
        "name: churn\ntarget: left\npositive: 'yes'\ntime: when\n"
        "columns: {kind: {type: category}, size: {type: number, sign: 1}}\n"
        "segments: [{column: kind}]\n",
        encoding="utf-8",
    )
    document = quick_train(save_csv(tmp_path / "churn.csv", rows), description=description)
    assert document["model"] == "churn"
    assert document["dataset"]["split"]["by"] == "time"
    assert [row["value"] for row in document["segments"]] == ["blue", "green", "red"]
    model = open_model(document)
    red, purple = model.predict([{"kind": "red", "size": 0.0}, {"kind": "purple", "size": 0.0}])
    assert (red["flags"], purple["flags"]) == ([], ["unknown_level:kind"])
    (green,) = model.predict([{"size": 0.0, "kind": "green"}])
    assert red["probability"] > green["probability"]


def test_the_pipeline_takes_its_settings_and_refuses_other_files(tmp_path: Path) -> None:
    pipeline = build({"search.trials": 1})
    assert pipeline.name == "credit"
    assert pipeline.settings["search"]["trials"] == 1
    assert "workers" not in pipeline.settings
    with pytest.raises(pw.BadInput, match="neither CSV nor Parquet"):
        pipeline.process(tmp_path / "table.xlsx")


def test_the_stored_scores_are_those_of_the_opened_model(document: dict[str, Any]) -> None:
    from pipewarden.pipelines.credit.family import CreditFamily

    family = CreditFamily()
    restored = json.loads(json.dumps(document))
    evidence = family.smoke(restored, family.open(restored))
    assert evidence["problems"] == []
    assert evidence["rows"] >= 200
    assert open_model(restored).threshold == document["artifact"]["threshold"]
