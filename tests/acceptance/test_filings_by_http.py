"""Real filings as jobs of the service, by a path of the server and by upload: outcomes as known."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.real_data

COMMAND = str(Path(sys.executable).with_name("pipewarden"))
PATIENCE = 300.0
#: One of each outcome, and a quarterly report.
CHOSEN = 5
OUTCOMES = {
    "substantive": "found",
    "absent": "not_present",
    "incorporated_by_reference": "by_reference",
    "pointer_to_10-K": "by_reference",
}
Job = dict[str, Any]


@pytest.fixture(scope="module")
def filings(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Job]:
    """Return a few filings below an allowed root, with what is known of each."""
    root = tmp_path_factory.mktemp("allowed") / "filings"
    root.mkdir()
    rows = json.loads((real_data / "filings/truth.json").read_text(encoding="utf-8"))
    first: dict[str, Job] = {}
    for row in sorted(rows, key=lambda row: row.get("approx_chars", 0)):
        first.setdefault(OUTCOMES.get(row["item_1a_status"], row["item_1a_status"]), row)
    chosen = [*first.values(), *(row for row in rows if row not in first.values())][:CHOSEN]
    return {Path(shutil.copy(real_data / "filings" / row["file"], root)): row for row in chosen}


@pytest.fixture(scope="module")
def api(
    filings: dict[Path, Job], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """The real service, with the shipped pipeline alone."""
    root = next(iter(filings)).parent.parent
    settings = {
        "PIPEWARDEN_SERVICE__PIPELINES": '["filings"]',
        "PIPEWARDEN_SERVICE__SOURCE_ROOTS": json.dumps([str(root)]),
    }
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--workers", "1", "--jobs", "1"],
        cwd=tmp_path_factory.mktemp("service"),
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        said = re.search(r"http://\S+?:\d+", process.stdout.readline())
        assert said is not None
        with httpx.Client(base_url=said[0], timeout=PATIENCE) as client:
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.communicate()


def finished(api: httpx.Client, answer: httpx.Response) -> Job:
    assert answer.status_code == 202, answer.text
    place = answer.headers["location"]
    deadline = time.monotonic() + PATIENCE
    while True:
        job: Job = api.get(place).json()["job"]
        if job["status"] in ("COMPLETED", "FAILED", "CANCELLED"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.2)


def by_path(api: httpx.Client, filings: dict[Path, Job]) -> httpx.Response:
    return api.post("/v1/jobs", json={"source": str(next(iter(filings)).parent)})


def by_upload(api: httpx.Client, filings: dict[Path, Job]) -> httpx.Response:
    parts = [("file", (path.name, path.read_bytes())) for path in filings]
    return api.post("/v1/jobs/upload", files=parts, data={"pipeline": "filings"})


@pytest.mark.parametrize("submitted", [by_path, by_upload])
def test_real_filings_become_what_is_known_of_them(
    api: httpx.Client,
    filings: dict[Path, Job],
    submitted: Callable[[httpx.Client, dict[Path, Job]], httpx.Response],
) -> None:
    job = finished(api, submitted(api, filings))
    progress = job["progress"]
    assert (job["status"], progress["published"]) == ("COMPLETED", len(filings)), job
    items = api.get(f"/v1/jobs/{job['id']}/items").json()["items"]
    known = {path.name: row for path, row in filings.items()}
    assert {item["key"] for item in items} == set(known)
    outputs = Path(job["options"]["output_dir"])
    for name, row in known.items():
        filing = json.loads((outputs / f"{name}.json").read_text(encoding="utf-8"))
        status = row["item_1a_status"]
        assert filing["outcome"] == OUTCOMES.get(status, status)
        assert filing["metadata"]["form_type"] == row["form"]
        assert bool(filing["segments"]) == (filing["section"] is not None)
        if filing["section"] is not None:
            text = " ".join(filing["section"]["text"].split())
            assert text.startswith(row["first_block_80"])
            assert text.endswith(row["last_80"])


def test_filings_elsewhere_on_the_server_are_not_read(api: httpx.Client, real_data: Path) -> None:
    answer = api.post("/v1/jobs", json={"source": str(real_data / "filings")})
    assert (answer.status_code, answer.json()["code"]) == (403, "source_not_allowed")
