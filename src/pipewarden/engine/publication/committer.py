"""From what workers made to what is committed: publish, or quarantine, in the one safe order.

For each batch: outputs and quarantine files get their final names and are forced to disk; what they
replace is withdrawn; only then is the batch committed to the manifest. A crash before the commit
leaves items that are simply done again, with the same result; one after it leaves nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pipewarden.core.findings import Finding, Status
from pipewarden.core.items import Action, ItemResult, Outcome, State, Step
from pipewarden.core.jobs import Lease
from pipewarden.core.models.deployments import Trained
from pipewarden.core.planning import Fingerprints
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.publication import documents
from pipewarden.engine.publication.duplicates import Identities, with_finding
from pipewarden.engine.publication.files import Outputs
from pipewarden.engine.publication.models import ModelKeeper
from pipewarden.engine.publication.quarantine import Quarantine
from pipewarden.engine.task import Work, Worked
from pipewarden.store.files.hashing import Signature
from pipewarden.store.manifest.contract import ManifestStore
from pipewarden.store.manifest.document import relative_key
from pipewarden.store.manifest.record import Entry, Record
from pipewarden.store.windows import Window, passing


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScope:
    """What all items of one run have in common."""

    run_id: str
    pipeline: Pipeline
    fingerprints: Fingerprints
    output_dir: Path
    validate: bool
    clock: Callable[[], datetime]


class Committer:
    """Collects results into batches and commits each batch.

    Parameters
    ----------
    scope, store, lease, outputs, quarantine
        The run, its manifest, the right to commit, where documents go, and where failures go.
    identities
        For a gate with a check across items: who holds which identity.
    models
        Where the items are models: what keeps them as versions.
    """

    def __init__(
        self,
        scope: RunScope,
        store: ManifestStore,
        lease: Lease,
        outputs: Outputs,
        quarantine: Quarantine,
        identities: Identities,
        models: ModelKeeper | None = None,
    ) -> None:
        self._scope = scope
        self._store = store
        self._lease = lease
        self._outputs = outputs
        self._quarantine = quarantine
        self._identities = identities
        self._models = models
        self._seq = store.next_seq(scope.run_id)
        self._records: list[Record] = []
        self._told: list[ItemResult] = []
        self._inputs: dict[str, Signature | None] = {}
        #: Items that are still to be worked on: what they are will show, and needs no displacing.
        self.pending: Container[str] = ()

    def __len__(self) -> int:
        return len(self._records)

    # ── one result ───────────────────────────────────────────────────────────────────────────

    def add(self, worked: Worked, step: Step) -> None:
        """Take a worker's result into the batch: it will be published, quarantined or deferred."""
        before = self._store.get(step.moved_from or step.key)
        if worked.work is Work.DEFERRED:
            self._defer(worked, step, before)
        elif worked.work is Work.JUDGED:
            self._judged(worked, step, before)
        else:
            self._identities.withdraw(step.key, before, None)
            self._fail(worked, step, before, document=None)

    def _judged(self, worked: Worked, step: Step, before: Entry | None) -> None:
        passed = worked.status != Status.FAIL
        self._identities.withdraw(step.key, before, worked.identity if passed else None)
        holder = self._identities.holder(worked) if passed else None
        finding = None
        if holder is not None:
            finding = self._unique(holder)
            worked, document = with_finding(worked, finding)
            if finding.blocks:
                self._discard(worked)
                self._fail(worked, step, before, document=document, duplicate_of=holder)
                return
        if not passed:
            document = documents.decode(worked.document())
            self._discard(worked)
            self._fail(worked, step, before, document=document)
            return
        if worked.identity is not None and finding is None:
            loser = self._identities.claim(worked.identity, step.key)
            if loser is not None and loser not in self.pending:
                self._displace(worked.identity, loser, step.key)
        self._publish(worked, step, before)

    def _publish(self, worked: Worked, step: Step, before: Entry | None) -> None:
        entry = self._entry("success", worked, before)
        kept_before = self._kept_bytes()
        trained = self._models.published(worked) if self._models is not None else None
        target = self._outputs.publish(step.key, worked, entry)
        if before is not None and step.moved_from is not None and before.get("output_path"):
            self._outputs.withdraw(step.moved_from, before, f"moved to {step.key}")
        if not self._scope.validate:
            entry["validated"] = False
        facts = before.get("facts") if worked.facts is None and before else worked.facts
        if facts:
            entry["facts"] = dict(facts)
        if worked.identity is not None:
            entry["identity"] = worked.identity
        result = self._result(worked, Outcome.PUBLISHED)
        result = replace(
            result,
            output_path=str(target),
            facts=entry.get("facts") or {},
            output_bytes=worked.staged_size or len(worked.line or b""),
            object_bytes=self._kept_bytes() - kept_before,
        )
        self._record(step, entry, result, trained)

    def _fail(
        self,
        worked: Worked,
        step: Step,
        before: Entry | None,
        *,
        document: dict[str, Any] | None,
        duplicate_of: str | None = None,
    ) -> None:
        rejected = worked.work in (Work.JUDGED, Work.REJECTED)
        kept = self._quarantine.keep(
            worked, kind="rejected" if rejected else "errored", document=document
        )
        entry = self._entry("failed", worked, before)
        entry["kind"] = "rejected" if rejected else "errored"
        entry["reason"] = kept.reason
        entry["quarantine_path"] = relative_key(kept.path, self._store.folder)
        if duplicate_of is not None:
            entry["duplicate_of"] = duplicate_of
        if worked.identity is not None:
            entry["identity"] = worked.identity
        if before is not None and before.get("output_path"):
            if rejected:
                self._withdraw(step.key, before, kept.reason)
            else:  # nothing was decided about the new bytes: the last good output stays
                self._outputs.keep(before, entry)
        else:
            self._outputs.withdraw_uncommitted(step.key)
        self._inputs[step.key] = worked.input_signature
        result = self._result(worked, Outcome.REJECTED if rejected else Outcome.ERRORED)
        kept_before, trained = self._kept_bytes(), None
        if self._models is not None and document is not None:
            trained = self._models.rejected(document, kept.reason)
        result = replace(
            result,
            reason=kept.reason,
            message=kept.message,
            quarantine_path=str(kept.path),
            output_bytes=kept.size,
            object_bytes=self._kept_bytes() - kept_before,
        )
        self._record(step, entry, result, trained)

    def _kept_bytes(self) -> int:
        """Return how many bytes of models were written so far."""
        return 0 if self._models is None else self._models.written

    def _defer(self, worked: Worked, step: Step, before: Entry | None) -> None:
        key = step.moved_from or step.key
        same = step._replace(key=key, moved_from=None)
        result = self._result(worked, Outcome.DEFERRED)
        self._record(same, before, replace(result, key=step.key))

    def move(self, step: Step) -> None:
        """Take a moved item into the batch: its state stays, its output moves with it."""
        assert step.moved_from is not None
        before = self._store.get(step.moved_from)
        assert before is not None
        entry: Entry = {**before}
        if before["status"] == "success" and before.get("output_path"):
            self._outputs.move(step.key, before, entry)
            self._identities.move(entry.get("identity"), step.moved_from, step.key)
        self._record(step, entry, None)

    def forget(self, keys: Iterable[str]) -> int:
        """Take deleted items into the batch: their entries go, their outputs are withdrawn."""
        number = 0
        for key in keys:
            before = self._store.get(key)
            if before is not None and before.get("output_path"):
                self._withdraw(key, before, "its input is gone")
            self._append(key, None, None, None)
            number += 1
        return number

    # ── duplicates ───────────────────────────────────────────────────────────────────────────

    @property
    def displacing(self) -> bool:
        """Whether `settle` has anything to do."""
        return bool(self._identities.beside())

    def settle(self) -> None:
        """Quarantine every item that was found published beside the holder of its identity."""
        for identity, loser, holder in self._identities.beside():
            self._displace(identity, loser, holder)

    def _displace(self, identity: str, loser: str, winner: str) -> None:
        """Quarantine a published item whose identity an item with a lower key has, too."""
        self._told += self.flush()
        before = self._store.get(loser)
        finding = self._unique(winner)
        if before is None or before["status"] != "success" or not finding.blocks:
            return
        if before.get("identity") != identity:
            return
        worked = Worked(
            key=loser,
            work=Work.REJECTED,
            input_hash=before["hash"],
            identity=identity,
            facts=before.get("facts"),
            reason=finding.check,
            message=finding.message,
        )
        document, published = None, self._outputs.read(before)
        if published is not None:
            judged = replace(worked, work=Work.JUDGED, reason="", message="", line=published)
            worked, document = with_finding(judged, finding)
        step = Step(loser, State.UNCHANGED, Action.PROCESS, finding.message)
        self._fail(worked, step, before, document=document, duplicate_of=winner)

    def _unique(self, holder: str) -> Finding:
        unique = self._scope.pipeline.gate.unique
        assert unique is not None
        return unique.finding(holder)

    # ── records ──────────────────────────────────────────────────────────────────────────────

    def _entry(
        self, status: Literal["success", "failed"], worked: Worked, before: Entry | None
    ) -> Entry:
        now = self._scope.clock().isoformat()
        entry: Entry = {
            "hash": worked.input_hash,
            "status": status,
            "run_id": self._scope.run_id,
            "attempt_count": 0,
            "validation_report": _summary(worked),
            "fingerprint": self._scope.fingerprints.pipeline,
            "measures": self._scope.fingerprints.measures,
            "thresholds": self._scope.fingerprints.thresholds,
        }
        if worked.companion:
            entry["companion"] = worked.companion
        if status == "success":
            entry["last_processed"] = now
            return entry
        entry["last_attempt"] = now
        same = before is not None and before.get("hash") == worked.input_hash
        earlier = int(before.get("attempt_count", 0)) if same and before is not None else 0
        entry["attempt_count"] = earlier + 1
        return entry

    def _result(self, worked: Worked, outcome: Outcome) -> ItemResult:
        return ItemResult(
            key=worked.key,
            outcome=outcome,
            reason=worked.reason,
            message=worked.message,
            verdict=worked.status,
            seconds=worked.seconds,
            cpu_seconds=worked.cpu_seconds,
            check_seconds=worked.check_seconds,
            stages=worked.stages,
            attempt=worked.attempt,
            misses={str(f["check"]): str(f["status"]) for f in worked.findings},
        )

    def _record(
        self,
        step: Step,
        entry: Entry | None,
        result: ItemResult | None,
        trained: Trained | None = None,
    ) -> None:
        self._append(step.key, entry, step.moved_from, result, trained)

    def _append(
        self,
        key: str,
        entry: Entry | None,
        moved_from: str | None,
        result: ItemResult | None,
        trained: Trained | None = None,
    ) -> None:
        self._records.append(
            Record(
                run_id=self._scope.run_id,
                seq=self._seq,
                at=self._scope.clock().isoformat(),
                key=key,
                entry=entry,
                moved_from=moved_from,
                result=result,
                appended=self._outputs.appended(),
                trained=trained,
            )
        )
        self._seq += 1

    # ── committing ───────────────────────────────────────────────────────────────────────────

    def _withdraw(self, key: str, before: Entry, reason: str) -> None:
        """Withdraw a published document into quarantine."""
        published = self._outputs.read(before)
        if published is not None:
            self._quarantine.keep_withdrawn(key, published)
        self._outputs.withdraw(key, before, reason)

    @staticmethod
    def _discard(worked: Worked) -> None:
        if worked.staged is not None:
            worked.staged.unlink(missing_ok=True)

    def flush(self) -> list[ItemResult]:
        """Commit the batch; when this returns, its items are done for good.

        Returns
        -------
        The results committed, for a progress display.
        """
        if not self._records:
            return self._take_told()
        self._outputs.flush()
        passing(Window.OUTPUT_RENAMED)
        self._store.commit(self._records, self._lease)
        self._remember()
        self._told += [record.result for record in self._records if record.result is not None]
        self._records = []
        self._inputs.clear()
        return self._take_told()

    def _take_told(self) -> list[ItemResult]:
        told, self._told = self._told, []
        return told

    def _remember(self) -> None:
        gone = [r.moved_from for r in self._records if r.moved_from is not None]
        self._store.forget([*gone, *(r.key for r in self._records if r.entry is None)])
        for key, signature in self._inputs.items():
            self._store.remember(key, signature, None)
        self._outputs.remember(self._store)


def _summary(worked: Worked) -> dict[str, Any] | None:
    """Return the verdict in short, for the manifest; the document has it in full."""
    if not worked.status:
        return None
    misses: list[Mapping[str, Any]] = [
        {name: f[name] for name in ("check", "status", "value") if name in f}
        for f in worked.findings
    ]
    return {"status": worked.status, "misses": misses}
