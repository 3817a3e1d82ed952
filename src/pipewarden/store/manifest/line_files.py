"""Files that outputs are appended to as lines: how much of each is committed.

The number moves in the transaction that commits the items, so what lies beyond it in a file was
appended by a writer that died before its commit, and is cut off before anything else is appended.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from pipewarden.store.files.hashing import Signature
from pipewarden.store.state.schema import insert_or_replace, line_files


@dataclass(frozen=True, slots=True)
class LineFile:
    """What is known of a file of lines.

    Parameters
    ----------
    committed
        Bytes from its beginning that belong to committed items.
    writer
        The run that appends to it, or died doing so; empty when none does.
    signature
        The file's signature when its last writer was done; None where that proved nothing.
    vouched_from
        The signature vouches for the bytes from here on. Those before were written before somebody
        else changed the file, or a writer died, and have to be looked at.
    """

    committed: int
    writer: str
    signature: Signature | None
    vouched_from: int


def known(conn: Connection, paths: Iterable[str]) -> dict[str, LineFile]:
    """Return what is known of those of the files that outputs were ever appended to."""
    query = select(line_files).where(line_files.c.path.in_(list(paths)))
    return {
        row.path: LineFile(row.committed, row.writer, *_vouching(row.signature))
        for row in conn.execute(query)
    }


def _vouching(text: str) -> tuple[Signature | None, int]:
    vouched_from, *signed = json.loads(text)
    if not signed:
        return None, vouched_from
    size, mtime_ns, inode, ctime_ns = signed
    return (size, mtime_ns, inode, ctime_ns), vouched_from


def _as_text(vouched_from: int, signature: Signature | None = None) -> str:
    return json.dumps([vouched_from, *(signature or ())])


def take(conn: Connection, path: str, committed: int, writer: str, vouched_from: int) -> None:
    """Let a run be the writer of a file of which so many bytes are committed."""
    text = _as_text(vouched_from)
    row = {"path": path, "committed": committed, "writer": writer, "signature": text}
    conn.execute(insert_or_replace(conn, line_files), [row])


def advance(conn: Connection, ends: Mapping[str, int]) -> None:
    """Let so many bytes of each file be committed."""
    for path, end in ends.items():
        change = update(line_files).where(line_files.c.path == path)
        conn.execute(change.values(committed=end))


def give_back(
    conn: Connection, path: str, writer: str, signature: Signature | None, vouched_from: int
) -> None:
    """Let a file have no writer any more; what vouches for its bytes is remembered."""
    change = update(line_files).where(line_files.c.path == path, line_files.c.writer == writer)
    conn.execute(change.values(writer="", signature=_as_text(vouched_from, signature)))
