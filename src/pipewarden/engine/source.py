"""What is in a source: every file that matches, with the signature that tells whether it moved."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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

    def located(self, key: str) -> str:
        """Return where an item comes from, in words for a person."""
        return str(self.folder / key)

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
    #: How the keys begin of which nothing is known, because their folder could not be read.
    unseen: list[str] = field(default_factory=list)

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
                with _listed(folder) as entries:
                    for entry in entries:
                        name = entry.name
                        if name[0] == ".":
                            if is_temporary(name):
                                scan.leftovers.append(Path(folder, name))
                        elif entry.is_dir(follow_symlinks=False):
                            below = os.path.join(folder, name)  # noqa: PTH118
                            if below not in excluded:
                                folders.append((below, f"{prefix}{name}/"))
                        elif entry.is_symlink() and _leads_to_folder(entry):
                            scan.unreadable.append(f"{prefix}{name}: linked folder, left out")
                        elif matcher is None or matcher(name):
                            scan._add(entry, prefix + name)
            except OSError as error:
                scan.unreadable.append(f"{prefix or '.'}: {error.strerror}")
                scan.unseen.append(prefix)
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
        key = relative
        if not relative.isascii():
            key = text_key(relative)
            if key != relative:
                self.odd_paths[key] = relative
        self.found[key] = row

    @property
    def hashes(self) -> Mapping[str, str]:
        """Nothing: the bytes of files are hashed where their signatures do not vouch for them."""
        return {}

    @property
    def problems(self) -> Mapping[str, tuple[str, str]]:
        """Nothing: what is wrong with a file shows when it is processed."""
        return {}

    def record(self, key: str) -> None:
        """Return nothing: an item's bytes are its file."""

    def close(self) -> None:
        """Nothing is open."""

    def path(self, folder: Path, key: str) -> Path:
        """Return the path of an item."""
        return folder / self.odd_paths.get(key, key)


def _leads_to_folder(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_dir()
    except OSError:  # in a circle, say
        return False


@contextmanager
def _listed(folder: str) -> Iterator[Iterable[os.DirEntry[str]]]:
    """Give the entries of a folder; each is examined from there, not by its whole path again."""
    if os.scandir not in os.supports_fd:
        with os.scandir(folder) as entries:
            yield entries
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with os.scandir(descriptor) as entries:
            yield entries
    finally:
        os.close(descriptor)


def _matcher(patterns: Sequence[str]) -> Callable[[str], object] | None:
    if "*" in patterns:
        return None
    if all(pattern[0] == "*" and glob.escape(pattern[1:]) == pattern[1:] for pattern in patterns):
        endings = tuple(pattern[1:] for pattern in patterns)
        return lambda name: name.endswith(endings)  # a quarter of the time of the expression
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)).match
