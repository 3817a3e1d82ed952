"""NumPy has one thread within the block, and what it had before after it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pipewarden.pipelines.articles.enrich import threads
from pipewarden.pipelines.articles.enrich.threads import single_threaded


@pytest.fixture
def told() -> Any:
    controls = threads._controls()
    if controls is None:
        pytest.skip("NumPy came without OpenBLAS")
    before = controls[0]()
    controls[1](2)
    yield controls[0]
    controls[1](before)


def test_one_thread_within_and_the_former_number_after(told: Any) -> None:
    with single_threaded():
        assert told() == 1
        with single_threaded():
            assert told() == 1
        assert told() == 1
    assert told() == 2


def test_an_error_restores_the_number(told: Any) -> None:
    with pytest.raises(ValueError, match="x"), single_threaded():
        raise ValueError("x")
    assert told() == 2


def test_blocks_of_several_threads_restore_it_once(told: Any) -> None:
    def work(_: int) -> int:
        with single_threaded():
            return told()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(work, range(200))) == {1}
    assert told() == 2


def test_another_library_is_left_alone(monkeypatch: Any) -> None:
    monkeypatch.setattr(threads, "_controls", lambda: None)
    with single_threaded():
        pass
