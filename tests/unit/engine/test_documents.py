"""Documents: what a result becomes, and what cannot be published."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from pipewarden import BadInput
from pipewarden.engine.publication import documents


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", ["x", "rows[1].y"])
def test_a_number_that_json_has_not_is_refused_with_its_place(value: float, place: str) -> None:
    document: dict[str, Any] = {"x": value} if place == "x" else {"rows": [{}, {"y": value}]}
    with pytest.raises(BadInput, match=place.replace("[", r"\[")) as raised:
        documents.encode(document)
    assert raised.value.reason == "not_finite"


class Scalar:
    """A NumPy-like scalar."""

    def __init__(self, value: float) -> None:
        self.value = value

    def item(self) -> float:
        return self.value


def test_scalars_sets_and_paths_are_written_as_json() -> None:
    data = documents.encode({"n": Scalar(1.5), "s": {2, 1}, "p": Path("a/b")})
    assert documents.decode(data) == {"n": 1.5, "s": [1, 2], "p": "a/b"}
    with pytest.raises(BadInput):
        documents.encode({"n": Scalar(math.nan)})


def test_an_artifact_mirrors_its_key_and_a_long_name_is_cut(tmp_path: Path) -> None:
    assert documents.artifact_path(tmp_path, "a/b.gz", ".json") == tmp_path / "a" / "b.gz.json"
    long = documents.artifact_path(tmp_path, "a/" + "é" * 127, ".json")
    assert len(long.name.encode()) <= 255
    assert long.name.endswith(".json")
    assert long != documents.artifact_path(tmp_path, "a/" + "é" * 126 + "e", ".json")
