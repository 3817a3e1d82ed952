"""Facts of runs, built for the tests of reports."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipewarden.report.facts import FailureFacts, ItemFacts, ReportFacts

RUN_ID = "20260301_021500_filings_0f3c2ab"


def published_item(number: int) -> ItemFacts:
    key = f"2025/{number:04d}/form10k_{number}.htm"
    return {
        "key": key,
        "verdict": "WARN" if number % 20 == 7 else "PASS",
        "seconds": 0.05 + number % 13 / 10,
        "attempt": 1,
        "input_path": f"data/raw/{key}",
        "output_path": f"data/processed/filings/{key}.json",
        "facts": {
            "company": f"Example Holdings {number} plc",
            "form": "10-K" if number % 3 else "10-Q",
            "fiscal_year": 2025,
            "outcome": "found",
            "segments": 12 + number % 40,
            "characters": 60_000 + 37 * number,
            "yield": 0.1234567,
            "amendment": False,
        },
    }


def quarantined_item(number: int, *, errored: bool = False) -> ItemFacts:
    key = f"2024/broken {number}.htm"
    place = f"data/quarantine/{RUN_ID}/{key}"
    item: ItemFacts = {
        "key": key,
        "verdict": "" if errored else "FAIL",
        "reason": "timeout" if errored else "no_html_artefacts",
        "message": "it took longer than 30 s and its worker was killed"
        if errored
        else "3 segments hold markup, the first is number 4: <div class=x>",
        "seconds": 30.0 if errored else 0.8,
        "attempt": 2 if errored else 1,
        "input_path": f"data/raw/{key}",
        "quarantine_path": f"{place}_FAILED.json",
        "failure_report_path": f"{place}_FAILURE_REPORT.md",
    }
    return item


def build_run(published: int = 58, quarantined: int = 2, **changes: Any) -> ReportFacts:
    """Return the facts of a run with so many items, the last of the quarantined an error."""
    good = [published_item(number) for number in range(published)]
    bad = [quarantined_item(n, errored=n == quarantined - 1) for n in range(quarantined)]
    errored = min(quarantined, 1)
    reasons = {"no_html_artefacts": quarantined - errored, "timeout": errored}
    facts: ReportFacts = {
        "schema_version": 1,
        "run": {
            "id": RUN_ID,
            "parent_id": None,
            "pipeline": "filings",
            "source": "data/raw",
            "status": "COMPLETED",
            "error": "",
            "actor": "Ada Example",
            "started_at": "2026-03-01T02:15:00.123456+00:00",
            "finished_at": "2026-03-01T02:18:20+00:00",
            "seconds": 199.9,
            "executor": "processes",
            "workers": 4,
            "validated": True,
            "output_dir": "data/processed/filings",
            "quarantine_dir": f"data/quarantine/{RUN_ID}",
        },
        "totals": {
            "seen": published + quarantined,
            "skipped": 0,
            "published": published,
            "quarantined": quarantined,
            "deferred": 0,
            "warned": sum(1 for item in good if item["verdict"] == "WARN"),
            "rejected": quarantined - errored,
            "errored": errored,
        },
        "plan": {"new": published + quarantined, "changed": 0, "deleted": 0, "unchanged": 0},
        "checks": [
            check("company_name_present", "identity"),
            check("no_html_artefacts", "cleanliness", fail=quarantined - errored),
            check("extraction_yield", "substance", blocking=False, warn=2, fail=1),
            check("sic_present", "identity", blocking=False, not_computable=1),
        ],
        "reasons": {reason: number for reason, number in reasons.items() if number},
        "published": {"items": good, "omitted": 0},
        "quarantined": {"items": bad, "omitted": 0},
        "deferred": {"items": [], "omitted": 0},
        "slowest": {"items": sorted(good, key=lambda i: -i["seconds"])[:10], "omitted": 0},
        "notices": [],
        "ledger": {"count": 1234, "hash": "sha256:" + "ab" * 32},
        "config": {
            "run_id": RUN_ID,
            "git_sha": "0f3c2ab9d1e2f3a4b5c6d7e8f90a1b2c3d4e5f60",
            "git_branch": "main",
            "git_dirty": True,
            "settings": {"workers": 4, "database_url": "***"},
        },
        "reproduce": [
            "git checkout 0f3c2ab9d1e2f3a4b5c6d7e8f90a1b2c3d4e5f60",
            f"pipewarden rerun {RUN_ID}",
        ],
    }
    return {**facts, **changes}  # type: ignore[typeddict-item]


def check(name: str, category: str, *, blocking: bool = True, **numbers: int) -> Any:
    counted = {"warn": 0, "fail": 0, "not_computable": 0, **numbers}
    return {
        "check": name,
        "category": category,
        "blocking": blocking,
        "threshold": "must be at least 1,000 ppm",
        **counted,
    }


def build_failure(**changes: Any) -> FailureFacts:
    """Return what is kept of an item that a gate rejected."""
    facts: FailureFacts = {
        "schema_version": 1,
        "kind": "rejected",
        "key": "2024/broken 0.htm",
        "run_id": RUN_ID,
        "pipeline": "filings",
        "fingerprint": "1/abc/def",
        "at": "2026-03-01T02:16:00+00:00",
        "input": {"path": "data/raw/2024/broken 0.htm", "hash": "sha256:" + "cd" * 32},
        "quarantine_path": f"data/quarantine/{RUN_ID}/2024/broken 0.htm_FAILED.json",
        "reason": "extraction_yield",
        "message": "512 ppm of the file were extracted",
        "attempt": 1,
        "max_attempts": 3,
        "verdict": {
            "status": "FAIL",
            "findings": [
                {"check": "cik_present", "category": "identity", "status": "PASS", "value": True},
                {
                    "check": "extraction_yield",
                    "category": "substance",
                    "status": "FAIL",
                    "value": 512,
                    "threshold": {
                        "target": 1000,
                        "operator": ">=",
                        "unit": "ppm",
                        "blocking": True,
                    },
                    "message": "512 ppm of the file were extracted",
                    "evidence": ["segment 4: <div class=x>", {"segment": 9}],
                },
            ],
        },
        "error": None,
        "result": {"segments": []},
    }
    return {**facts, **changes}  # type: ignore[typeddict-item]


#: Texts that try to break out of a report.
ZOO = {
    "script": "<script>alert(1)</script>",
    "closed heading": "</h2></section><script src=//evil.example/x.js></script>",
    "image handler": '"><img src=x onerror=alert(1)>',
    "attribute": "' onmouseover='alert(1)' x=\"",
    "style": "</style><style>*{display:none}</style>",
    "comment": "<!-- --> ]]> -->",
    "entity": "&lt;b&gt; &#60;script&#62; &amp",
    "template": "{{ 7 * 7 }} {% raw %} {# x #} ${7*7}",
    "javascript link": "[click](javascript:alert(1))",
    "javascript path": "javascript:alert(1)",
    "data path": "data:text/html,<script>alert(1)</script>",
    "scheme-relative path": "//evil.example/x",
    "escaping path": "../../../../etc/passwd",
    "reference": "[a]: javascript:alert(1)\n[a]",
    "closing bracket": "](javascript:alert(1)) [",
    "image": "![x](https://evil.example/pixel.png)",
    "bare address": "see https://evil.example and www.evil.example",
    "angle address": "<https://evil.example> <a@evil.example>",
    "backticks": "`a` ``b`` ```` \n````\n# out\n````",
    "tildes": "~~~\n# out",
    "pipes": "a | b || c \\| d",
    "newlines": "first\n\n# second\r\n- third\n    fourth\rfifth",
    "other line ends": "a\x0bb\x0cc\x85d\u2028e\u2029f",
    "emphasis": "**bold** __bold__ *x* _y_ ~~z~~ a_b_c",
    "rule": "---",
    "heading": "# heading",
    "list": "1. one",
    "backslash": "\\",
    "details": "</details></summary></code></pre>",
    "terminal": "\x1b[31mred\x1b[0m\x1b]8;;http://evil.example\x07x\x07",
    "right to left": "\u202egnp.exe\u202c \u2066x\u2069",
    "zero width": "pass\u200bed\ufeff \u00ad",
    "not utf-8": "caf\udce9.htm",
    "half a character": "\ud83d",
    "nothing to see": "\x00",
    "spaces": "  edges  ",
    "option": "--force",
    "shell": "$(reboot) `reboot` ; reboot 'x' \"y\" !z",
    "long": "A" * 5000,
}


@pytest.fixture(scope="session")
def run_facts() -> Callable[..., ReportFacts]:
    """Return the builder of a run's facts."""
    return build_run


