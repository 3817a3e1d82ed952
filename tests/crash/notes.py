"""The pipeline that the crash tests kill: small, with every outcome that an item can have."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pipewarden as pw


def process(note: Path | Mapping[str, Any]) -> dict[str, Any]:
    text = note.read_text(encoding="utf-8") if isinstance(note, Path) else note["text"]
    if text.startswith("raise"):
        raise ValueError("it asked for it")
    if text.startswith("unreadable"):
        raise pw.BadInput("no_note", "these bytes are no note")
    if " until " in text or text.startswith("hang"):
        hang(Path(text.rpartition(" until ")[2].strip()))
    return {"text": text.strip(), "words": len(text.split())}


def hang(go: Path) -> None:
    """Say who works here, in ``begun`` beside ``go``, and stay until ``go`` exists."""
    begun = go.with_name("begun")
    begun.mkdir(exist_ok=True)
    (begun / str(os.getpid())).touch()
    while not go.exists():
        os.sched_yield()


def words(note: dict[str, Any]) -> int:
    return int(note["words"])


def text_of(note: dict[str, Any]) -> str:
    return str(note["text"])


notes = pw.Pipeline(
    name="notes",
    process=process,
    pattern="*.txt",
    gate=pw.Gate(
        [pw.check(words, target=2, operator=">=", blocking=True)],
        unique=pw.Unique(name="unique_text", identity=text_of),
    ),
)

#: The same with each document a line of one file; its sources are folders, or files of records.
lined = dataclasses.replace(notes, records="id", lines="notes_{date}.jsonl")

#: The folder as it is first, and what is done to it before the second run.
FIRST = {
    "01-kept.txt": "the first note",
    "02-edited.txt": "before the edit",
    "sub/03-moved.txt": "moved as it is",
    "04-removed.txt": "soon to be removed",
    "05-rejected.txt": "short",
    "06-duplicate.txt": "the first note",
    "07-raises.txt": "raise an exception",
    "08-unreadable.txt": "unreadable bytes",
    "09-mended.txt": "curt",
    "10-spoiled.txt": "good at first",
    "11-twin.txt": "there will be a lower twin",
    **{f"more/{n:02d}.txt": f"one of several notes, number {n}" for n in range(6)},
}
SECOND = {
    **{k: v for k, v in FIRST.items() if k not in ("sub/03-moved.txt", "04-removed.txt")},
    "02-edited.txt": "after the edit",
    "elsewhere/03-moved.txt": FIRST["sub/03-moved.txt"],
    "09-mended.txt": "curt no more",
    "10-spoiled.txt": "bad",
    "00-lower-twin.txt": FIRST["11-twin.txt"],
    "12-new.txt": "a new note",
}


def write(folder: Path, files: dict[str, str]) -> None:
    """Bring a folder to hold exactly these files; one with the same text elsewhere is moved."""
    there = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*.txt")}
    for key, path in there.items():
        if key not in files:
            heir = next((k for k in files if k not in there and files[k] == path.read_text()), None)
            if heir is None:
                path.unlink()
            else:
                (folder / heir).parent.mkdir(parents=True, exist_ok=True)
                path.rename(folder / heir)
    for key, text in files.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def write_records(path: Path, files: dict[str, str]) -> None:
    """Make a file of records of these, in their order."""
    rows = (json.dumps({"id": key, "text": text}) + "\n" for key, text in files.items())
    path.write_text("".join(rows))


def published(files: dict[str, str]) -> set[str]:
    """Return the keys that any run over these files must publish, however it got there."""
    good = [k for k in sorted(files) if len(files[k].split()) > 1]
    good = [k for k in good if not files[k].startswith(("raise", "unreadable"))]
    return {k for k in good if not any(o < k and files[o] == files[k] for o in good)}
