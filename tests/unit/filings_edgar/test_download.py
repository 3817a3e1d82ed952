"""Downloads from a server that misbehaves: what is stored, what is said, what is asked again."""

from __future__ import annotations

import csv
import errno
import gzip
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edgar_stub import (
    RATE_PAGE,
    EdgarStub,
    cut_after,
    document,
    document_path,
    page,
    reset_after,
    row,
    stall_after,
    status,
    without_length,
)

from pipewarden.pipelines.filings.edgar import DownloadReport, Order, Outcome
from pipewarden.pipelines.filings.edgar.answers import (
    DestinationBusy,
    DestinationUnusable,
    IndexDamaged,
    UnknownCompany,
)
from pipewarden.pipelines.filings.edgar.storage import locked

Fetch = Callable[..., DownloadReport]
ONE = row(1, 2023)
PATH = document_path(42, ONE)
NAME = "42_10-K_2023-12-31_0000000042-23-000001.htm"
BODY = document(ONE["accessionNumber"])


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def litter(folder: Path) -> list[str]:
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.name.startswith(".") and "lock" not in path.name
    )


def index(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_download_stores_the_documents_and_their_index(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    report = fetch_all()
    assert (report.exit_code, report.counts["downloaded"]) == (0, 1)
    assert (raw / NAME).read_bytes() == BODY
    assert visible(raw) == [NAME, "index.csv"]
    assert litter(raw) == []
    assert index(raw) == [
        {
            "file": NAME,
            "company": "Widget & Sons, Inc.",
            "cik": "42",
            "form": "10-K",
            "fiscal_year": "2023",
            "period_end": "2023-12-31",
            "accession": "0000000042-23-000001",
            "sic": "3571",
            "sic_name": "Electronic Computers",
            "url": f"{stub.url}{PATH}",
            "bytes": str(len(BODY)),
            "sha256": hashlib.sha256(BODY).hexdigest(),
        }
    ]


@pytest.mark.parametrize(
    "mishap",
    [
        status(429, Retry_After="3"),
        status(503),
        status(403),
        reset_after(0),
        reset_after(500),
        cut_after(0),
        cut_after(500),
        page(b""),
        page(RATE_PAGE),
        page(b"<html><head><title>Access Denied</title></head></html>"),
        page(b"\x89PNG\r\n\x1a\n" + b"x" * 100, "image/png"),
        page(b"%PDF-1.7"),
        page(b'{"error": "try later"}', "application/json"),
        page(b"<html>\0\0</html>"),
        page(b"only words"),
        status(206, BODY, Content_Range="bytes 5-9/10"),
        status(206, BODY),
        status(416),
        without_length(BODY[:500]),
    ],
)
def test_no_misbehaviour_is_stored_and_the_document_is_had_at_last(
    stub: EdgarStub, fetch_all: Fetch, raw: Path, mishap: Any
) -> None:
    stub.company(42, [ONE])
    stub.resources[PATH].mishaps.extend([mishap] * 3)
    assert fetch_all().exit_code == 0
    assert (raw / NAME).read_bytes() == BODY
    assert len(stub.paths(PATH)) == 4
    assert litter(raw) == []


@pytest.mark.parametrize(
    ("mishap", "reason"),
    [
        (status(404), "not_found"),
        (status(503), "unreachable"),
        (page(RATE_PAGE), "throttled"),
        (page(b"%PDF-1.7"), "bad_answer"),
        (cut_after(0), "unreachable"),
        (without_length(BODY[:500]), "bad_answer"),
        (status(302, Location="http://evil.example/"), "redirect"),
        (status(400), "refused"),
    ],
)
def test_a_document_that_fails_is_named_and_never_stops_the_others(
    stub: EdgarStub, fetch_all: Fetch, raw: Path, mishap: Any, reason: str
) -> None:
    filings = [row(1, 2023), row(2, 2022), row(3, 2021)]
    stub.company(42, filings)
    stub.resources[document_path(42, filings[1])].mishaps.extend([mishap] * 50)
    report = fetch_all()
    assert [outcome.outcome.value for outcome in report.outcomes] == [
        "downloaded",
        "failed",
        "downloaded",
    ]
    assert [(f.accession, f.reason) for f in report.failures] == [
        (filings[1]["accessionNumber"], reason)
    ]
    assert report.exit_code == 1
    assert len(index(raw)) == 2
    assert len(visible(raw)) == 3


def test_an_unsafe_name_is_a_failure_and_leaves_the_folder(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [row(1, 2023, primaryDocument="../../evil.htm"), row(2, 2022)])
    report = fetch_all()
    assert [failure.reason for failure in report.failures] == ["unsafe_name"]
    assert len(visible(raw)) == 2
    assert visible(raw.parent) == ["raw"]
    assert stub.paths("evil") == []


def test_a_body_cut_short_continues_where_it_stopped(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    stub.resources[PATH].mishaps.append(cut_after(500))
    assert fetch_all().exit_code == 0
    first, second = (seen.headers for seen in stub.seen if seen.path == PATH)
    assert "range" not in first
    assert (second["range"], second["if-range"]) == ("bytes=500-", '"v1"')
    assert (raw / NAME).read_bytes() == BODY


def test_the_next_session_continues_too(stub: EdgarStub, fetch_all: Fetch, raw: Path) -> None:
    stub.company(42, [ONE])
    stub.resources[PATH].mishaps.append(cut_after(500))
    assert fetch_all(by={"attempts": 1}).exit_code == 1
    assert visible(raw) == []
    assert fetch_all(by={"attempts": 1}).exit_code == 0
    assert stub.seen[-1].headers["range"] == "bytes=500-"
    assert (raw / NAME).read_bytes() == BODY


@pytest.mark.parametrize(
    ("facts", "resumed"),
    [
        ({"etag": '"v1"', "ranges": False}, True),
        ({"etag": 'W/"v1"'}, False),
        ({}, False),
        ({"last_modified": "Sat, 01 Nov 2025 11:00:00 GMT"}, True),
        ({"etag": 'W/"v1"', "last_modified": "Sat, 01 Nov 2025 11:00:00 GMT"}, True),
        ({"etag": '"v1"', "chunked": True}, True),
    ],
)
def test_it_continues_only_where_the_server_can_prove_the_version(
    stub: EdgarStub, fetch_all: Fetch, raw: Path, facts: dict[str, Any], resumed: bool
) -> None:
    stub.put(PATH, BODY, cut_after(500), **facts)
    stub.company(42, [ONE])
    assert fetch_all().exit_code == 0
    assert ("range" in stub.seen[-1].headers) is resumed
    assert (raw / NAME).read_bytes() == BODY


def test_a_document_that_changed_between_two_sessions_starts_again(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    stub.resources[PATH].mishaps.append(cut_after(500))
    fetch_all(by={"attempts": 1})
    changed = document("changed", 300)
    stub.put(PATH, changed, etag='"v2"')
    assert fetch_all().exit_code == 0
    assert (raw / NAME).read_bytes() == changed


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"v2"', "Content_Range": f"bytes 500-{len(BODY) - 1}/{len(BODY)}"},
        {"ETag": '"v1"', "Content_Range": f"bytes 400-{len(BODY) - 1}/{len(BODY)}"},
        {"ETag": '"v1"', "Content_Range": f"bytes 500-{len(BODY) - 1}/{len(BODY) + 9}"},
        {"ETag": '"v1"', "Content_Range": "bytes 500-600/*"},
        {"ETag": '"v1"'},
    ],
)
def test_a_range_of_something_else_is_never_joined(
    stub: EdgarStub, fetch_all: Fetch, raw: Path, headers: dict[str, str]
) -> None:
    stub.company(42, [ONE])
    wrong = status(206, b"X" * (len(BODY) - 500), **headers)
    stub.resources[PATH].mishaps.extend([cut_after(500), wrong])
    assert fetch_all().exit_code == 0
    assert (raw / NAME).read_bytes() == BODY
    assert "range" not in stub.seen[-1].headers


def test_a_stalled_body_is_timed_out_and_continued(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    stub.resources[PATH].mishaps.append(stall_after(500))
    assert fetch_all(by={"timeout": 0.2}).exit_code == 0
    assert stub.seen[-1].headers["range"] == "bytes=500-"
    assert (raw / NAME).read_bytes() == BODY


def test_a_compressed_answer_is_stored_as_what_it_means(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    packed = status(200, gzip.compress(BODY), Content_Encoding="gzip", ETag='"v1"')
    stub.resources[PATH].mishaps.append(packed)
    assert fetch_all().exit_code == 0
    assert (raw / NAME).read_bytes() == BODY


def test_a_document_without_a_length_is_stored_where_its_end_shows(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    stub.resources[PATH].mishaps.append(without_length(BODY))
    assert fetch_all().exit_code == 0
    assert len(stub.paths(PATH)) == 1


def test_a_document_without_bound_is_refused(stub: EdgarStub, fetch_all: Fetch, raw: Path) -> None:
    stub.put(PATH, BODY, etag='"v1"', chunked=True)
    stub.company(42, [ONE])
    report = fetch_all(by={"max_document_bytes": 1000})
    assert [failure.reason for failure in report.failures] == ["too_large"]
    assert (visible(raw), litter(raw)) == ([], [])


def test_a_large_filing_that_quotes_the_rate_page_is_a_filing(
    stub: EdgarStub, fetch_all: Fetch
) -> None:
    stub.put(PATH, b"<html>Request Rate Threshold Exceeded" + b"<p>risk</p>" * 9000 + b"</html>")
    stub.company(42, [ONE])
    assert fetch_all().counts["downloaded"] == 1


def test_gzip_is_stored_alike_each_time(stub: EdgarStub, fetch_all: Fetch, raw: Path) -> None:
    stub.company(42, [ONE])
    fetch_all(gzip=True)
    stored = (raw / f"{NAME}.gz").read_bytes()
    assert gzip.decompress(stored) == BODY
    assert stored[4:8] == bytes(4)
    assert index(raw)[0]["sha256"] == hashlib.sha256(stored).hexdigest()
    assert (visible(raw), litter(raw)) == ([f"{NAME}.gz", "index.csv"], [])
    fetch_all(gzip=True, folder=raw.parent / "again")
    assert (raw.parent / "again" / f"{NAME}.gz").read_bytes() == stored


def test_what_is_complete_is_not_asked_for_again(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [row(1, 2023), row(2, 2022)])
    fetch_all()
    written = (raw / "index.csv").stat().st_mtime_ns
    stub.seen.clear()
    assert fetch_all().counts["known"] == 2
    assert fetch_all(gzip=True, refetch=True).counts["known"] == 2
    assert stub.paths("Archives") == []
    assert (raw / "index.csv").stat().st_mtime_ns == written


@pytest.mark.parametrize("damage", [lambda p: p.write_bytes(b"<"), lambda p: p.unlink()])
def test_a_file_that_is_not_what_was_recorded_is_fetched_again(
    stub: EdgarStub, fetch_all: Fetch, raw: Path, damage: Callable[[Path], None]
) -> None:
    stub.company(42, [ONE])
    fetch_all()
    damage(raw / NAME)
    assert fetch_all().counts["downloaded"] == 1
    assert (raw / NAME).read_bytes() == BODY
    assert len(index(raw)) == 1


def manifest(raw: Path, **changes: Any) -> None:
    sha = hashlib.sha256(BODY).hexdigest()
    entry = {"status": "success", "hash": f"sha256:{sha}"} | changes
    (raw / ".manifest.json").write_text(json.dumps({"files": {NAME: entry}}))


def test_what_was_processed_and_deleted_is_not_fetched_again_unless_asked(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    fetch_all()
    (raw / NAME).unlink()
    manifest(raw)
    assert fetch_all().counts["processed"] == 1
    assert not (raw / NAME).exists()
    assert fetch_all(refetch=True).counts["downloaded"] == 1


def test_what_was_processed_is_known_even_where_the_index_is_gone(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    raw.mkdir()
    manifest(raw)
    assert fetch_all(gzip=True).outcomes[0].outcome is Outcome.PROCESSED


@pytest.mark.parametrize("changes", [{"status": "failed"}, {"hash": "sha256:another"}])
def test_what_was_not_processed_as_recorded_is_fetched(
    stub: EdgarStub, fetch_all: Fetch, raw: Path, changes: dict[str, str]
) -> None:
    stub.company(42, [ONE])
    fetch_all()
    (raw / NAME).unlink()
    manifest(raw, **changes)
    assert fetch_all().counts["downloaded"] == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"files": []}', '{"files": {"a": 1}}', "{}"])
def test_a_manifest_that_does_not_read_is_noted(
    stub: EdgarStub, fetch_all: Fetch, raw: Path, text: str
) -> None:
    stub.company(42, [ONE])
    raw.mkdir()
    (raw / ".manifest.json").write_text(text)
    report = fetch_all()
    assert report.counts["downloaded"] == 1
    assert ".manifest.json does not read" in report.notes[0]


def test_a_dry_run_asks_for_lists_only_and_touches_nothing(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    report = fetch_all(dry_run=True)
    assert [(o.outcome, o.file) for o in report.outcomes] == [(Outcome.PLANNED, NAME)]
    assert stub.paths("Archives") == []
    assert not raw.exists()


def test_a_company_that_fails_never_stops_the_others(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    report = fetch_all(ciks=(7, 42), tickers=("WDGT",))
    assert [(f.company, f.cik, f.reason) for f in report.failures] == [
        ("WDGT", None, "not_found"),
        ("", 7, "not_found"),
    ]
    assert (report.counts["downloaded"], report.exit_code) == (1, 1)


def test_a_filing_of_two_registrants_is_stored_once(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    stub.company(43, [ONE])
    assert len(fetch_all(ciks=(42, 43, 42)).outcomes) == 1


def test_nothing_reached_has_an_exit_code_of_its_own(fetch_all: Fetch) -> None:
    nowhere = {"www_url": "http://127.0.0.1:1", "data_url": "http://127.0.0.1:1"}
    assert fetch_all(by=nowhere, tickers=("WDGT",)).exit_code == 4


def test_no_company_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownCompany):
        Order(folder=tmp_path)


def test_a_row_and_a_column_of_somebody_else_stay(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    raw.mkdir()
    (raw / "index.csv").write_text("accession,note,file\n,mine,a.htm\n\n")
    fetch_all()
    rows = index(raw)
    assert [(r["note"], r["file"]) for r in rows] == [("mine", "a.htm"), ("", NAME)]


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "accession,file\n1\n", 'accession,file\n"1,2\n', "accession,accession\n"]
)
def test_an_index_that_does_not_read_is_left_alone(
    stub: EdgarStub, fetch_all: Fetch, raw: Path, text: str
) -> None:
    raw.mkdir()
    (raw / "index.csv").write_text(text)
    with pytest.raises(IndexDamaged, match=r"index\.csv does not read") as caught:
        fetch_all()
    assert caught.value.exit_code == 5
    assert (raw / "index.csv").read_text() == text
    assert stub.seen == []


def test_an_index_never_vouches_for_a_file_outside_its_folder(
    stub: EdgarStub, fetch_all: Fetch, raw: Path
) -> None:
    stub.company(42, [ONE])
    fetch_all()
    (raw / NAME).rename(raw.parent / NAME)
    listed = (raw / "index.csv").read_text().replace(NAME, f"../{NAME}", 1)
    (raw / "index.csv").write_text(listed)
    assert fetch_all().counts["downloaded"] == 1


def test_two_downloads_never_share_a_folder(fetch_all: Fetch, raw: Path) -> None:
    with locked(raw), pytest.raises(DestinationBusy) as caught:
        fetch_all()
    assert caught.value.exit_code == 3


def test_a_full_disk_ends_the_run_and_leaves_what_was_there(
    stub: EdgarStub, fetch_all: Fetch, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.company(42, [row(2, 2022)])
    fetch_all()
    before = (raw / "index.csv").read_bytes()
    stub.company(42, [ONE, row(2, 2022)])

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DestinationUnusable, match="No space left") as caught:
            fetch_all()
    assert caught.value.exit_code == 4
    assert (raw / "index.csv").read_bytes() == before
    assert len(visible(raw)) == 2
    assert fetch_all().counts == {
        "downloaded": 1,
        "known": 1,
        "processed": 0,
        "planned": 0,
        "failed": 0,
    }


def test_what_gets_a_final_name_is_on_disk_before_and_its_name_after(
    stub: EdgarStub, fetch_all: Fetch, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.company(42, [ONE])
    calls: list[str] = []
    replace = os.replace

    def renamed(source: Path, target: Path) -> None:
        calls.append(f"rename to {target.name}")
        replace(source, target)

    def synced(descriptor: int) -> None:
        calls.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")

    monkeypatch.setattr(os, "replace", renamed)
    monkeypatch.setattr(os, "fsync", synced)
    fetch_all()
    assert calls == [
        "sync .index.csv.tmp",
        "rename to index.csv",
        "sync raw",
        f"sync .{NAME}.part",
        f"rename to {NAME}",
        "sync raw",
    ]


def test_a_folder_that_cannot_be_made_is_named(fetch_all: Fetch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DestinationUnusable, match="file"):
        fetch_all(folder=tmp_path / "file" / "raw")
