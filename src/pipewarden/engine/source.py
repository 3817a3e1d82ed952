"""What is in a source: every file that matches, with the signature that tells whether it moved."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from pipewarden.errors import SourceNotFound
from pipewarden.store.files.durable import is_temporary
from pipewarden.store.manifest.document import text_key

#: ``[size, mtime_ns, inode, ctime_ns]``, a list because the stat cache is JSON.
SignatureRow = list[int]


@dataclass(frozen=True, slots=True)
class Source:
    """A folder, or one file of it.

    Parameters
    ----------
    folder
        Where the manifest lies and keys begin.
    patterns
        Globs; a file's name must match one of them.
    excluded
        Folders of our own below the source, whose files are never inputs.
    """

    folder: Path
    patterns: tuple[str, ...]
    excluded: tuple[Path, ...] = ()

    @classmethod
    def at(cls, path: Path | str, patterns: Sequence[str], excluded: Iterable[Path] = ()) -> Source:
        """Return the source at ``path``: a folder, or a single file of its parent folder.

        Raises
        ------
        SourceNotFound
            There is nothing at ``path``, or nothing that can be read.
        """
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - links are not followed
        if absolute.is_dir():
            if not os.access(absolute, os.R_OK | os.X_OK):
                raise SourceNotFound(f"the source {path} cannot be read by this user")
            kept = tuple(Path(os.path.abspath(p)) for p in excluded)  # noqa: PTH100
            return cls(absolute, tuple(patterns), kept)
        if absolute.is_file():
            return cls(absolute.parent, (glob.escape(absolute.name),))
        raise SourceNotFound(
            f"the source {path} does not exist",
            next_step="give the path of a folder of inputs, or of one file",
        )

    def scan(self) -> Scan:
        """Return every matching file below the folder; hidden files and our own are not looked at.

        Symbolic links to files are followed, links to folders are not: a link that leads nowhere,
        or in a circle, is found as a file that cannot be read, and is told as such.
        """
        return Scan.of(self)


@dataclass(slots=True)
class Scan:
    """What a scan found: key → signature (None for a file that cannot be examined)."""

    found: dict[str, SignatureRow | None]
    #: key → path below the folder, only where the two differ (names that are not UTF-8).
    odd_paths: dict[str, str]
    #: What was left out and why: folders that cannot be read or are links, pipes, devices.
    unreadable: list[str]
    #: Temporary files of ours that a killed process left.
    leftovers: list[Path]

    @classmethod
    def of(cls, source: Source) -> Scan:
        """Scan a source."""
        scan = cls({}, {}, [], [])
        excluded = {str(p) for p in source.excluded}
        matcher = _matcher(source.patterns)
        folders = [(str(source.folder), "")]
        while folders:
            folder, prefix = folders.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.name.startswith("."):
                            if is_temporary(entry.name):
                                scan.leftovers.append(Path(entry.path))
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            if entry.path not in excluded:
                                folders.append((entry.path, f"{prefix}{entry.name}/"))
                        elif entry.is_symlink() and entry.is_dir():
                            scan.unreadable.append(f"{prefix}{entry.name}: linked folder, left out")
                        elif matcher is None or matcher(entry.name):
                            scan._add(entry, prefix + entry.name)
            except OSError as error:
                scan.unreadable.append(f"{prefix or '.'}: {error.strerror}")
        return scan

    def _add(self, entry: os.DirEntry[str], relative: str) -> None:
        row: SignatureRow | None = None
        try:
            stat = entry.stat()
            if not S_ISREG(stat.st_mode):  # a pipe or a device: reading it could hang
                self.unreadable.append(f"{relative}: not a regular file")
                return
            row = [stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns]
        except OSError:
            pass  # found, but it cannot be examined: processing it will say why
        key = text_key(relative)
        if key != relative:
            self.odd_paths[key] = relative
        self.found[key] = row

    def path(self, folder: Path, key: str) -> Path:
        """Return the path of an item."""
        return folder / self.odd_paths.get(key, key)


def _matcher(patterns: Sequence[str]) -> Callable[[str], object] | None:
    if "*" in patterns:
        return None
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)).match
