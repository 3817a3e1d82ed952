"""Jobs on Celery workers while workers, runners and brokers are killed: nothing lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

sys.path.insert(0, str(Path(__file__).parent / "celery_site"))

from site_of_celery import RedisServer, Site, site, until

RECORDS = 1_000
#: Read now: the tests' neutral environment knows no variable but its own.
RABBITMQ = os.environ.get("PIPEWARDEN_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")

pytestmark = pytest.mark.slow


@pytest.fixture
def redis(tmp_path: Path, absent) -> Iterator[RedisServer]:
    """Return a Redis of our own, which may be killed."""
    if which("redis-server") is None:
        absent("redis-server", "which redis-server", "PIPEWARDEN_REQUIRE_SERVICES")
    (tmp_path / "redis").mkdir()
    server = RedisServer(tmp_path / "redis")
    yield server
    server.kill()


@pytest.fixture(params=["redis", "rabbitmq"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Return a site on each broker."""
    own = request.param == "redis"
    if own:
        url = request.getfixturevalue("redis").url
    else:
        url = request.getfixturevalue("answering")("RabbitMQ", RABBITMQ)
    (tmp_path / "home").mkdir()
    with site(tmp_path / "home", url) as made:
        yield made


@pytest.fixture
def own_place(redis: RedisServer, tmp_path: Path) -> Iterator[Site]:
    """Return a site on a broker that may be killed."""
    (tmp_path / "home").mkdir()
    with site(tmp_path / "home", redis.url) as made:
        yield made


def test_an_undisturbed_job_works_on_each_record_once(place: Site) -> None:
    place.celery["silence_seconds"] = 60.0  # a machine under load is not taken for a dead one
    place.write(RECORDS)
    place.start_worker(concurrency=2)
    assert place.wait(place.start_run()) == 0
    place.assert_complete(RECORDS)
    assert set(place.times_worked_on.values()) == {1}
    assert place.acts() == ["run.started", "run.finished"]
    assert place.waiting_messages() == 0


def test_workers_are_killed_again_and_again(place: Site) -> None:
    place.write(RECORDS)
    place.start_worker()
    place.start_worker()
    runner = place.start_run()
    for committed in (50, 250, 450, 650, 850):
        place.reach(committed)
        assert [worker.poll() for worker in place.workers[-2:]] == [None, None]
        place.workers[-2].kill()
        place.start_worker()
    assert place.wait(runner) == 0
    place.assert_complete(RECORDS)
    assert place.acts() == ["run.started", "run.finished"]
    again = sum(times - 1 for times in place.times_worked_on.values())
    assert again < RECORDS / 4  # what the dead had, and what waited too long on a busy machine


def test_runners_are_killed_again_and_again(place: Site) -> None:
    place.write(RECORDS)
    place.start_worker(concurrency=2)
    runner = place.start_run()
    for committed in (50, 300, 550, 800):
        place.reach(committed)
        runner.kill()
        runner.wait()
        runner = place.resume()
    assert place.wait(runner) == 0
    place.assert_complete(RECORDS)
    assert place.acts() == ["run.started", *["run.resumed"] * 4, "run.finished"]
    until(lambda: place.waiting_messages() == 0, "stale chunks are dropped")


def test_a_broker_is_killed_again_and_again_and_forgets_everything(
    own_place: Site, redis: RedisServer
) -> None:
    own_place.write(RECORDS)
    own_place.start_worker(concurrency=2)
    runner = own_place.start_run()
    gone, back = "the broker does not answer", "the broker answers again"
    for outage, committed in enumerate((50, 250, 450), start=1):
        own_place.reach(committed)
        redis.kill()
        until(lambda n=outage: own_place.said.count(gone) == n, f"outage {outage} is told")
        redis.start()
        until(lambda n=outage: own_place.said.count(back) == n, f"outage {outage} is over")
    assert own_place.wait(runner) == 0
    own_place.assert_complete(RECORDS)
    assert own_place.acts() == ["run.started", "run.finished"]
    assert (own_place.said.count(gone), own_place.said.count(back)) == (3, 3)


@pytest.mark.parametrize("seed", [1, 2])
def test_everything_is_killed_at_random(own_place: Site, redis: RedisServer, seed: int) -> None:
    rng = random.Random(seed)
    own_place.write(RECORDS)
    own_place.start_worker()
    own_place.start_worker()
    runner = own_place.start_run()
    resumed = 0
    for committed in range(60, 900, 140):
        own_place.reach(committed + rng.randrange(40))
        victim = rng.choice(["worker", "runner", "broker"])
        if victim == "worker":
            rng.choice(own_place.workers[-2:]).kill()
            own_place.start_worker()
        elif victim == "broker":
            redis.kill()
            redis.start()
        else:
            runner.kill()
            runner.wait()
            runner, resumed = own_place.resume(), resumed + 1
    assert own_place.wait(runner) == 0
    own_place.assert_complete(RECORDS)
    assert own_place.acts() == ["run.started", *["run.resumed"] * resumed, "run.finished"]


def test_a_job_waits_for_a_broker_that_is_not_there_yet(
    own_place: Site, redis: RedisServer
) -> None:
    own_place.write(50)
    redis.kill()
    runner = own_place.start_run()
    until(lambda: own_place.job_or_none() and "does not answer" in own_place.said, "it is told")
    redis.start()
    own_place.start_worker()
    assert own_place.wait(runner) == 0
    own_place.assert_complete(50)


def test_a_record_that_kills_its_worker_is_given_up_and_no_other(place: Site) -> None:
    place.write(200, r0100={"kills": True})
    place.start_worker(concurrency=2)
    assert place.wait(place.start_run()) == 1
    assert str(place.job.status) == "COMPLETED"
    assert [line["id"] for line in place.lines] == [f"r{n:04}" for n in range(200) if n != 100]
    from pipewarden.core.items import Outcome
    from pipewarden.store.state import items

    with place.database.read() as conn:
        quarantined = [i for i in items.iterate(conn, place.job.id) if i.outcome.quarantined]
    assert [(i.key, i.outcome, i.reason) for i in quarantined] == [
        ("r0100", Outcome.ERRORED, "worker_lost")
    ]
    assert 2 <= place.times_worked_on["r0100"] <= 3


def test_a_worker_that_is_asked_to_stop_gives_back_what_it_has_not_begun(place: Site) -> None:
    place.celery["silence_seconds"] = 60.0
    place.write(400)
    first = place.start_worker()
    runner = place.start_run()
    place.reach(20)
    first.send_signal(signal.SIGTERM)
    assert place.wait(first) == 0
    told = (place.home / "worker-0.log").read_text()
    assert f"serving sums from the queue {place.prefix}.sums" in told
    place.start_worker()
    assert place.wait(runner) == 0
    place.assert_complete(400)
    again = {key: times for key, times in place.times_worked_on.items() if times > 1}
    assert again == {}  # nothing was lost, so nothing is done twice


def test_a_job_is_paused_within_the_items_in_work_and_resumed(place: Site) -> None:
    place.write(RECORDS)
    place.start_worker(concurrency=2)
    runner = place.start_run()
    place.reach(100)
    assert place.wait(place._command("jobs", "pause", place.job.id, log="pause.log")) == 0
    assert place.wait(runner) == 130
    assert str(place.job.status) == "PAUSED"
    before = place.published
    assert before < RECORDS
    assert [line["id"] for line in place.lines] == [f"r{n:04}" for n in range(before)]
    assert place.wait(place.resume()) == 0
    place.assert_complete(RECORDS)
