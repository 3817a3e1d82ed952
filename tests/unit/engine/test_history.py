"""Whatever happened to a folder, what is published is what a run from nothing would publish.

Hypothesis plays a person and a file system against the engine: files come, go, change, move and
swap names; outputs break; settings, thresholds and checks change; runs are limited and forced.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import pipewarden as pw
from pipewarden.core.items import State
from pipewarden.core.jobs import JobStatus
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.run import plan, run
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings

KEYS = st.sampled_from(["a.txt", "b.txt", "sub/c.txt", "z.txt"])
#: Few texts, so that duplicates and returns to an earlier state are frequent.
TEXTS = st.sampled_from(["one two three", "one two", "seven", "raise now", "bad bytes"])


def text_of(result):
    return result["text"]


def words(result):
    return len(result["text"].split())


def letters(result):
    return len(result["text"])


class World:
    """What the pipeline does now; the tests change it between runs."""

    def __init__(self) -> None:
        self.shout = False
        self.least = 2
        self.letters = False
        self.broken = False

    def pipeline(self) -> pw.Pipeline:
        broken, shout = self.broken, self.shout

        def process(path: Path):
            text = path.read_text()
            if text == "bad bytes":
                raise pw.BadInput("bad_bytes", "no retry will mend them")
            if text == "raise now" and broken:
                raise ValueError("while the world is broken")
            return {"text": text.upper() if shout else text}

        checks = [pw.check(words, target=self.least, operator=">=", blocking=True)]
        if self.letters:
            checks.append(pw.check(letters, target=10, operator=">=", blocking=True))
        return pw.Pipeline(
            name="model",
            process=process,
            pattern="*.txt",
            settings={"shout": shout},
            max_attempts=2,
            gate=pw.Gate(checks, unique=pw.Unique(name="unique_text", identity=text_of)),
        )


def home_folder() -> Path:
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))


class Folder(RuleBasedStateMachine):
    """A source folder, its history, and a fresh look at it after every run."""

    def __init__(self) -> None:
        super().__init__()
        self.home = home_folder()
        self.inbox = self.home / "inbox"
        self.inbox.mkdir()
        self.world = World()
        self.workspace = Workspace(Settings(home=self.home, researcher="tester"))

    @initialize(in_database=st.booleans())
    def choose_store(self, in_database):
        if in_database:
            self.workspace = Workspace(
                Settings(home=self.home, researcher="tester", database_sources=(self.inbox,))
            )

    def teardown(self):
        self.workspace.database.close()
        shutil.rmtree(self.home)

    # ── what happens to the folder ───────────────────────────────────────────────────────────

    def files(self) -> dict[str, str]:
        return {
            p.relative_to(self.inbox).as_posix(): p.read_text() for p in self.inbox.rglob("*.txt")
        }

    @rule(key=KEYS, text=TEXTS)
    def write(self, key, text):
        (self.inbox / key).parent.mkdir(exist_ok=True)
        (self.inbox / key).write_text(text)

    @rule(key=KEYS)
    def touch(self, key):
        if (self.inbox / key).exists():
            (self.inbox / key).touch()

    @rule(key=KEYS)
    def delete(self, key):
        (self.inbox / key).unlink(missing_ok=True)

    @rule(old=KEYS, new=KEYS)
    def move(self, old, new):
        if (self.inbox / old).exists() and old != new:
            (self.inbox / new).parent.mkdir(exist_ok=True)
            (self.inbox / old).rename(self.inbox / new)

    @rule(one=KEYS, other=KEYS)
    def swap_names(self, one, other):
        if (self.inbox / one).exists() and (self.inbox / other).exists() and one != other:
            (self.inbox / one).rename(self.inbox / "aside")
            (self.inbox / other).rename(self.inbox / one)
            (self.inbox / "aside").rename(self.inbox / other)

    def output(self, key) -> Path:
        return self.home / "data" / "processed" / "model" / f"{key}.json"

    @rule(key=KEYS)
    def break_output(self, key):
        if self.output(key).exists():
            self.output(key).write_text("{}")

    @rule(key=KEYS)
    def delete_output(self, key):
        self.output(key).unlink(missing_ok=True)

    @rule()
    def change_settings(self):
        self.world.shout = not self.world.shout

    @rule(least=st.sampled_from([1, 2, 3]))
    def change_threshold(self, least):
        self.world.least = least

    @rule()
    def change_checks(self):
        self.world.letters = not self.world.letters

    @rule()
    def break_or_mend_the_world(self):
        self.world.broken = not self.world.broken

    # ── runs ─────────────────────────────────────────────────────────────────────────────────

    def run(self, **options):
        report = run(
            self.world.pipeline(),
            self.inbox,
            workspace=self.workspace,
            executor="inline",
            **{"prune_deleted": True, **options},
        )
        progress = report.progress
        assert progress.accounted == progress.seen == len(self.files())
        assert report.status in (JobStatus.COMPLETED, JobStatus.FAILED)
        return report

    @rule(key=KEYS)
    def run_while_a_file_is_away(self, key):
        if (self.inbox / key).exists():
            (self.inbox / key).rename(self.home / "away")
            self.run(prune_deleted=False)
            (self.home / "away").rename(self.inbox / key)

    @rule(limit=st.sampled_from([0, 1, 2]))
    def run_a_few(self, limit):
        self.run(limit=limit)

    @rule()
    def run_only_failed(self):
        self.run(only_failed=True)

    @rule(force=st.booleans(), rehash=st.booleans())
    def run_all(self, force, rehash):
        self.run(force=force, rehash=rehash)
        self.check()

    @precondition(lambda self: not self.world.broken)
    @rule()
    def run_and_do_nothing_twice(self):
        self.run()
        again = self.run()
        assert again.progress.published == again.progress.quarantined == 0
        self.check()

    # ── what must hold ───────────────────────────────────────────────────────────────────────

    def expected(self) -> dict[str, str]:
        """What a run from nothing publishes: key → text."""
        world, files, held = self.world, self.files(), {}
        for key in sorted(files):
            text = files[key].upper() if world.shout else files[key]
            good = files[key] != "bad bytes" and not (files[key] == "raise now" and world.broken)
            good = good and len(text.split()) >= world.least
            good = good and (len(text) >= 10 or not world.letters)
            if good and text not in held:
                held[text] = key
        return {key: text for text, key in held.items()}

    def check(self):
        store = self.workspace.store(self.workspace.source(self.inbox, ("*.txt",)), "model")
        entries = dict(store.entries())
        assert entries.keys() == self.files().keys()
        success = {key for key, entry in entries.items() if entry["status"] == "success"}
        published = {
            key: json.loads(self.output(key).read_bytes())["text"]
            for key in success
            if self.output(key).is_file()
        }
        assert published == self.expected()
        kept = {
            p.relative_to(self.output("x").parent).as_posix().removesuffix(".json")
            for p in self.output("x").parent.rglob("*.json")
        }
        # The last good output of an item that errors stays until something is decided about it.
        errored = {key for key, entry in entries.items() if entry.get("kind") == "errored"}
        assert kept - errored == success
        planned = plan(
            self.world.pipeline(), RunOptions(source=str(self.inbox)), self.workspace
        ).plan
        waiting = [step for step in planned.work() if step.state is not State.FAILED]
        assert waiting == []

    @invariant()
    def the_plan_names_every_file_once(self):
        planned = plan(
            self.world.pipeline(), RunOptions(source=str(self.inbox)), self.workspace
        ).plan
        keys = [step.key for step in planned.steps if step.state is not State.DELETED]
        assert sorted(keys) == sorted(self.files())


TestFolder = Folder.TestCase
TestFolder.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
