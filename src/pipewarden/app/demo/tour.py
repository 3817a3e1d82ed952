"""The tour: real commands, one after the other, and a model that heals, on invented data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipewarden.app.cli.output.terminal import say, say_facts, say_next
from pipewarden.app.demo import articles, filings, folder as place, loop
from pipewarden.app.demo.production import ALERTS, MODEL, ROWS_A_DAY
from pipewarden.errors import PipewardenError
from pipewarden.report.untrusted import shell_line

_RAW, _PIPELINE, _LOOP = "raw", "filings", "loop"
_ENTRY = "from pipewarden.app.cli.main import entry; entry()"
#: The process is killed right after its second commit; see `store.windows`.
_CRASH = "journal.synced:2"
_HEAD_LINES = 16
_MEANING = {1: "something was quarantined", -signal.SIGKILL: "killed"}


def take(wanted: Path) -> Path:
    """Take the tour in a fresh folder, and return the folder.

    Raises
    ------
    PipewardenError
        A command did not end as it should.
    """
    began = time.monotonic()
    tour = Tour(place.fresh_folder(wanted))
    try:
        tour.sample_data()
        tour.first_run()
        tour.only_what_changed()
        tour.crash_and_resume()
        tour.quarantine()
        tour.articles()
        tour.report()
        tour.audit()
        tour.healing()
    finally:
        place.mark(tour.folder)
    tour.farewell(time.monotonic() - began)
    return tour.folder


class Tour:
    """The chapters, in the folder of the demonstration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._steps = 0
        self._run_id, self._page = "", ""
        foreign = {name for name in os.environ if name.startswith("PIPEWARDEN_")}
        kept = foreign - {"PIPEWARDEN_RESEARCHER"}  # neither another database nor other folders
        self._environment = {k: v for k, v in os.environ.items() if k not in kept}

    def sample_data(self) -> None:
        """Write the invented filings."""
        samples = filings.samples()
        self._step("Sample data", f"{len(samples)} invented filings, some of them broken")
        place.write(self.folder / _RAW, ((s.name, s.data) for s in samples))
        width = max(len(sample.name) for sample in samples)
        for sample in samples:
            say(f"  {_RAW}/{sample.name.ljust(width)}  {sample.about}")

    def first_run(self) -> None:
        """Run the pipeline over all of them."""
        self._step(
            "Run the pipeline",
            "What passes the gate is published; what fails is kept in quarantine, with the reason.",
        )
        self._command("run", _PIPELINE, _RAW, ends={1})
        self._look_at_output("harbor_10-K_2024.htm")

    def only_what_changed(self) -> None:
        """Change two, and run again."""
        revised = filings.revisions()
        self._step("Change two files, run again", "Only what changed is processed.")
        place.write(self.folder / _RAW, ((s.name, s.data) for s in revised))
        for sample in revised:
            say(f"  changed {_RAW}/{sample.name}: {sample.about}")
        self._command("status", _RAW)
        self._command("run", _PIPELINE, _RAW)

    def crash_and_resume(self) -> None:
        """Kill a run right after a commit, and resume it."""
        self._step(
            "Kill a run half way, resume it",
            "The process gets SIGKILL right after a commit, as from a power cut. Nothing is lost.",
        )
        arguments = ("run", _PIPELINE, _RAW, "--full", "--executor", "inline")
        self._command(*arguments, ends={-signal.SIGKILL}, PIPEWARDEN_CRASH_AT=_CRASH)
        self._command("jobs", "list", "--limit", "1")
        self._run_id = str(self._ask("jobs", "list", "--limit", "1")["jobs"][0]["id"])
        self._command("jobs", "resume", self._run_id, ends={1})

    def quarantine(self) -> None:
        """Show what was kept back, and why."""
        self._step("Look into quarantine", "Each item has its reason, and a way back.")
        self._command("quarantine", "list")
        self._command("quarantine", "show", self._run_id, "broken/truncated.htm")

    def articles(self) -> None:
        """Clean invented news; left out where the extra is missing."""
        self._step("Clean news", "Records are items, too. What is not broken must stay as it is.")
        missing = [name for name in ("spacy", "ftfy", "trafilatura") if find_spec(name) is None]
        if missing:
            say(f"Left out: {', '.join(missing)} not installed (pip install pipewarden[articles]).")
            return
        place.write(self.folder, [(articles.FILE, articles.lines())])
        for name, damage in articles.about():
            say(f"  {name.ljust(9)}  {damage}")
        self._command("run", "articles", articles.FILE, "--output-dir", "clean", ends={1})
        self._look_at_changes()

    def _look_at_changes(self) -> None:
        path = next((self.folder / "clean").glob("processed_articles_*.jsonl"))
        say()
        say(f"What was changed, from {path.relative_to(self.folder)}:", tone="head")
        for line in path.read_text(encoding="utf-8").splitlines():
            article = json.loads(line)
            say(f"  {article['document_id']}  {article['cleaned_text']!r}")
            for change in article["changes"]:
                before, after = change["before"][:40], change["after"][:40]
                say(f"      {change['rule'].ljust(12)} {before!r} -> {after!r}")

    def report(self) -> None:
        """Show the report of a run."""
        self._step("Read the report", "Every run leaves one, as Markdown, HTML and JSON.")
        path = self._report("md")
        say(f"$ head -n {_HEAD_LINES} {path}", tone="head")
        lines = (self.folder / path).read_text(encoding="utf-8").splitlines()
        for line in lines[:_HEAD_LINES]:
            say(line)
        say("…")

    def audit(self) -> None:
        """Show and verify the ledger."""
        self._step("Verify the ledger", "Every act is in a hash chain that shows any change.")
        self._command("audit", "log", "--limit", "6")
        self._command("audit", "verify")

    def healing(self) -> None:
        """Let a model heal in simulated time; left out where an extra is missing."""
        self._step(
            "Watch a model heal itself",
            f"{loop.DAYS} simulated days, {ROWS_A_DAY:,} requests in each; labels come twelve "
            "hours later. Desk, monitor,\nalerts, healer, gates and ledger are the real ones, and "
            "nobody is asked anything.",
        )
        missing = loop.lacking()
        if missing:
            extras = ",".join(missing)
            say(f"Left out: what it needs is not installed (pip install 'pipewarden[{extras}]').")
            return
        shown = loop.show((self.folder / _LOOP).absolute())
        self._page = shown.report.relative_to(self.folder.absolute()).as_posix()
        say()
        say(f"Why did it do that? From here on it is commands again, in {_LOOP}/:")
        drill = ("--reason", "a drill")
        for arguments in (
            ("heal", "explain"),
            ("trace", shown.prediction),
            ("rollback", "--model", MODEL, *drill),
            ("rollback", "--model", MODEL, "--to-version", str(shown.version), *drill),
            ("audit", "verify"),
        ):
            self._command(*arguments, within=_LOOP)

    def farewell(self, seconds: float) -> None:
        """Say where everything lies, and what to type next."""
        say()
        say(f"That was everything, in {seconds:.0f} s. It all lies in {self.folder}:", tone="good")
        say_facts(
            {
                "inputs": f"{_RAW}/, with their manifest {_RAW}/.manifest.json",
                "outputs": f"data/processed/{_PIPELINE}/",
                "quarantine": "data/quarantine/",
                "runs": "data/runs/",
                "reports": self._report("html"),
                "state": ".pipewarden/state.db",
                **self._of_loop(),
            }
        )
        say_next(
            {
                shell_line(["cd", str(self.folder)]): "the commands below start there",
                f"pipewarden status {_RAW} --explain": "for every filing, what would be done, why",
                f"pipewarden jobs status {self._run_id}": "the run that was killed and resumed",
                f"pipewarden rerun {self._run_id}": "the same again, from its stored configuration",
                **self._next_in_loop(),
                "pipewarden doctor": "whether everything is here that your own pipeline needs",
                "pipewarden run package.module:pipeline FOLDER": "your own pipeline, on your files",
            }
        )

    def _of_loop(self) -> dict[str, str]:
        """Return where the files of the healed model lie, if there is one."""
        if not self._page:
            return {}
        return {
            "healed model": f"{_LOOP}/, a home of its own, with its state and ledger "
            f"{_LOOP}/.pipewarden/state.db",
            "last check": self._page,
            "alerts": f"{_LOOP}/{ALERTS}, what the console channel said",
            "what may heal": f"{_LOOP}/config/healing.yaml",
        }

    def _next_in_loop(self) -> dict[str, str]:
        told = {
            "pipewarden models history credit": "who served when, by whom and why",
            "pipewarden audit log": "every act, the healer's and yours",
        }
        if not self._page:
            return {}
        return {f"(cd {_LOOP} && {command})": why for command, why in told.items()}

    # ── steps ────────────────────────────────────────────────────────────────────────────────

    def _step(self, title: str, why: str) -> None:
        self._steps += 1
        say()
        say(f"── {self._steps}. {title} ".ljust(78, "─"), tone="head")
        say(why)

    def _command(
        self, *arguments: str, ends: set[int] | None = None, within: str = "", **environment: str
    ) -> None:
        """Show a command and run it for real; its output is its own."""
        shown = "".join(f"{name}={value} " for name, value in environment.items())
        say()
        say(f"$ {shown}{shell_line(['pipewarden', *arguments])}", tone="head")
        done = self._run(arguments, capture=False, within=within, **environment)
        if done.returncode:
            say()
            say(f"(exit code {done.returncode}: {_MEANING.get(done.returncode, 'an error')})")
        if done.returncode not in (ends or {0}):
            raise PipewardenError(
                f"the demonstration expected another end of that command than {done.returncode}",
                left_behind=f"what it made, in {self.folder}",
                next_step="pipewarden doctor",
            )

    def _ask(self, *arguments: str) -> Any:
        return json.loads(self._run((*arguments, "--json"), capture=True).stdout)

    def _run(
        self, arguments: tuple[str, ...], *, capture: bool, within: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - this very program
            [sys.executable, "-c", _ENTRY, *arguments],
            cwd=self.folder / within,
            env={**self._environment, **environment},
            capture_output=capture,
            text=True,
            check=False,
        )

    def _report(self, suffix: str) -> str:
        return f"reports/preprocessing_validation_summary_{self._run_id}.{suffix}"

    def _look_at_output(self, name: str) -> None:
        path = f"data/processed/{_PIPELINE}/{name}.json"
        held = json.loads((self.folder / path).read_text(encoding="utf-8"))
        say()
        say(f"One of the outputs, {path}:", tone="head")
        say_facts(
            {
                "company": held["metadata"]["company_name"],
                "form": f"{held['metadata']['form_type']}, {held['metadata']['period_of_report']}",
                "outcome": held["outcome"],
                "section": held["section"]["heading"],
                "segments": str(len(held["segments"])),
                "one of them": held["segments"][2]["heading"],
                "verdict": held["verdict"]["status"],
            }
        )
