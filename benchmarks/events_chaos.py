"""10,000 events while every broker is killed and started again; and what that costs a job.

The first part writes events into an outbox and counts, at each broker, what arrived. The second
runs a job whose every item is quarantined, and so told, in turn: with no relay, with a relay to
brokers that are well, and with one to brokers that fall over. The relay and the brokers are
processes of their own; what a job pays is its share of the disk, the lock and the cores.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

from measuring import ROOT, Claim, Result, answered, main, ratio, scratch
from noop_run import fill

import pipewarden as pw
from pipewarden.delivery.events.enabled import enabled
from pipewarden.delivery.events.loop import relay_until
from pipewarden.errors import BadInput
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state.database import Database

sys.path.insert(0, str(ROOT / "tests" / "contract" / "events"))

from brokers import BROKERS, installed  # type: ignore[import-not-found]
from chaos import storm  # type: ignore[import-not-found]

EVENTS, SECONDS, STOPS, SUBJECTS = 10_000, 90.0, 8, 100
ITEMS, ROUNDS, WORK, SLOWER = 600, 11, 0.003, 1.10
#: What the relay serves beside the job: those whose stop is a process that is killed.
BESIDE = ("redis_streams", "nats")
CASES = ("no relay", "brokers well", "brokers falling over")


def reject(path: Path) -> None:
    """Work for a while, and refuse the file."""
    ends = time.process_time() + WORK
    while time.process_time() < ends:
        path.name.casefold()
    raise BadInput("benchmark", "every item of this job is refused")


PIPELINE = pw.Pipeline(name="refused", pattern="*.txt", process=reject)


def measure(quick: bool) -> Result:
    """Return the figures."""
    events, seconds, stops = (1_000, 15.0, 2) if quick else (EVENTS, SECONDS, STOPS)
    result = Result(
        f"{events:,} events while every broker falls over {stops} times",
        ("what", "arrived", "lost", "sent twice", "out of order", "dead"),
    )
    kinds = [kind for kind in BROKERS if installed(kind)]
    with scratch() as folder:
        url = f"sqlite:///{folder / 'state.db'}"
        accounts = storm(
            kinds,
            folder,
            url,
            events=events,
            subjects=SUBJECTS,
            stops=stops,
            seconds=seconds,
        )
    for a in accounts:
        counts = (a.arrived, a.lost, a.twice, a.out_of_order, a.dead)
        result.rows.append((a.kind, *(f"{count:,}" for count in counts)))
    lost = sum(a.lost for a in accounts)
    disorder = sum(a.out_of_order for a in accounts)
    told = ", ".join(kinds)
    result.claims.append(Claim(f"0 lost at {told}", f"{lost:,} lost", lost == 0))
    ordered = Claim("order per subject kept", f"{disorder:,} out of order", disorder == 0)
    result.claims.append(ordered)
    _cost_to_a_job(result, items=ITEMS, rounds=1 if quick else ROUNDS)
    return result.without_verdicts() if quick else result


def _cost_to_a_job(result: Result, items: int, rounds: int) -> None:
    """Run the job in turn without a relay, with brokers that are well, and with falling ones."""
    taken: dict[str, list[float]] = {case: [] for case in CASES}
    worked: dict[str, list[float]] = {case: [] for case in CASES}
    with scratch() as folder:
        for turn in range(rounds + 1):
            for number, case in enumerate(CASES):
                home = folder / f"home-{turn}-{number}"
                fill(home / "inbox", items, 100)
                with _beside(case, home):
                    told = answered(sys.executable, __file__, "--job", str(home))
                if turn:  # the first is to warm up
                    taken[case].append(told["seconds"])
                    worked[case].append(told["cpu"])
    for case in CASES:
        typical, more = ratio(taken[case], taken[CASES[0]]), ratio(worked[case], worked[CASES[0]])
        least = min(taken[case]) / items * 1e3
        words = f"{least:.2f} ms an item at best, {typical:.2f} x the time in the median round"
        result.notes.append(f"job, {case}: {words}, {more:.2f} x its CPU")
    slower = min(taken[CASES[2]]) / min(taken[CASES[0]])
    words = "the best of each is compared, since whatever else runs can only slow a round"
    result.notes.append(f"{rounds} rounds of {items:,} items of {WORK * 1e3:g} ms; {words}")
    asked = f"a job of {items:,} events is slower by <= 10 % while brokers fall over"
    result.claims.append(Claim(asked, f"{(slower - 1) * 100:+.1f} %", slower <= SLOWER))


@contextmanager
def _beside(case: str, home: Path) -> Iterator[None]:
    """Have a relay at work, in a process of its own, and brokers that stand or fall."""
    if case == CASES[0]:
        yield
        return
    brokers: dict[str, Any] = {kind: BROKERS[kind][0](home / kind) for kind in BESIDE}
    options = {kind: broker.options for kind, broker in brokers.items()}
    relay = subprocess.Popen(
        [sys.executable, __file__, "--relay", str(home), json.dumps(options)],
        stdout=subprocess.PIPE,
    )
    assert relay.stdout is not None
    relay.stdout.readline()
    over = Event()
    falling = [Thread(target=_fall, args=(broker, over)) for broker in brokers.values()]
    try:
        if case == CASES[2]:
            for thread in falling:
                thread.start()
        yield
    finally:
        over.set()
        for thread in falling:
            if thread.ident is not None:
                thread.join()
        relay.send_signal(signal.SIGTERM)
        relay.communicate()
        for broker in brokers.values():
            broker.close()


def _fall(broker: Any, over: Event) -> None:
    chance = random.Random(1)
    while not over.wait(chance.uniform(0.5, 1.5)):
        broker.stop()
        over.wait(chance.uniform(0.5, 1.5))
        broker.start()


def _job(home: Path) -> dict[str, float]:
    """Run the job once."""
    began, cpu = time.perf_counter(), time.process_time()
    report = pw.run(
        PIPELINE, home / "inbox", workspace=Workspace(Settings(home=home)), executor="inline"
    )
    took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    assert report.progress.quarantined == report.progress.seen, report.progress
    return took


def _relay(home: Path, options: dict[str, Any]) -> None:
    """Relay until told to end."""
    settings = Settings(home=home, events={"targets": options})  # type: ignore[arg-type]
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    database = Database.open(settings.state_url)
    print("ready", flush=True)
    relay_until(stop, database, enabled(settings), lambda: datetime.now(UTC))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        print(json.dumps(_job(Path(sys.argv[2]))))
        sys.exit()
    if sys.argv[1:2] == ["--relay"]:
        _relay(Path(sys.argv[2]), json.loads(sys.argv[3]))
        sys.exit()
    sys.exit(main(measure))