@pytest.fixture(scope="session")
def failure_facts() -> Callable[..., FailureFacts]:
    """Return the builder of the facts about one quarantined item."""
    return build_failure


@pytest.fixture(params=ZOO.values(), ids=ZOO.keys())
def hostile(request: pytest.FixtureRequest) -> str:
    """Return each of the texts that try to break out."""
    return str(request.param)


@pytest.fixture(scope="session")
def filled() -> Callable[..., Any]:
    """Return the function that puts texts, in turn, into every text field."""
    return fill


def fill(facts: Any, *texts: str) -> Any:
    """Return facts with every text, and every name that is free, replaced; numbers stay."""
    return _filled(facts, texts[0], itertools.cycle(texts))


def _filled(facts: Any, name_of: str, texts: Iterator[str]) -> Any:
    if isinstance(facts, str):
        return next(texts) if facts else ""
    if isinstance(facts, list):
        return [_filled(value, name_of, texts) for value in facts]
    if isinstance(facts, dict):
        free = not FIXED_NAMES.intersection(facts)
        return {
            f"{name_of}{number}" if free else name: _filled(value, name_of, texts)
            for number, (name, value) in enumerate(facts.items())
        }
    return facts


#: One of these in a mapping says that its names are ours.
FIXED_NAMES = {
    "run",
    "status",
    "seen",
    "key",
    "items",
    "check",
    "git_sha",
    "count",
    "hash",
    "kind",
    "target",
    "findings",
    "traceback",
}
