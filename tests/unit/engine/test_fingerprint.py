"""What makes an output stale beside its input: its package's code, its settings, its version."""

from __future__ import annotations

import functools
import importlib
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import pipewarden as pw
from pipewarden.engine import fingerprint
from pipewarden.engine.fingerprint import code_hash, fingerprints
from pipewarden.errors import InvalidSettings


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return what writes a package and gives its ``process`` as a fresh interpreter would."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(files: dict[str, bytes], module: str = "someones.stages.parse"):
        shutil.rmtree(tmp_path / "someones", ignore_errors=True)
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        for name in [name for name in sys.modules if name.split(".")[0] == "someones"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        fingerprint._hash_tree.cache_clear()
        return importlib.import_module(module).process

    yield write
    for name in [name for name in sys.modules if name.split(".")[0] == "someones"]:
        del sys.modules[name]


FILES = {
    "someones/__init__.py": b"",
    "someones/stages/__init__.py": b"",
    "someones/stages/parse.py": b"def process(path):\n    return {}\n",
    "someones/words.py": b"LIST = []\n",
    "others/words.py": b"LIST = []\n",
}


def test_every_module_of_the_package_counts_and_no_other(package):
    before = code_hash(package(FILES))
    assert code_hash(package(FILES)) == before
    assert code_hash(package(FILES | {"someones/words.py": b"LIST = [1]\n"})) != before
    assert code_hash(package(FILES | {"someones/new.py": b""})) != before
    assert code_hash(package(FILES | {"others/words.py": b"LIST = [1]\n"})) == before
    assert code_hash(package(FILES | {"someones/data.csv": b"1,2\n"})) == before


def test_line_ends_of_another_operating_system_are_the_same_code(package):
    windows = {name: text.replace(b"\n", b"\r\n") for name, text in FILES.items()}
    assert code_hash(package(windows)) == code_hash(package(FILES))


def test_a_wrapped_function_is_known_by_what_it_wraps(package):
    process = package(FILES)
    assert code_hash(functools.partial(process)) == code_hash(process)

    @functools.wraps(process)
    def wrapper(path):
        return process(path)

    assert code_hash(wrapper) == code_hash(process)


def test_a_function_without_source_is_known_by_its_byte_code():
    one: dict = {"__name__": "typed_at_a_prompt"}
    two = dict(one)
    exec("def process(path): return 1", one)
    exec("def process(path): return path", two)
    assert code_hash(one["process"]) != code_hash(two["process"])


def read(path: Path):
    return {}


def test_version_settings_and_gate_each_have_their_part():
    pipeline = pw.Pipeline(name="texts", process=read, settings={"a": 1, "b": 2})
    before = fingerprints(pipeline)
    assert fingerprints(replace(pipeline, settings={"b": 2, "a": 1})) == before
    assert fingerprints(replace(pipeline, settings={"a": 1, "b": 3})).pipeline != before.pipeline
    assert fingerprints(replace(pipeline, version="2")).pipeline.startswith("2/")
    assert fingerprints(replace(pipeline, name="other", timeout=9.0)) == before
    gated = fingerprints(replace(pipeline, gate=pw.Gate([pw.check(len)])))
    assert gated.pipeline == before.pipeline
    assert gated.measures != before.measures


def test_settings_that_are_no_plain_values_are_refused():
    with pytest.raises(InvalidSettings, match="not plain JSON"):
        fingerprints(pw.Pipeline(name="texts", process=read, settings={"a": object()}))
