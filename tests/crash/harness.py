"""Kill runs, run again, and look for damage.

`Launcher` starts runs as processes of their own, forked from one warm interpreter, so that hundreds
of kills take minutes. `examine` compares what a killed and continued folder holds with what an
undisturbed one holds.

``python tests/crash/harness.py --kills 100 --seed 1`` prints ``kills, lost, duplicated,
unreadable``. With ``--records 10000`` one file of so many records is killed again and again at
random moments, until it is done; then it is examined.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import notes

import pipewarden as pw
from pipewarden.jobs import audit
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.quarantine import release
from pipewarden.jobs.run import Silent, plan, resume, run
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store import windows
from pipewarden.store.state import items, jobs, ledger, outbox

INBOX = "inbox"
#: Seconds after which a process that has not ended never will; nothing here takes a tenth of it.
_HANGS = 300.0


# ── the folder under test ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Home:
    """A workspace of its own with one source in the folder ``inbox``.

    ``kind`` says what the source is and where documents go: ``files`` (a folder, a file each),
    ``lines`` (a folder, lines of a file), ``records`` (a file of records, lines of a file).
    """

    path: Path
    database_url: str = ""
    in_database: bool = False
    kind: str = "files"
    inbox_name: str = INBOX

    @property
    def inbox(self) -> Path:
        return self.path / self.inbox_name

    @property
    def source(self) -> Path:
        return self.inbox / "notes.jsonl" if self.kind == "records" else self.inbox

    @property
    def pipeline(self) -> pw.Pipeline:
        return notes.notes if self.kind == "files" else notes.lined

    @property
    def outputs(self) -> Path:
        return self.path / "data" / "processed" / "notes"

    def workspace(self) -> Workspace:
        tabled = (self.inbox,) if self.in_database else ()
        return Workspace(
            Settings(
                home=self.path,
                database_url=self.database_url,
                database_sources=tabled,
                researcher="tester",
            )
        )

    def fill(self, files: dict[str, str]) -> None:
        self.inbox.mkdir(parents=True, exist_ok=True)
        if self.kind == "records":
            notes.write_records(self.source, files)
        else:
            notes.write(self.inbox, files)

    def lines(self) -> list[dict[str, Any]]:
        """Return every line of the output files, in order."""
        files = sorted(self.outputs.glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]

    def order(self, files: dict[str, str]) -> list[str]:
        """Return the keys in the order of the source."""
        return list(files) if self.kind == "records" else sorted(files)

    def temporary_files(self) -> list[str]:
        return sorted(str(p.relative_to(self.path)) for p in self.path.rglob(".pipewarden-*.tmp"))


# ── starting runs ────────────────────────────────────────────────────────────────────────────────


#: What a request says of a home beside its path.
_OF_HOME = ("database_url", "in_database", "kind", "inbox_name")


def act(request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks, in this process; return how it ended."""
    home = Home(Path(request["home"]), *(request[name] for name in _OF_HOME))
    workspace = home.workspace()
    what = request["what"]
    if what == "release":
        path = release(workspace, request["run_id"], request["key"], reason="a person read it")
        return {"run_id": request["run_id"], "status": "RELEASED", "path": str(path)}
    if what == "resume":
        report = resume(request["run_id"], workspace, Silent(), home.pipeline)
    else:
        report = run(home.pipeline, home.source, workspace=workspace, **request["options"])
    progress = asdict(report.progress)
    return {"run_id": report.run_id, "status": str(report.status), "progress": progress}


