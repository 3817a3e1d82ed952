"""Series trained by the real command: from a table or a database, here or on workers, and drawn."""

from __future__ import annotations

import csv
import json
import math
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from shutil import which
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).parent / "celery_site"))

from site_of_celery import HANGS, RedisServer, site

from pipewarden.store.state.database import Database
from pipewarden.store.state.models import versions

SERIES, WEEKS = 6, 70
#: Without ARIMA, which takes nine tenths of the time; the registry is another test's matter.
SETTINGS = "models: {tracking_uri: 'off'}\npipelines: {sales: {arima: {enabled: false}}}\n"
SECRET = "hunter2"

Row = tuple[str, int, float]


def rows() -> list[Row]:
    """Return drawn sales: a season, and noise that is the same each time."""
    drawn = random.Random(3)
    return [
        (f"s{name}", week, round(80 + 30 * math.sin(week / 8 + name) + drawn.gauss(0, 4), 1))
        for name in range(SERIES)
        for week in range(WEEKS)
    ]


def write_table(path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("unique_id", "ds", "y"), *rows()])
    return path


def registered(home: Path) -> dict[str, list[str]]:
    """Return the hashes of the documents of each model's versions."""
    database = Database.open(f"sqlite:///{home / '.pipewarden' / 'state.db'}")
    held: dict[str, list[str]] = {}
    with closing(database), database.read() as conn:
        for one in versions.listed(conn):
            held.setdefault(one.model, []).append(one.object_hash)
    return held


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "pipewarden.yaml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def pipewarden(home: Path) -> Command:
    """Return the real command, in the home folder."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pipewarden", *arguments],
            cwd=home,
            env={**os.environ, "PIPEWARDEN_RESEARCHER": "tester", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS,
        )

    return run


def progress(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert done.returncode in (0, 1), done.stderr
    totals: dict[str, int] = json.loads(done.stdout)["totals"]
    return {name: totals[name] for name in ("seen", "skipped", "published", "quarantined")}


def test_a_run_says_how_its_models_do_and_draws_them(home: Path, pipewarden: Command) -> None:
    write_table(home / "weekly.csv")
    assert pipewarden("run", "sales", "weekly.csv", "--executor", "inline").returncode == 0
    (report,) = (home / "reports").glob("*.md")
    assert f"of {SERIES} beat the naive forecast" in report.read_text(encoding="utf-8")
    (page,) = (home / "reports").glob("*.html")
    assert "<svg" in page.read_text(encoding="utf-8")

    done = pipewarden("forecast", "--isbn", "s3", "--horizon", "5", "--plot", "s3.svg")
    assert "drawn: s3.svg" in done.stdout
    told = ElementTree.parse(home / "s3.svg").getroot()[2].text or ""
    assert "forecast: 5 points" in told
    held = json.loads(pipewarden("models", "plot", "sales/s3", "--json").stdout)
    assert list(held["files"]) == ["forecast", "errors"]
    assert all(
        (home / path).read_text("utf-8").startswith("<?xml") for path in held["files"].values()
    )


def test_a_plot_is_an_svg_of_one_series(home: Path, pipewarden: Command) -> None:
    for arguments in (("--isbn", "s1", "--plot", "s1.png"), ("--all", "--plot", "all.svg")):
        assert pipewarden("forecast", *arguments).returncode == 2
    assert not list(home.glob("*.svg"))


def test_series_come_from_a_database_by_a_query(home: Path, pipewarden: Command) -> None:
    shop = home / "shop.db"
    with closing(sqlite3.connect(shop)) as conn, conn:
        conn.execute("CREATE TABLE sold (book TEXT, week INTEGER, copies REAL)")
        conn.executemany("INSERT INTO sold VALUES (?, ?, ?)", rows())
    query = "SELECT book AS unique_id, week AS ds, copies AS y FROM sold ORDER BY book, week"
    (home / "weekly.query.yaml").write_text(f"connection: shop\nquery: {query}\n")
    connections = {
        "PIPEWARDEN_CONNECTIONS": json.dumps(
            {"shop": f"sqlite:///{shop}", "other": f"postgresql://ada:{SECRET}@127.0.0.1:9/other"}
        )
    }
    words = ("run", "sales", "weekly.query.yaml", "--executor", "inline", "--json")
    whole = {"seen": SERIES, "skipped": 0, "published": SERIES, "quarantined": 0}
    assert progress(pipewarden(*words, **connections)) == whole
    assert progress(pipewarden(*words, **connections)) == {
        **whole, "skipped": SERIES, "published": 0,
    }  # fmt: skip

    with closing(sqlite3.connect(shop)) as conn, conn:
        conn.execute("UPDATE sold SET copies = copies + 5 WHERE book = 's2' AND week > 60")
    assert progress(pipewarden(*words, **connections)) == {
        **whole, "skipped": SERIES - 1, "published": 1,
    }  # fmt: skip
    changed = {model for model, held in registered(home).items() if len(held) > 1}
    assert changed == {"sales/s2"}
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []


def test_a_query_names_a_connection_that_is_set(home: Path, pipewarden: Command) -> None:
    (home / "weekly.query.yaml").write_text("connection: shop\nquery: SELECT 1\n")
    done = pipewarden("run", "sales", "weekly.query.yaml")
    assert done.returncode == 2
    assert "names the connection 'shop', which no setting gives" in done.stderr


@pytest.fixture
def redis(tmp_path: Path, absent: Callable[..., None]) -> Iterator[RedisServer]:
    if which("redis-server") is None:
        absent("redis-server", "which redis-server", "PIPEWARDEN_REQUIRE_SERVICES")
    (tmp_path / "redis").mkdir()
    server = RedisServer(tmp_path / "redis")
    yield server
    server.kill()


@pytest.mark.slow
def test_workers_train_the_very_versions_that_are_trained_here(
    home: Path, pipewarden: Command, redis: RedisServer
) -> None:
    write_table(home / "weekly.csv")
    with site(home, redis.url, silence_seconds=60.0) as place:
        place.start_worker(2, "sales")
        assert place.start_run("sales", "weekly.csv").wait(HANGS) == 0
    by_workers = registered(home)
    assert len(by_workers) == SERIES
    again = pipewarden("run", "sales", "weekly.csv", "--executor", "inline", "--force", "--json")
    assert progress(again)["published"] == SERIES
    assert registered(home) == by_workers
