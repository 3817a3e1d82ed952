"""A classifier drawn: whether its probabilities come true, how it ranks, and for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pipewarden as pw

#: The metrics of groups that are drawn, with their names.
_BY_GROUP = {"auc": "AUC", "f1": "F1"}


def charts(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what the document holds, drawn; a version from before a curve was kept has none."""
    drawn = {"calibration": _calibration(document)}
    curves = document.get("curves") or {}
    if "roc" in curves:
        auc = document["metrics"]["auc"]["value"]
        drawn["roc"] = _curve(
            curves["roc"], [(0.0, 0.0), (1.0, 1.0)], "no model",
            f"{document['model']}: ROC, AUC {auc:.4f}", "false positive rate", "true positive rate",
        )  # fmt: skip
    if "pr" in curves:
        rate = document["dataset"]["positives"] / max(1, document["dataset"]["rows"])
        area = document["metrics"]["pr_auc"]["value"]
        drawn["precision_recall"] = _curve(
            curves["pr"], [(0.0, rate), (1.0, rate)], "no model",
            f"{document['model']}: precision and recall, area {area:.4f}", "recall", "precision",
        )  # fmt: skip
    for name, shown in _BY_GROUP.items():
        groups = _groups(document, name)
        if groups:
            drawn[f"segments_{name}"] = pw.charts.bars(
                groups,
                marks=[pw.charts.Mark(at=document["metrics"][name]["value"], text="all rows")],
                title=f"{document['model']}: {shown} by group, with 95% intervals",
                x_label=shown,
            )
    return drawn


def _calibration(document: Mapping[str, Any]) -> str:
    dots = [
        pw.charts.Dot(x=each["probability"], y=each["frequency"], weight=each["rows"])
        for each in document["calibration_curve"]
    ]
    brier = document["metrics"]["brier"]["value"]
    return pw.charts.calibration(dots, title=f"{document['model']}: calibration, Brier {brier:.4f}")


def _curve(
    points: Sequence[Sequence[float]],
    against: Sequence[tuple[float, float]],
    name: str,
    title: str,
    x_label: str,
    y_label: str,
) -> str:
    return pw.charts.line_chart(
        [
            pw.charts.Series(name="the model", points=[(x, y) for x, y in points]),
            pw.charts.Series(name=name, points=list(against), quiet=True),
        ],
        title=title,
        x_label=x_label,
        y_label=y_label,
    )


def _groups(document: Mapping[str, Any], metric: str) -> list[Any]:
    """Return a bar for each group that can be judged."""
    return [
        pw.charts.Bar(
            label=f"{each['name']} {each['value']}",
            value=each["metrics"][metric]["value"],
            low=each["metrics"][metric].get("low"),
            high=each["metrics"][metric].get("high"),
        )
        for each in document["segments"]
        if metric in each.get("metrics", {})
    ]
