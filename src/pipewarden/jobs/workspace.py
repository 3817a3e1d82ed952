"""Where a run happens: settings, the state database, and the manifest of each source."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipewarden.engine.context import researcher
from pipewarden.engine.records import RecordSource, holds_records
from pipewarden.engine.source import Source
from pipewarden.settings import Settings, load_settings
from pipewarden.store.manifest.contract import FileStore, ManifestStore, TableStore
from pipewarden.store.manifest.manifest_file import ManifestFile
from pipewarden.store.manifest.record import Entry
from pipewarden.store.manifest.table import TableManifest
from pipewarden.store.state.database import Database

if TYPE_CHECKING:
    from pipewarden.core.models.families import LabelReader

MANIFEST = ".manifest.json"


def utc_now() -> datetime:
    """Return the present time, UTC and aware."""
    return datetime.now(UTC)


class Workspace:
    """Settings and what they lead to; opened when first needed.

    Parameters
    ----------
    settings
        The core's settings; by default from file and environment.
    clock
        Gives the present time, UTC and aware.
    """

    def __init__(
        self, settings: Settings | None = None, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.settings = settings if settings is not None else load_settings()
        self.clock = clock

    @cached_property
    def database(self) -> Database:
        """The state database, brought up to date."""
        return Database.open(self.settings.state_url)

    @cached_property
    def actor(self) -> str:
        """Who acts, for the ledger."""
        return researcher(self.settings.researcher)

    @cached_property
    def label_readers(self) -> dict[str, LabelReader | None]:
        """What reads the labels of models, by the hash of their documents, as far as was asked."""
        return {}

    @property
    def data_dir(self) -> Path:
        """Where outputs, runs and quarantine are kept."""
        return self.settings.in_home(self.settings.data_dir)

    @property
    def runs_dir(self) -> Path:
        """Where each run has its folder."""
        return self.data_dir / "runs"

    @property
    def reports_dir(self) -> Path:
        """Where run reports are written."""
        return self.settings.in_home(self.settings.reports_dir)

    def quarantine_dir(self, run_id: str) -> Path:
        """Where the items that failed in a run are kept."""
        return self.data_dir / "quarantine" / run_id

    @property
    def waiting_dir(self) -> Path:
        """Where processes say what they wait for when the database cannot be told."""
        return self.settings.in_home(Path(".pipewarden") / "waiting")

    @property
    def objects_dir(self) -> Path:
        """Where model documents are kept by their hashes, for good."""
        return self.data_dir / "models" / "objects"

    def source(
        self, path: Path | str, patterns: tuple[str, ...], records: str = ""
    ) -> Source | RecordSource:
        """Return the source at ``path``; our own folders below it are never inputs.

        Parameters
        ----------
        records
            The field that names a record, for a pipeline that takes files of records.

        Raises
        ------
        SourceNotFound
            There is nothing to read.
        """
        if records and holds_records(path) and not Path(path).is_dir():
            return RecordSource.at(path, records)
        ours = (self.data_dir, self.reports_dir, self.settings.in_home(Path(".pipewarden")))
        return Source.at(path, patterns, ours)

    def store(self, source: Source | RecordSource, pipeline: str) -> ManifestStore:
        """Return the manifest of a source for a pipeline, in the store that the source decides.

        Records have theirs in the state database. The first pipeline of a folder has
        ``.manifest.json``, any other ``.manifest.<name>.json``.
        """
        folder = source.folder
        if isinstance(source, RecordSource):
            return TableStore(TableManifest(self.database, f"{source.file}#{pipeline}"), folder)
        tabled = {Path(os.path.abspath(p)) for p in self.settings.database_sources}  # noqa: PTH100
        if folder in tabled:
            return TableStore(TableManifest(self.database, f"{folder}#{pipeline}"), folder)
        own = folder / f".manifest.{pipeline}.json"
        file = ManifestFile(folder / MANIFEST, self.clock)
        owner = file.document.metadata.get("pipeline", pipeline)
        if own.exists() or owner != pipeline:
            file = ManifestFile(own, self.clock)
        return FileStore(file, self.database, pipeline)

    def with_outputs(
        self, source: Source | RecordSource, output_dir: Path
    ) -> Source | RecordSource:
        """Return the source without the output folder, should that lie below it."""
        if isinstance(source, RecordSource):
            return source
        return replace(source, excluded=(*source.excluded, output_dir))

    def output_dir(self, asked: str, store: ManifestStore, pipeline: str) -> Path:
        """Return where outputs go: as asked, else where they went before, else the default."""
        if asked:
            return Path(os.path.abspath(asked))  # noqa: PTH100
        earlier = next((found for key, e in store.entries() if (found := _root(key, e))), None)
        if earlier is not None:
            return Path(os.path.normpath(store.folder / earlier))
        default = self.data_dir / "processed" / pipeline
        return Path(os.path.abspath(default))  # noqa: PTH100


def _root(key: str, entry: Entry) -> str | None:
    """Return the output folder that an entry's output path mirrors its key below."""
    output = entry.get("output_path") or ""
    ending = f"{key}.json"
    if entry["status"] == "success" and "output_span" in entry:
        return str(PurePosixPath(output).parent)
    if entry["status"] != "success" or not output.endswith(ending):
        return None
    return output[: -len(ending)] or "."
