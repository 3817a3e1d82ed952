"""The facts that reports are made of: stored values of one run, and nothing measured here.

``validation_report.json`` is these facts as they are; the Markdown and HTML reports are views of
them. Lists are bounded: ``omitted`` says how many rows a list leaves out, and the state database
has them all (``pipewarden jobs status RUN_ID --json``).
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

SCHEMA_VERSION = 1


class RunFacts(TypedDict):
    """Who ran what, when, and how it ended; times are UTC, ISO-8601."""

    id: str
    parent_id: str | None
    pipeline: str
    source: str
    status: str
    error: str
    actor: str
    started_at: str
    finished_at: str
    seconds: float
    executor: str
    workers: int
    validated: bool
    output_dir: str
    quarantine_dir: str


class Totals(TypedDict):
    """What became of the items; ``seen`` is the sum of the four after it."""

    seen: int
    skipped: int
    published: int
    quarantined: int
    deferred: int
    #: Of ``published``: with a WARN verdict.
    warned: int
    #: Of ``quarantined``.
    rejected: int
    errored: int


class ItemFacts(TypedDict, total=False):
    """One item; paths are relative to the folder the run was started in."""

    key: str
    verdict: str
    reason: str
    message: str
    seconds: float
    attempt: int
    input_path: str
    output_path: str
    quarantine_path: str
    failure_report_path: str
    facts: dict[str, Any]


class ItemList(TypedDict):
    """A bounded list of items, in order of their keys unless said otherwise."""

    items: list[ItemFacts]
    omitted: int


class CheckFacts(TypedDict):
    """How often one check was missed in the run."""

    check: str
    category: str
    blocking: bool
    threshold: str
    warn: int
    fail: int
    not_computable: int


class ModelLine(TypedDict):
    """One model of a run: its figure, and that of the version before it, if it has one."""

    model: str
    value: float
    before: float | None


class ModelFacts(TypedDict):
    """The models of a run, measured beside the simplest that would do, which has the value 1."""

    #: What the figure is, and whose value is 1.
    name: str
    against: str
    #: Models with and without a figure; of those with one, how many are below 1 and exactly 1.
    measured: int
    unmeasured: int
    better: int
    equal: int
    median: float
    #: One model in ten lies below, one in ten above.
    low: float
    high: float
    #: A histogram; the last bin holds all that is larger.
    edges: list[float]
    counts: list[int]
    worst: list[ModelLine]
    improved: list[ModelLine]


class StageFacts(TypedDict):
    """How long one stage of the items took."""

    stage: str
    #: Items that went through it, and their seconds in it together.
    items: int
    seconds: float


class ReportFacts(TypedDict):
    """Everything a report says about a run."""

    schema_version: int
    run: RunFacts
    totals: Totals
    #: Items in each state of the plan, by `State`.
    plan: dict[str, int]
    #: Only checks of the gate; those never missed included.
    checks: list[CheckFacts]
    #: Number of quarantined items by reason, most frequent first.
    reasons: dict[str, int]
    published: ItemList
    quarantined: ItemList
    deferred: ItemList
    #: Slowest first.
    slowest: ItemList
    #: First ``work``, the whole; then those that the pipeline tells, the longest first.
    stages: NotRequired[list[StageFacts]]
    #: Where sinks are enabled, of each: documents ``delivered``, ``spooled`` and ``refused``.
    sinks: NotRequired[dict[str, dict[str, int]]]
    #: Where the run registered enough models that have a common figure.
    models: NotRequired[ModelFacts]
    #: What a person should know: a backup used, folders that could not be read, …
    notices: list[str]
    #: The ledger's head when the report was written: its anchor outside the chain.
    ledger: dict[str, Any]
    #: The run's configuration snapshot, secrets redacted.
    config: dict[str, Any]
    #: The commands that show, repeat and resume the run.
    reproduce: list[str]


class FailureFacts(TypedDict, total=False):
    """One quarantined item, as its ``_FAILED.json`` file holds it."""

    schema_version: int
    #: ``rejected`` or ``errored``.
    kind: str
    key: str
    run_id: str
    pipeline: str
    fingerprint: str
    at: str
    input: dict[str, Any]
    #: Where that file lies, relative to the folder the run was started in; only for its report.
    quarantine_path: str
    reason: str
    message: str
    attempt: int
    max_attempts: int
    #: The verdict with all findings, where the item was judged.
    verdict: dict[str, Any] | None
    #: ``{type, message, traceback}`` of an exception.
    error: dict[str, Any] | None
    #: The document that was produced, where there is one.
    result: dict[str, Any] | None
