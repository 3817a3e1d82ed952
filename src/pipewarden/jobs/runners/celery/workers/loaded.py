"""Pipelines loaded in one process of a Celery worker, each with a child that can be killed."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Generator, Iterator
from pathlib import Path

from pipewarden.engine.executors.processes import ProcessExecutor
from pipewarden.engine.fingerprint import fingerprints
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.task import Task, Worked
from pipewarden.engine.worker import Workshop
from pipewarden.errors import InvalidSettings
from pipewarden.jobs.loading import load_pipeline, usable
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue.tracing import name_turns, take_turn
from pipewarden.jobs.runners.celery.messages import Brief
from pipewarden.settings import Settings


class _Workshop(Workshop):
    """Works for one job after the other, and lets its log name the request of each."""

    def work(self, task: Task) -> Worked:
        """Return what came of a task."""
        take_turn(task.trace)
        return super().work(task)


class LoadedExecutor(ProcessExecutor):
    """The engine's own executor with one child, which stays loaded from one chunk to the next.

    An item that hangs, crashes or takes too much memory costs its child and nothing else, exactly
    as in a local run, because it is the same code.
    """

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(workshop, 1, begin=name_turns)

    def results(self, tasks: Iterator[Task]) -> Generator[Worked | None]:
        """Yield what came of each task, and None at each tick."""
        self._losses.clear()  # of another job, an item of the same name is another item
        return super().results(tasks)

    def stop(self) -> None:
        """Kill a child that is at work; an idle one waits for the next chunk."""
        for slot in [slot for slot in self._slots if slot.tasks]:
            self._end(slot)
            self._slots.remove(slot)
        self._retry.clear()

    def unload(self) -> None:
        """Kill the child."""
        super().stop()


class Loaded:
    """The pipelines that are loaded in this process, the one that was used last at the end.

    Parameters
    ----------
    settings
        The worker's own: sections of pipelines, secrets, gate files.
    room
        How many may stay loaded.
    """

    def __init__(self, settings: Settings, room: int) -> None:
        self._settings = settings
        self._room = room
        self._held: OrderedDict[str, tuple[LoadedExecutor, tuple[str, str, str]]] = OrderedDict()

    def executor(self, brief: Brief) -> LoadedExecutor:
        """Return what works on the tasks of a job, loaded before if possible.

        Raises
        ------
        PipewardenError
            The pipeline does not load here, or is another than the runner's.
        """
        named = [brief.pipeline, brief.settings, brief.output_dir, brief.validate]
        name = json.dumps(named, sort_keys=True)
        if name not in self._held:
            pipeline = self._load(brief)
            workshop = _Workshop(pipeline, Path(brief.output_dir), brief.validate)
            self._held[name] = LoadedExecutor(workshop), prints_of(pipeline)
            while len(self._held) > self._room:
                self._held.popitem(last=False)[1][0].unload()
        self._held.move_to_end(name)
        executor, prints = self._held[name]
        if prints != brief.prints:
            raise _other(brief, prints)
        return executor

    def unload(self) -> None:
        """Let go of everything."""
        for executor, _ in self._held.values():
            executor.unload()
        self._held.clear()

    def _load(self, brief: Brief) -> Pipeline:
        options = RunOptions(pipeline=brief.pipeline, settings=brief.settings or None)
        settings = usable(options, self._settings, brief.job)
        return load_pipeline(brief.pipeline, self._settings, settings)


def prints_of(pipeline: Pipeline) -> tuple[str, str, str]:
    """Return the fingerprints of a pipeline as a message holds them."""
    prints = fingerprints(pipeline)
    return prints.pipeline, prints.measures, prints.thresholds


def _other(brief: Brief, here: tuple[str, str, str]) -> InvalidSettings:
    names = ("its code or settings", "the checks of its gate", "the thresholds of its gate")
    pairs = zip(names, here, brief.prints, strict=True)
    differs = [name for name, ours, theirs in pairs if ours != theirs]
    return InvalidSettings(
        f"a worker has another {brief.pipeline!r} than the runner: {', '.join(differs)} differ",
        left_behind="no item was worked on there",
        next_step="give every machine the same code, settings and gate files, and restart the "
        "workers; then resume the job",
    )
