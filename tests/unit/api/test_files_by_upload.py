"""Files that come with a request: all of them become one job, safely named, or none is kept."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

BOUNDARY = "x-boundary"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def files(**texts: str) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (f"{name}.txt", text.encode())) for name, text in texts.items()]


def send(api: httpx.Client, held: object, said: dict[str, str] | None = None, **headers: str):
    data = {"pipeline": "files", **(said or {})}
    return api.post("/v1/jobs/upload", files=held, data=data, headers=headers)


def part(name: bytes, content: bytes = b"one", field: bytes = b"file") -> bytes:
    """Return a part as bytes: clients repair names before they send them."""
    disposition = b'Content-Disposition: form-data; name="' + field + b'"'
    disposition += b'; filename="' + name + b'"' if name else b""
    return b"--" + BOUNDARY.encode() + b"\r\n" + disposition + b"\r\n\r\n" + content + b"\r\n"


def body(*parts: bytes, end: bytes = b"--x-boundary--\r\n") -> bytes:
    return b"".join([part(b"", b"files", b"pipeline"), *parts, end])


@pytest.fixture
def kept(folder: Path) -> Callable[[], set[str]]:
    """Return what lists all that is kept of uploads, folders by their depth left out."""
    inbox = folder / "home/data/inbox"
    return lambda: {
        str(path.relative_to(inbox)) for path in inbox.rglob("*.txt") if ".run" not in path.parts
    }


@pytest.fixture
def nothing_stays(kept: Callable[[], set[str]], folder: Path) -> Iterator[None]:
    before = kept()
    yield
    assert kept() == before
    assert not list((folder / "home/data/inbox/.receiving").iterdir())


def test_files_become_one_job_that_runs_to_its_end(api, folder, ended):
    answer = send(api, files(a="one", b="two words"), {"run_name": "mine", "validate": "false"})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["status"], "_mine" in job["id"]) == ("QUEUED", True)
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    done = ended(api, job["id"])
    assert (done["status"], done["progress"]["published"]) == ("COMPLETED", 2)
    assert done["options"]["validate"] is False
    source = Path(done["source"])
    assert source.parent == folder / "home/data/inbox/files"
    assert (source / "b.txt").read_text() == "two words"
    outputs = Path(done["options"]["output_dir"])
    assert sorted(path.name for path in outputs.glob("*.json")) == ["a.txt.json", "b.txt.json"]
    assert json.loads((outputs / "b.txt.json").read_text())["bytes"] == 9


def test_two_uploads_of_the_same_names_keep_their_own_results(api, ended):
    told = []
    for text in ("one", "two words"):
        job = ended(api, send(api, files(a=text)).json()["id"])
        told.append(json.loads((Path(job["options"]["output_dir"]) / "a.txt.json").read_text()))
    assert [result["bytes"] for result in told] == [3, 9]


def test_the_same_key_and_files_submit_once_whatever_the_order_of_their_parts(api, kept):
    key = {"Idempotency-Key": "upload-1"}
    first = send(api, files(a="one", b="two"), **key)
    held = kept()
    again = send(api, files(b="two", a="one"), **key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    for other in (files(a="one", b="other"), files(a="one"), files(a="two", b="one")):
        refused = send(api, other, **key)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert kept() == held


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize(
    "name",
    [b"../a.txt", b"a/b.txt", b"..\\\\a.txt", b".a.txt", b".manifest.json", b" ", b"a\tb.txt",
     b"C:a.txt", b"a" * 197 + b".txt", b"\xff.txt", "a\u202etxt.exe.txt".encode(), b"a.txt "],
)  # fmt: skip
def test_a_name_that_could_lead_elsewhere_or_be_hidden_is_refused(api, name):
    answer = api.post("/v1/jobs/upload", content=body(part(name)), headers=FORM)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in ("invalid_file_name", "invalid_form")


@pytest.mark.usefixtures("nothing_stays")
def test_two_files_of_one_name_are_refused(api):
    answer = api.post("/v1/jobs/upload", content=body(part(b"a.txt"), part(b"a.txt")), headers=FORM)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_file_name")


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (body(part(b"a.txt"), end=b""), "ended before its end"),
        (b"nothing of the kind", "cannot be read"),
        (body(part(b"a.txt", field=b"other")), "must be named 'file'"),
        (body(), "no file named 'file'"),
        (body(part(b"a.txt"), part(b"", b"x", b"nix")), "body.nix"),
        (body(part(b"a.txt"), part(b"", b"{", b"settings")), "not JSON"),
        (body(part(b"a.txt"), part(b"", b"files", b"pipeline")), "twice"),
        (body(part(b"a.txt"), part(b"", b"\xff", b"run_name")), "UTF-8"),
    ],
)
def test_a_form_that_does_not_hold_is_refused(api, content, words):
    answer = api.post("/v1/jobs/upload", content=content, headers=FORM)
    assert answer.status_code == 422, answer.text
    assert words in answer.json()["detail"]


@pytest.mark.usefixtures("nothing_stays")
def test_what_the_pipeline_would_not_look_at_is_refused(api):
    strange = send(api, [("file", ("a.pdf", b"%PDF"))])
    assert (strange.status_code, strange.json()["code"]) == (422, "file_not_taken")
    assert "'a.pdf'" in strange.json()["detail"]
    documents = send(api, files(a="one"), {"pipeline": "words"})
    assert (documents.status_code, documents.json()["code"]) == (422, "takes_documents")
    unknown = send(api, files(a="one"), {"pipeline": "nix"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_pipeline")
    wrong = send(api, files(a="one"), {"settings": '{"nix": 1}'})
    assert wrong.status_code == 422, wrong.text


@pytest.mark.usefixtures("nothing_stays")
def test_the_limit_holds_whether_the_length_is_said_or_not(api):
    too_much = body(part(b"a.txt", b"x" * 200_001))
    said = api.post("/v1/jobs/upload", content=too_much, headers=FORM)

    def unsaid() -> Iterator[bytes]:
        for start in range(0, len(too_much), 50_000):
            yield too_much[start : start + 50_000]

    chunked = api.post("/v1/jobs/upload", content=unsaid(), headers=FORM)
    assert "content-length" not in chunked.request.headers
    for answer in (said, chunked):
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    many = [("file", (f"{number}.txt", b"x")) for number in range(51)]
    answer = send(api, many)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_files")


@pytest.mark.usefixtures("nothing_stays")
def test_a_body_that_is_no_form_is_refused(api):
    answer = api.post("/v1/jobs/upload", json={})
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type")
    bare = api.post(
        "/v1/jobs/upload", content=b"x", headers={"Content-Type": "multipart/form-data"}
    )
    assert (bare.status_code, bare.json()["code"]) == (422, "invalid_form")


def test_a_file_is_on_disk_before_its_end_and_gone_if_its_end_never_comes(api, folder, until):
    receiving = folder / "home/data/inbox/.receiving"
    head = (
        f"POST /v1/jobs/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {FORM['Content-Type']}"
    )
    begun = body(part(b"a.txt", b"x" * 100_000), end=b"")
    with socket.create_connection((api.base_url.host, api.base_url.port)) as wire:
        wire.sendall(f"{head}\r\nContent-Length: 150000\r\n\r\n".encode() + begun)
        until(lambda: any(path.stat().st_size > 50_000 for path in receiving.glob("*/a.txt")))
    until(lambda: not list(receiving.iterdir()))


@pytest.mark.usefixtures("nothing_stays")
def test_a_key_whose_upload_failed_can_be_used_again(start, folder):
    """The job cannot be made: nothing of it stays, neither the files nor the key."""
    with start("refusing", jobs=0) as api:
        key = {"Idempotency-Key": "upload-2"}
        asked = {"executor": "celery"}
        assert send(api, files(a="one"), asked, **key).status_code == 422
        inbox = folder / "refusing/data/inbox"
        assert not list(inbox.rglob("*.txt"))
        assert send(api, files(a="one"), **key).status_code == 202
        assert len(list(inbox.glob("files/*/a.txt"))) == 1
