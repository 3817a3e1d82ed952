"""Weeks come in the table that series were trained from: each is taken once, and corrected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from pipewarden.core.jobs import Job
from pipewarden.core.models.deployments import ModelVersion, VersionStatus
from pipewarden.core.monitoring.observations import ObservationStatus as Status
from pipewarden.errors import BadInput
from pipewarden.healing.simulation.shelves import FIRST, Shelf, sales_world
from pipewarden.jobs.loading import load_pipeline
from pipewarden.jobs.models.context import model_context
from pipewarden.jobs.monitoring.arriving.sources import Table, Tables, root_of
from pipewarden.jobs.monitoring.arriving.weeks import Taken, take_new_weeks
from pipewarden.jobs.monitoring.checking import check
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.run import Silent, start
from pipewarden.jobs.workspace import Workspace
from pipewarden.models import deploying
from pipewarden.settings import Settings
from pipewarden.store.state import jobs, ledger
from pipewarden.store.state.models import deployments, predictions, versions
from pipewarden.store.state.monitoring import labels, observations

LEARNT, PLACE = 104, "production"
TRAINING = {"environment": "development", "family": "ets", "arima": {"enabled": False}}


class Shop:
    """Two books that serve, of which one changes, and their table."""

    def __init__(self, home, url):
        self.now = datetime(2026, 1, 5, 6, tzinfo=UTC)
        self.shelf = Shelf(sales_world("level-shift"), books=2, changed=1, shift_week=LEARNT)
        settings = Settings.model_validate(
            {
                "home": home,
                "database_url": url,
                "executor": "inline",
                "pipelines": {"sales": TRAINING},
                "models": {"tracking_uri": "off"},
            }
        )
        self.workspace = Workspace(settings, lambda: self.now)
        self.database = self.workspace.database
        self.table = home / "weekly.csv"
        self.write(LEARNT)
        options = RunOptions(
            pipeline="sales", source=str(self.table), executor="inline", output_dir=str(home / "o")
        )
        pipeline = load_pipeline("sales", settings)
        self.run = start(pipeline, options, self.workspace, Silent()).run_id
        for name in self.shelf.names:
            deploying.deploy(
                model_context(self.workspace), f"sales/{name}", PLACE, "latest", reason="first"
            )
        (self.changing,) = self.shelf.changing
        self.tables = Tables(self.workspace)

    def write(self, weeks, change=lambda text: text):
        self.table.write_bytes(change(self.shelf.table(weeks)))

    def take(self):
        self.now += timedelta(hours=1)
        with self.database.read() as conn:
            held = deployments.all_serving(conn, PLACE)
            serving = [(one, versions.get(conn, one.model, one.version)) for one in held]
        return take_new_weeks(self.tables, serving)

    def labelled(self, name):
        """Return the weeks of a book that were taken: their ends, and what was sold."""
        far = {"since": datetime(1970, 1, 1, tzinfo=UTC), "until": self.now + timedelta(days=1)}
        with self.database.read() as conn:
            rows = list(labels.labelled(conn, f"sales/{name}", PLACE, **far))
        return [(row.answer["steps"][0], row.label) for row in rows]


@pytest.fixture
def shop(tmp_path, url) -> Iterator[Shop]:
    held = Shop(tmp_path, url)
    yield held
    held.database.close()


def test_new_weeks_are_forecasts_of_what_serves_with_their_amounts_once(shop):
    assert shop.take() == Taken()
    shop.write(LEARNT + 3)
    assert shop.take() == Taken(weeks=6)
    for name in shop.shelf.names:
        taken = shop.labelled(name)
        assert [step["step"] for step, _ in taken] == [1, 2, 3]
        sold = [shop.shelf.sold(name, week) for week in range(LEARNT, LEARNT + 3)]
        assert [amount for _, amount in taken] == sold
        assert all({"y_hat", "lo_95", "hi_95"} <= step.keys() for step, _ in taken)
    assert shop.take() == Taken()
    shop.tables = Tables(shop.workspace)  # a process that begins anew reads the table again
    assert shop.take() == Taken()
    shop.write(LEARNT + 4)
    assert shop.take() == Taken(weeks=2)


def test_an_amount_that_is_corrected_holds_and_the_ledger_says_so(shop):
    name, week = shop.changing, LEARNT + 1
    sold = shop.shelf.sold(name, week)
    row = f"{name},{(FIRST + timedelta(weeks=week)).isoformat()},{sold}"
    shop.write(LEARNT + 2)
    shop.take()
    shop.write(LEARNT + 2, lambda text: text.replace(row.encode(), f"{row}0".encode()))
    assert shop.take() == Taken(corrected=1)
    assert shop.labelled(name)[1][1] == sold * 10
    with shop.database.read() as conn:
        assert [one.action for one in ledger.entries(conn)].count("labels.replaced") == 1


def test_a_table_that_does_not_read_is_told_and_read_when_it_does(shop):
    shop.write(LEARNT + 2, lambda _: b"what is this\n")
    with pytest.raises(BadInput):
        shop.take()
    checked = check(shop.workspace)
    assert "no column" in checked.failures["new weeks of series"]
    shop.write(LEARNT + 2)
    assert shop.take() == Taken(weeks=4)


def test_a_series_that_came_from_a_folder_of_tables_has_its_own(shop, tmp_path):
    (folder := tmp_path / "tables").mkdir()
    version = ModelVersion(
        model="sales/a", version=1, family="sales", status=VersionStatus.DEPLOYABLE,
        object_hash="", dataset="", verdict="PASS", reason="", run_id="by-folder",
        item_key="a.csv", parent=None, created_at=shop.now,
    )  # fmt: skip
    job = Job(
        id="by-folder", pipeline="sales", source=str(folder), created_at=shop.now,
        created_by="ada", options={"pipeline": "sales", "source": str(folder)},
    )  # fmt: skip
    with shop.database.write() as conn:
        jobs.insert(conn, job)
    (folder / "a.csv").write_text("unique_id,ds,y\na,2026-01-03,5\n", encoding="utf-8")
    table = shop.tables.of(version)
    assert table.path == folder / "a.csv"
    assert [(name, record["y"]) for name, record in table.records()] == [("a", [5.0])]


def test_lines_of_json_are_a_table_too(shop, tmp_path):
    path = tmp_path / "weekly.jsonl"
    path.write_text('{"unique_id": "a", "ds": [1], "y": [5.0]}\n\n', encoding="utf-8")
    table = Table(path=path, pipeline=load_pipeline("sales", shop.workspace.settings))
    assert [name for name, _ in table.records()] == ["a"]
    assert Table(path=tmp_path / "gone.csv", pipeline=table.pipeline).state is None


def test_a_table_that_is_gone_brings_nothing(shop):
    shop.table.unlink()
    assert shop.take() == Taken()


def test_the_check_judges_each_series_by_its_weeks(shop):
    shop.write(LEARNT + 13)
    shop.now += timedelta(weeks=13)
    checked = check(shop.workspace)
    found = {
        (one.subject.partition("/")[2], one.metric): one
        for one in checked.observations
        if one.metric.startswith("forecast.")
    }
    names = ("mase", "rmse", "mape", "bias", "interval_coverage", "relative_to_naive")
    for name in shop.shelf.names:
        assert {(name, f"forecast.{one}") for one in names} <= found.keys()
        status = found[name, "forecast.interval_coverage"].status
        assert (status is Status.BREACH) == (name == shop.changing)
        assert found[name, "forecast.mase"].sample == 13
    shop.write(LEARNT + 17)
    shop.now += timedelta(minutes=1)  # four more in a minute: the window has thirteen still
    later = check(shop.workspace).observations
    assert {one.sample for one in later if one.metric == "forecast.mase"} == {13}
    with shop.database.read() as conn:
        history = observations.history(
            conn, f"sales/{shop.changing}", "forecast.mase", environment=PLACE, limit=5
        )
        assert predictions.count(conn, f"sales/{shop.changing}") == 17
    assert [one.version for one in history] == [1, 1]


def test_a_run_of_a_source_is_its_own_root(shop):
    with shop.database.read() as conn:
        assert root_of(conn, shop.run, shop.workspace).id == shop.run
        assert root_of(conn, "none", shop.workspace) is None
