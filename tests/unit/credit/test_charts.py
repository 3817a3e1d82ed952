"""A classifier is drawn from its document alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipewarden.core.models.showing import Pictured
from pipewarden.pipelines.credit.family import CreditFamily


def test_a_model_is_drawn_with_all_that_its_document_holds(document: Mapping[str, Any]) -> None:
    family = CreditFamily()
    assert isinstance(family, Pictured)
    drawn = family.charts(document)
    assert {"calibration", "roc", "precision_recall", "segments_f1"} <= drawn.keys()
    assert all(svg.startswith("<svg") for svg in drawn.values())


def test_a_version_from_before_the_curves_were_kept_is_drawn_without_them(
    document: Mapping[str, Any],
) -> None:
    older = {name: held for name, held in document.items() if name != "curves"}
    assert "roc" not in CreditFamily().charts(older)
    assert "calibration" in CreditFamily().charts(older)


def test_a_group_that_cannot_be_judged_has_no_bar(document: Mapping[str, Any]) -> None:
    judged = [each for each in document["segments"] if not each.get("not_computable")]
    chart = CreditFamily().charts(document)["segments_f1"]
    assert chart.count("<rect") == len(judged)
