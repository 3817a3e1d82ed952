"""A misbehaving EDGAR, a clock that never waits, and a download from the one by the other."""

from __future__ import annotations

import importlib.util
import os
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipewarden.pipelines.filings.edgar import DownloadReport, EdgarSettings, Order, download
from pipewarden.pipelines.filings.edgar.client import EdgarClient
from pipewarden.pipelines.filings.edgar.pacing import Backoff, Clock

if "edgar_stub" not in sys.modules:  # tests are imported by path, so a shared module is too
    spec = importlib.util.spec_from_file_location(
        "edgar_stub", Path(__file__).with_name("edgar_stub.py")
    )
    assert spec is not None and spec.loader is not None
    sys.modules["edgar_stub"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["edgar_stub"])

if TYPE_CHECKING:
    from edgar_stub import EdgarStub, FakeClock


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(autouse=True)
def nothing_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk, and load no certificates: the stub speaks plain HTTP.

    The test of the order of writes looks at the calls.
    """
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)


@pytest.fixture
def fake_clock() -> FakeClock:
    return sys.modules["edgar_stub"].FakeClock()  # type: ignore[no-any-return]


@pytest.fixture
def clock(fake_clock: FakeClock) -> Clock:
    return Clock(fake_clock.monotonic, fake_clock.sleep, fake_clock.now)


@pytest.fixture
def stub(fake_clock: FakeClock) -> Iterator[EdgarStub]:
    with sys.modules["edgar_stub"].running(fake_clock) as stub:
        yield stub


@pytest.fixture
def settings(stub: EdgarStub) -> Callable[..., EdgarSettings]:
    def make(**changes: Any) -> EdgarSettings:
        given = {"user_agent": "Test Research test@example.org", "requests_per_second": 10.0}
        given |= {"www_url": stub.url, "data_url": stub.url, "attempts": 4}
        given |= {"backoff": Backoff(draw=lambda: 1.0)}
        return EdgarSettings(**(given | changes))

    return make


@pytest.fixture
def client(settings: Callable[..., EdgarSettings], clock: Clock) -> Iterator[EdgarClient]:
    with EdgarClient(settings(), clock) as client:
        yield client


@pytest.fixture
def fetch_all(
    settings: Callable[..., EdgarSettings], clock: Clock, tmp_path: Path
) -> Callable[..., DownloadReport]:
    """Download what company 42 has into ``tmp_path``; settings and order may be changed."""

    def run(*, dry_run: bool = False, by: dict[str, Any] | None = None, **o: Any) -> DownloadReport:
        order = Order(**({"folder": tmp_path / "raw", "ciks": (42,)} | o))
        return download(order, settings(**(by or {})), dry_run=dry_run, clock=clock)

    return run