@dataclass
class Ended:
    """How a process ended: its exit code, negative for a signal, and what it said of its run."""

    code: int
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Launcher:
    """One warm interpreter that forks a process for each run.

    Parameters
    ----------
    program
        What it runs with ``--serve``.
    """

    def __init__(self, program: str = __file__) -> None:
        self._zygote = subprocess.Popen(
            [sys.executable, "-W", "error", program, "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self._zygote.stdout
        self._zygote.stdout.readline()  # it is warm

    def start(self, home: Home, what: str = "run", *, crash_at: str = "", **request: Any) -> int:
        """Start a run and return its process id; `wait` must follow."""
        options = {"executor": "inline", "prune_deleted": True, **request.pop("options", {})}
        full = {
            "home": str(home.path),
            **{name: getattr(home, name) for name in _OF_HOME},
            "what": what,
            "crash_at": crash_at,
            "options": options,
            **request,
        }
        assert self._zygote.stdin and self._zygote.stdout
        self._zygote.stdin.write(json.dumps(full) + "\n")
        return int(self._zygote.stdout.readline())

    def wait(self) -> Ended:
        """Wait for the process that was started last; one that hangs fails the test."""
        assert self._zygote.stdout
        assert self.ended_within(_HANGS), "the process hangs"
        answer = json.loads(self._zygote.stdout.readline())
        return Ended(answer["code"], answer["said"])

    def ended_within(self, seconds: float) -> bool:
        """Whether the process that was started last ends within so many seconds."""
        assert self._zygote.stdout
        return bool(select.select([self._zygote.stdout], [], [], seconds)[0])

    def do(self, home: Home, what: str = "run", **request: Any) -> Ended:
        self.start(home, what, **request)
        return self.wait()

    def close(self) -> None:
        assert self._zygote.stdin and self._zygote.stdout
        self._zygote.stdin.close()
        self._zygote.wait()
        self._zygote.stdout.close()


def serve() -> None:
    """Fork a process for each request on standard input, and say how each ended."""
    with memory_folder() as folder:
        _warm_up(Home(folder))
    print("warm", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            _child(request, reader, writer)
        os.close(writer)
        print(pid, flush=True)
        said = b""
        while not select.select([reader], [], [], 0.02)[0]:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                break
        else:
            # The end of the pipe is no sign of death: a worker may have inherited it.
            said = os.read(reader, 65536)
            _, status = os.waitpid(pid, 0)
        os.close(reader)
        answer = {
            "code": os.waitstatus_to_exitcode(status),
            "said": json.loads(said) if said else {},
        }
        print(json.dumps(answer), flush=True)


def _warm_up(home: Home) -> None:
    """Run once here, so that what is loaded late is loaded in every child."""
    home.fill({"a.txt": "a good note", "b.txt": "bad"})
    workspace = home.workspace()
    run(notes.notes, home.inbox, workspace=workspace, executor="inline")
    workspace.database.close()


@contextmanager
def memory_folder() -> Iterator[Path]:
    """Give a folder in memory where there is one: a killed process leaves the same in it."""
    memory = Path("/dev/shm")
    where = str(memory) if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="pipewarden-crash-", dir=where) as folder:
        yield Path(folder)


def _child(request: dict[str, Any], reader: int, writer: int) -> None:
    os.close(reader)
    os.environ["PIPEWARDEN_CRASH_AT"] = request["crash_at"]
    windows._target, windows._countdown = windows._armed()
    code = 0
    try:
        said = act(request)
    except BaseException as error:  # noqa: BLE001 - told to whoever asked
        code = getattr(error, "exit_code", 70)
        said = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
    os.write(writer, json.dumps(said).encode()[:60_000])
    os._exit(code)


# ── looking for damage ───────────────────────────────────────────────────────────────────────────


@dataclass
class Damage:
    """What a kill cost. All lists are empty when nothing went wrong."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost or self.duplicated or self.unreadable or self.left)


def examine(
    home: Home,
    files: dict[str, str],
    *,
    known: set[str] = frozenset(),
    released: str = "",
    since: int = 0,
) -> Damage:
    """Return what is wrong with a workspace whose runs have all ended.

    Parameters
    ----------
    files
        What the inbox holds.
    known
        The runs that ended before the kill.
    released
        The key of an item that a person published.
    since
        How many lines there were before the kill; those after it must be in the source's order.
    """
    damage = Damage()
    try:
        workspace = home.workspace()
        records = "id" if home.kind == "records" else ""
        store = workspace.store(workspace.source(home.source, ("*.txt",), records), "notes")
        entries = dict(store.entries())
        lines = home.lines()
        audited = audit.verify(workspace)
    except Exception as error:  # noqa: BLE001 - whatever it is, the state does not read
        damage.unreadable.append(f"{type(error).__name__}: {error}")
        return damage
    damage.unreadable += [str(fault) for fault in audited.faults]
    damage.unreadable += list(store.notices)
    if home.kind == "files":
        _compare_outputs(home, files, entries, released, damage)
    else:
        _compare_lines(home, files, entries, released, lines, since, damage)
    _compare_quarantine(home, entries, damage)
    _count_decisions(workspace, set(files), known, damage)
    damage.left += home.temporary_files()
    waiting = plan(home.pipeline, RunOptions(source=str(home.source)), workspace).plan.work()
    damage.left += [f"{s.key}: {s.why}" for s in waiting if "raise" not in files[s.key]]
    workspace.database.close()
    return damage


def _compare_outputs(
    home: Home, files: dict[str, str], entries: Any, released: str, damage: Damage
) -> None:
    wanted = notes.published(files) | ({released} if released else set())
    success = {key for key, entry in entries.items() if entry["status"] == "success"}
    outputs = {
        p.relative_to(home.outputs).as_posix().removesuffix(".json"): p
        for p in home.outputs.rglob("*.json")
    }
    damage.lost += [f"no entry: {key}" for key in sorted(set(files) - set(entries))]
    damage.lost += [f"not published: {key}" for key in sorted(wanted - success)]
    damage.lost += [f"no output: {key}" for key in sorted(success - set(outputs))]
    damage.duplicated += [f"entry of nothing: {key}" for key in sorted(set(entries) - set(files))]
    damage.duplicated += [f"published: {key}" for key in sorted(success - wanted)]
    damage.duplicated += [f"output of nothing: {key}" for key in sorted(set(outputs) - success)]
    for key in sorted(wanted & set(outputs) - {released}):
        document = json.loads(outputs[key].read_bytes())
        told = (document["text"], document["source"]["path"], document["verdict"]["status"])
        if told != (files[key], key, "PASS"):
            damage.lost.append(f"wrong output: {key}: {told}")


def _compare_lines(
    home: Home,
    files: dict[str, str],
    entries: Any,
    released: str,
    lines: list[dict[str, Any]],
    since: int,
    damage: Damage,
) -> None:
    """Compare the lines, the last one of each key counting, with what should be published."""
    wanted = notes.published(files) | ({released} if released else set())
    success = {key for key, entry in entries.items() if entry["status"] == "success"}
    last: dict[str, dict[str, Any] | None] = {}
    places = {key: place for place, key in enumerate(home.order(files))}
    order: list[int] = []
    for number, line in enumerate(lines):
        if "withdrawn" in line:
            if last.get(line["id"]) is None:
                damage.duplicated.append(f"withdrawn, and was not there: {line['id']}")
            last[line["id"]] = None
            continue
        key = line["source"].get("key") or line["source"]["path"]
        before = last.get(key)
        if before is not None and before["source"]["sha256"] == line["source"]["sha256"]:
            damage.duplicated.append(f"line {number} again: {key}")
        last[key] = line
        order += [places[key]] if number >= since and key != released and key in places else []
    if order != sorted(order):
        damage.lost.append(f"the order: {order}")
    there = {key for key, line in last.items() if line is not None}
    damage.lost += [f"no entry: {key}" for key in sorted(set(files) - set(entries))]
    damage.lost += [f"no line: {key}" for key in sorted((wanted | success) - there)]
    damage.lost += [f"not published: {key}" for key in sorted(wanted - success)]
    damage.duplicated += [f"entry of nothing: {key}" for key in sorted(set(entries) - set(files))]
    damage.duplicated += [f"published: {key}" for key in sorted((there | success) - wanted)]
    for key in sorted(wanted & there & success):
        line, entry = last[key], entries[key]
        told = line["text"], line["verdict"]["status"]
        offset, length = entry["output_span"]
        with (home.inbox / entry["output_path"]).open("rb") as file:
            file.seek(offset)
            held = file.read(length)
        if json.loads(held) != line or (key != released and told != (files[key], "PASS")):
            damage.lost.append(f"wrong line: {key}: {told}")


def _compare_quarantine(home: Home, entries: Any, damage: Damage) -> None:
    for key, entry in entries.items():
        kept = entry.get("quarantine_path")
        if entry["status"] == "failed" and not (home.inbox / str(kept)).is_file():
            damage.lost.append(f"no quarantine file: {key}")


def _count_decisions(workspace: Workspace, keys: set[str], known: set[str], damage: Damage) -> None:
    with workspace.database.read() as conn:
        held = jobs.page(conn, limit=1000).jobs
        new = [job for job in held if job.id not in known]
        rows = {job.id: items.page(conn, job.id, limit=10_000).items for job in held}
        totals = {job.id: items.totals(conn, job.id) for job in held}
        acts = Counter(entry.subject for entry in ledger.entries(conn, action="item.quarantined"))
        started = Counter(entry.subject for entry in ledger.entries(conn, action="run.started"))
        told = Counter(
            event.subject
            for _, event in outbox.page(conn, limit=100_000)
            if event.type.endswith("item.quarantined")
        )
    published = Counter(r.key for job in new for r in rows[job.id] if r.outcome == "published")
    damage.duplicated += [f"published {n} times: {key}" for key, n in published.items() if n > 1]
    damage.duplicated += [f"{n} ledger acts: {subject}" for subject, n in acts.items() if n > 1]
    damage.duplicated += [f"{n} events: {subject}" for subject, n in told.items() if n > 1]
    damage.duplicated += [f"{n} starts: {subject}" for subject, n in started.items() if n > 1]
    if acts.keys() != told.keys():
        damage.lost.append(f"ledger and outbox differ: {acts.keys() ^ told.keys()}")
    for job in held:
        quarantined = {f"{job.id}/{r.key}" for r in rows[job.id] if r.outcome.quarantined}
        if missing := quarantined - acts.keys():
            damage.lost.append(f"no ledger act: {missing}")
        if totals[job.id] != job.progress:
            damage.lost.append(f"{job.id} counts {job.progress}, its rows {totals[job.id]}")
        if job.status == "RUNNING":
            damage.left.append(f"{job.id} is RUNNING")
        if job.status == "COMPLETED" and job.progress.accounted != job.progress.seen:
            damage.lost.append(f"{job.id} is not whole: {job.progress}")


# ── killing at random ────────────────────────────────────────────────────────────────────────────


@dataclass
class Count:
    """How many kills there were, and in how many of them something was wrong."""

    kills: int = 0
    lost: int = 0
    duplicated: int = 0
    unreadable: int = 0
    left: int = 0
    details: list[str] = field(default_factory=list)

    def add(self, label: str, damage: Damage) -> None:
        self.lost += bool(damage.lost)
        self.duplicated += bool(damage.duplicated)
        self.unreadable += bool(damage.unreadable)
        self.left += bool(damage.left)
        if damage:
            self.details.append(f"{label}: {damage}")


def kill_at_random(launcher: Launcher, folder: Path, kills: int, seed: int) -> Count:
    """Kill so many runs at random moments, continue each, and count the damage."""
    rng = random.Random(seed)
    count = Count()
    seconds = {ex: _undisturbed(launcher, folder / f"whole-{ex}", ex) for ex in _EXECUTORS}
    while count.kills < kills:
        home = Home(folder / f"home-{count.kills}")
        executor = rng.choice(_EXECUTORS)
        count.add(*_one_kill(launcher, home, executor, seconds[executor], rng, count))
        shutil.rmtree(home.path)
    return count


_EXECUTORS = ("inline", "processes")


def _options(executor: str) -> dict[str, Any]:
    return {"executor": executor, "workers": 2}


def _undisturbed(launcher: Launcher, folder: Path, executor: str) -> float:
    home = Home(folder)
    home.fill(notes.FIRST)
    began = time.monotonic()
    assert launcher.do(home, options=_options(executor)).code == 0
    return time.monotonic() - began


def _one_kill(
    launcher: Launcher, home: Home, executor: str, seconds: float, rng: random.Random, count: Count
) -> tuple[str, Damage]:
    options = _options(executor)
    known: set[str] = set()
    home.fill(notes.FIRST)
    files = notes.FIRST
    if rng.random() < 0.5:
        known = {launcher.do(home, options=options).said["run_id"]}
        home.fill(notes.SECOND)
        files = notes.SECOND
    label = f"kill {count.kills}, {executor}"
    for _ in range(rng.choice((1, 1, 2))):
        label += ", " + _kill(launcher, home, options, seconds, rng)
        count.kills += 1
    ended = _continue(launcher, home, options, known, rng)
    if ended.code not in (0, 1):
        return label, Damage(unreadable=[str(ended)])
    return label, examine(home, files, known=known)


def _kill(
    launcher: Launcher, home: Home, options: dict[str, Any], seconds: float, rng: random.Random
) -> str:
    """Kill a run in a random window or after a random time; return where, for the record."""
    if rng.random() < 0.5:
        window = f"{rng.choice(list(windows.Window))}:{rng.choice((1, 1, 2, 3))}"
        launcher.do(home, crash_at=window, options=options)
        return window
    delay = rng.uniform(0, seconds)
    pid = launcher.start(home, options=options)
    if not launcher.ended_within(delay):
        os.kill(pid, signal.SIGKILL)
    launcher.wait()
    return f"after {delay:.3f} s"


def _continue(
    launcher: Launcher, home: Home, options: dict[str, Any], known: set[str], rng: random.Random
) -> Ended:
    """Resume the newest dead job, half of the time, and then run again in any case."""
    dead = _dead(home)
    if dead and rng.random() < 0.5:
        resumed = launcher.do(home, "resume", run_id=dead[0])
        if resumed.code not in (0, 1):
            return resumed
    return launcher.do(home, options=options)


# ── one long file of records ─────────────────────────────────────────────────────────────────────


def kill_records_at_random(
    launcher: Launcher, folder: Path, number: int, kills: int, seed: int
) -> Count:
    """Kill runs over a file of so many records at random moments until so many kills, then end it.

    Most kills come while items are committed; what is done is never done again, so the file is
    filled anew, in a home of its own, when it is done before there were enough kills.
    """
    rng = random.Random(seed)
    count = Count()
    while count.kills < kills:
        home = Home(folder / f"records-{count.kills}", kind="records")
        files = _many_records(number, rng)
        home.fill(files)
        label = f"records from kill {count.kills}"
        done = False
        while not done and count.kills < kills:
            where, done = _kill_once(launcher, home, number / kills / 2, rng)
            label += f", {where}"
            count.kills += not done
        ended = launcher.do(home, options=_options("processes"))
        if ended.code not in (0, 1):
            count.add(label, Damage(unreadable=[str(ended)]))
        else:
            count.add(label, examine(home, files))
        shutil.rmtree(home.path)
    return count


def _many_records(number: int, rng: random.Random) -> dict[str, str]:
    """Return records in no order of their keys: most good, some of every other outcome."""
    keys = rng.sample(range(number * 10), number)
    bad = ("short", "unreadable bytes")
    return {
        f"note/{key:06d}": rng.choice(bad) if rng.random() < 0.05 else f"a note, number {key}"
        for key in keys
    }


def _kill_once(
    launcher: Launcher, home: Home, items: float, rng: random.Random
) -> tuple[str, bool]:
    """Run or resume until a random window or moment; return where, and whether it was done first.

    ``items`` is how many the run may get through, in the mean, before it is killed.
    """
    executor = rng.choice(_EXECUTORS)
    options = _options(executor)
    dead = _dead(home)
    request = {"what": "resume", "run_id": dead[0]} if dead and rng.random() < 0.5 else {}
    if rng.random() < 0.5:
        passed = ("run", "report", "lines", "apply", "output.renamed")
        if executor == "inline":  # else the workers pass these, and would die one after the other
            passed += ("item", "output.staged")
        names = [window for window in windows.Window if window.startswith(passed)]
        nth = max(1, round(rng.uniform(0, 2) * items / 64))
        where = f"{rng.choice(names)}:{nth}"
        return where, not launcher.do(home, crash_at=where, options=options, **request).killed
    before = _lines_size(home)
    pid = launcher.start(home, options=options, **request)
    wanted = before + rng.uniform(0, 2) * items * 200  # about so many bytes has a line
    while not launcher.ended_within(0.001) and _lines_size(home) < wanted:
        pass
    if not launcher.ended_within(rng.uniform(0, 0.02)):
        os.kill(pid, signal.SIGKILL)
    return f"after {wanted - before:.0f} bytes", not launcher.wait().killed


def _lines_size(home: Home) -> int:
    return sum(path.stat().st_size for path in home.outputs.glob("*.jsonl"))


def _dead(home: Home) -> list[str]:
    """Return the jobs that can be resumed, newest first."""
    workspace = home.workspace()
    with workspace.database.read() as conn:
        dead = [j.id for j in jobs.page(conn).jobs if j.status in ("RUNNING", "QUEUED", "FAILED")]
    workspace.database.close()
    return dead


def main() -> int:
    """Kill, continue, and print what it cost."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=int(os.environ.get("PIPEWARDEN_KILLS", "12")))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=int, default=0, help="kill over one file of so many")
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return 0
    launcher = Launcher()
    with memory_folder() as folder:
        if arguments.records:
            count = kill_records_at_random(
                launcher, folder, arguments.records, arguments.kills, arguments.seed
            )
        else:
            count = kill_at_random(launcher, folder, arguments.kills, arguments.seed)
    launcher.close()
    print("\n".join(count.details), file=sys.stderr)
    print("kills, lost, duplicated, unreadable")
    print(f"{count.kills}, {count.lost}, {count.duplicated}, {count.unreadable}")
    return 1 if count.details else 0


if __name__ == "__main__":
    sys.exit(main())
