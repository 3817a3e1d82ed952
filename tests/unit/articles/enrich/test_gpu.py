"""A GPU is said to be in use when the loaded model computes on it, whatever is configured."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import SimpleNamespace
from typing import Any

import pytest
import spacy
import thinc.api

from pipewarden.pipelines.articles.enrich import weights
from pipewarden.pipelines.articles.settings import EntitySettings

Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return what makes a machine: with CuPy or not, with a GPU that answers or not."""
    weights.load_pipeline.cache_clear()

    def make(*, library: bool, answers: bool, computes_on: str = "") -> None:
        found = importlib.util.find_spec

        def find(name: str, package: str | None = None) -> ModuleSpec | None:
            if name == "cupy":
                return ModuleSpec("cupy", None) if library else None
            return found(name, package)

        def require(_: int = 0) -> bool:
            if not answers:
                raise ValueError("Cannot use GPU, CuPy is not installed")
            return True

        used = computes_on or ("cupy" if answers else "numpy")
        monkeypatch.setattr(importlib.util, "find_spec", find)
        monkeypatch.setattr(spacy, "require_gpu", require)
        monkeypatch.setattr(thinc.api, "get_current_ops", lambda: SimpleNamespace(name=used))

    return make


def facts(*, gpu: bool) -> dict[str, Any]:
    weights.load_pipeline.cache_clear()
    told = weights.engine_facts(EntitySettings(gpu=gpu))
    weights.load_pipeline.cache_clear()
    return told


def test_a_gpu_that_computes_is_in_use(machine: Machine) -> None:
    machine(library=True, answers=True)
    told = facts(gpu=True)
    assert (told["in_use"]["device"], "problem" in told) == ("gpu", False)


def test_one_that_is_configured_and_does_not_compute_is_not_in_use(machine: Machine) -> None:
    machine(library=True, answers=True, computes_on="numpy")
    told = facts(gpu=True)
    assert told["configured"]["gpu"]
    assert told["in_use"]["device"] == "cpu"


@pytest.mark.parametrize("library", [False, True])
def test_one_that_is_configured_and_does_not_answer_is_a_problem(
    machine: Machine, library: bool
) -> None:
    machine(library=library, answers=False)
    told = facts(gpu=True)
    assert told["available"]["gpu_library"] is library
    assert told["in_use"] is None
    assert "a GPU is required" in told["problem"]


def test_one_that_nobody_asked_for_is_not_in_use(machine: Machine) -> None:
    machine(library=True, answers=False)
    told = facts(gpu=False)
    assert (told["available"]["gpu_library"], told["in_use"]["device"]) == (True, "cpu")
