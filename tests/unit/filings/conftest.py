"""Synthetic filings in the many styles that filers use; each states what must come of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _load(name: str) -> ModuleType:
    """Load a module beside this file: test modules are not importable by name here."""
    spec = importlib.util.spec_from_file_location(
        f"filings_{name}", Path(__file__).with_name(f"{name}.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


paper = _load("paper")
styles = _load("styles")
absences = _load("absences")
layouts = _load("layouts")
oddities = _load("oddities")
VARIANTS = [*styles.variants(), *absences.variants(), *layouts.variants(), *oddities.variants()]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)


@pytest.fixture
def filing_paper() -> ModuleType:
    """The building blocks of synthetic filings."""
    return paper


@pytest.fixture
def processed(tmp_path: Path) -> Any:
    """A function from text (or bytes) and settings to the filing that is made of it."""
    from pipewarden.pipelines.filings.process import process_filing
    from pipewarden.pipelines.filings.settings import filings_settings

    def process(content: str | bytes, name: str = "filing.htm", **settings: Any) -> Any:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return process_filing(path, filings_settings(settings))

    return process
