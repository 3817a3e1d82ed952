"""Where a run's documents go, and how many at once: files, or lines of a file; and the sinks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipewarden.core.canonical import HASH_PREFIX, digest
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.publication.files import FileOutputs, Outputs
from pipewarden.engine.publication.handing import HandedOutputs
from pipewarden.engine.publication.lines import LineOutputs, PublishedLines
from pipewarden.jobs.claiming import catch_up_known
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.manifest.contract import ManifestStore

#: A batch is committed when it holds so many items, or bytes of their documents, or when its first
#: has waited so many seconds.
BATCH_ITEMS, BATCH_BYTES, BATCH_SECONDS = 64, 8 * 1024 * 1024, 0.05
#: The same where sinks are handed it: so many are sent in one call, and never waited for longer.
HANDED_ITEMS, HANDED_SECONDS = 500, 1.0


class Gathering:
    """When the batch at hand is to be committed.

    A call to a sink costs a round trip however many documents it holds. So a batch gathers for as
    long as the last one took: where documents are many they go in bulks, up to what a sink takes at
    once, and at least half of the time is left to the work; where they are few none waits.

    Parameters
    ----------
    handed
        Whether sinks are handed the documents.
    clock
        Seconds for intervals.
    """

    def __init__(self, clock: Callable[[], float], *, handed: bool) -> None:
        self._clock = clock
        self._items = HANDED_ITEMS if handed else BATCH_ITEMS
        self._longest = HANDED_SECONDS if handed else BATCH_SECONDS
        self._seconds = BATCH_SECONDS
        self._bytes = 0
        self._began = clock()

    def took(self, size: int) -> None:
        """Take note of a document of so many bytes."""
        self._bytes += size

    def is_full(self, items: int) -> bool:
        """Whether a batch of so many items is to be committed now."""
        waited = self._clock() - self._began >= self._seconds
        many = items >= self._items or self._bytes >= BATCH_BYTES
        return items > 0 and (many or waited)

    def committed(self, seconds: float) -> None:
        """Take note that a batch was committed, and for how many seconds that took."""
        self._seconds = min(max(BATCH_SECONDS, seconds), self._longest)
        self._bytes, self._began = 0, self._clock()


def gathering(outputs: Outputs, clock: Callable[[], float]) -> Gathering:
    """Return what decides when the batches of a run are committed."""
    return Gathering(clock, handed=isinstance(outputs, HandedOutputs))


def outputs_of(
    options: RunOptions, store: ManifestStore, workspace: Workspace, run_id: str, pipeline: str
) -> Outputs:
    """Return what publishes the documents of a run, and hands them to the sinks that want them.

    Parameters
    ----------
    store
        The source's manifest.
    pipeline
        The pipeline's name.

    Raises
    ------
    InvalidSettings
        A sink of the settings does not hold.
    MissingExtra
        Its client is not installed.
    """
    outputs = _published_to(options, store.folder, workspace, run_id)
    if not workspace.settings.sinks:
        return outputs
    from pipewarden.delivery.sinks.courier import Courier
    from pipewarden.delivery.sinks.enabled import enabled, spools_of

    sinks = [sink for sink in enabled(workspace.settings) if sink.wants(pipeline)]
    if not sinks:
        return outputs
    spools = spools_of(workspace.settings)
    mark = digest(f"{options.source}#{pipeline}".encode("utf-8", "surrogateescape"))
    return HandedOutputs(
        inner=outputs,
        handover=Courier(sinks, spools, workspace.clock),
        store=store,
        note=spools.parent / "handed" / f"{mark.removeprefix(HASH_PREFIX)[:16]}.json",
        pipeline=pipeline,
        run_id=run_id,
        clock=workspace.clock,
    )


def _published_to(options: RunOptions, base: Path, workspace: Workspace, run_id: str) -> Outputs:
    """Return what publishes the documents of a run to its output folder.

    Parameters
    ----------
    base
        The folder that the manifest's paths are relative to.
    """
    folder = Path(options.output_dir)
    if not options.lines:
        return FileOutputs(folder, base)
    return LineOutputs(
        folder=folder,
        base=base,
        pattern=options.lines,
        key_field=options.records,
        database=workspace.database,
        run_id=run_id,
        clock=workspace.clock,
        catch_up=lambda: catch_up_known(workspace),
    )


def settled(outputs: Outputs) -> dict[str, dict[str, int]]:
    """Return where the documents of a run are, by sink, now that all are handed over."""
    return outputs.settle() if isinstance(outputs, HandedOutputs) else {}


def published_lines(
    pipeline: Pipeline, output_dir: Path, base: Path, workspace: Workspace
) -> PublishedLines | None:
    """Return what lies in the files of lines, for a plan; None where documents are files."""
    if pipeline.lines is None:
        return None
    return PublishedLines(output_dir, base, workspace.database)
