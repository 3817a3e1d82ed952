"""The description of the API is true: a bounded search finds no fault and nothing undocumented."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

COMMAND = str(Path(sys.executable).with_name("pipewarden"))
PATIENCE = 60.0

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
)

PIPELINE = """
import pipewarden as pw


def count(record):
    text = record.get("text")
    if not isinstance(text, str):
        raise pw.BadInput("no_text", "there is no text")
    return {"id": str(record.get("id", "")), "words": len(text.split())}


words = pw.Pipeline(name="words", process=count, records="id", lines="words.jsonl")
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real service with some jobs in it; the URL."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "mine.py").write_text(PIPELINE, encoding="utf-8")
    (folder / "inbox").mkdir()
    settings = {
        "PIPEWARDEN_SERVICE__PIPELINES": '["mine:words"]',
        "PIPEWARDEN_SERVICE__SOURCE_ROOTS": json.dumps([str(folder / "inbox")]),
        "PIPEWARDEN_SERVICE__RATE_PER_MINUTE": "1000000",
    }
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--workers", "1", "--jobs", "1"],
        cwd=folder,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        said = re.search(r"http://\S+?:\d+", process.stdout.readline())
        assert said is not None
        deadline = time.monotonic() + PATIENCE
        while httpx.get(f"{said[0]}/ready").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        body = {"pipeline": "words", "documents": [{"id": "a", "text": "one"}, {"id": "b"}]}
        for _ in range(3):
            assert httpx.post(f"{said[0]}/v1/documents/batch", json=body).status_code == 202
        yield said[0]
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.communicate()
        assert process.returncode == 0


@pytest.mark.slow
def test_no_request_that_the_description_allows_or_forbids_meets_a_fault(url, tmp_path):
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{url}/openapi.json",
            f"--checks={','.join(CHECKS)}",
            "--phases=examples,coverage,fuzzing",
            "--max-examples=15",
            "--seed=1",
            "--generation-deterministic",
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    operations = sum(map(len, httpx.get(f"{url}/openapi.json").json()["paths"].values()))
    assert f"{operations} selected / {operations} total" in done.stdout


def test_every_operation_says_what_it_answers_when_it_refuses(url):
    described = httpx.get(f"{url}/openapi.json").json()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            assert "200" in answers or "202" in answers, (method, path)
            if path.startswith("/v1"):
                assert {"401", "403", "429", "503"} <= set(answers), (method, path)
                assert operation["security"], (method, path)
            for status, answer in answers.items():
                if status >= "400" and path.startswith("/v1"):
                    assert list(answer["content"]) == ["application/problem+json"]
