"""The public contract of the manifest file (DESIGN 5.1), as a script of a user meets it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipewarden import Locked, StateDamaged, StateManifest, StateTooNew, compute_file_hash

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "a.json").write_text("{}")
    return tmp_path


def manifest_of(folder: Path, **options: object) -> StateManifest:
    return StateManifest(folder / ".manifest.json", clock=lambda: NOW, **options)  # type: ignore[arg-type]


def reopened(folder: Path) -> StateManifest:
    return manifest_of(folder).load()


def test_a_hash_names_its_algorithm(folder: Path) -> None:
    assert compute_file_hash(folder / "a.txt", chunk_size=2) == (
        "sha256:" + __import__("hashlib").sha256(b"a.txt").hexdigest()
    )


def test_what_is_recorded_survives_without_a_save(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    manifest.close()
    assert reopened(folder).get_statistics() == {"total": 1, "success": 1, "failed": 0}
    assert not (folder / ".manifest.json").exists()


def test_keys_are_relative_whatever_path_is_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    manifest = manifest_of(folder)
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    manifest.record_failure(f"{folder.name}/b.txt", "run1", "boom")
    assert set(manifest.data["files"]) == {"a.txt", "b.txt"}
    assert manifest.data["files"]["a.txt"]["output_path"] == "a.json"
    assert not manifest.should_process("a.txt")
    assert not manifest.should_process(folder / "a.txt")


def test_a_changed_file_is_offered_again_and_force_offers_any(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    assert not manifest.should_process(folder / "a.txt")
    assert manifest.should_process(folder / "a.txt", force=True)
    (folder / "a.txt").write_text("edited")
    assert manifest.should_process(folder / "a.txt")


def test_the_hash_from_before_the_work_is_recorded_not_the_one_after_an_edit(folder: Path) -> None:
    manifest = manifest_of(folder)
    assert manifest.should_process(folder / "a.txt")
    (folder / "a.txt").write_text("edited while it was processed")
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    assert manifest.should_process(folder / "a.txt")


def test_a_failed_file_is_offered_until_its_attempts_are_spent(folder: Path) -> None:
    manifest = manifest_of(folder)
    for attempt in (1, 2, 3):
        assert manifest.should_process(folder / "b.txt")
        manifest.record_failure(folder / "b.txt", "run1", "boom", folder / "q.json")
        assert manifest.get_failed_files()["b.txt"]["attempt_count"] == attempt
    assert not manifest.should_process(folder / "b.txt")


def test_a_success_whose_output_vanished_is_offered_again(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    manifest.save()
    (folder / "a.json").unlink()
    assert reopened(folder).should_process(folder / "a.txt")


def test_an_output_that_was_altered_is_made_again(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    (folder / "a.json").write_text("{}  ")
    assert manifest.should_process(folder / "a.txt")


def test_an_output_of_another_machine_is_not_missed(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    manifest.save()
    (folder / "a.json").unlink()
    (folder / ".manifest.stat").unlink()  # a clone brings the manifest, not the machine's cache
    assert not reopened(folder).should_process(folder / "a.txt")


def test_saving_keeps_the_previous_manifest_and_empties_the_journal(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    manifest.save()
    first = (folder / ".manifest.json").read_bytes()
    manifest.record_failure(folder / "b.txt", "run2", "boom")
    manifest.save()
    assert (folder / ".manifest.json.bak").read_bytes() == first
    assert not (folder / ".manifest.journal").exists()
    held = json.loads((folder / ".manifest.json").read_text())
    assert set(held) == {"files", "metadata", "run_configs"}
    assert held["metadata"]["last_updated"] == NOW.isoformat()


def test_deleted_files_are_pruned_and_counted(folder: Path) -> None:
    manifest = manifest_of(folder)
    (folder / "sub").mkdir()
    (folder / "sub" / "c.txt").write_text("c")
    for name in ("a.txt", "b.txt", "sub/c.txt"):
        manifest.record_failure(folder / name, "run1", "boom")
    (folder / "b.txt").unlink()
    (folder / "sub" / "c.txt").unlink()
    assert manifest.prune_deleted_files(folder / "sub") == 1
    assert manifest.prune_deleted_files(folder) == 1
    assert set(reopened(folder).data["files"]) == {"a.txt"}


def test_snapshots_are_kept_for_the_runs_that_items_name(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    for run in ("run1", "run2", "run3"):
        manifest.update_run_config({"run_id": run, "workers": 2})
    manifest.save()
    assert set(reopened(folder).data["run_configs"]) == {"run1", "run3"}


def test_an_older_manifest_loads_and_is_upgraded(folder: Path) -> None:
    old = {
        "files": {
            str(folder / "a.txt"): {
                "hash": compute_file_hash(folder / "a.txt"),
                "status": "success",
                "output_path": str(folder / "a.json"),
                "run_id": "r",
            },
            str(folder / "b.txt"): {"hash": "00", "status": "failed", "failure_reason": "boom"},
        },
        "metadata": {"version": "1.0"},
        "run_config": {"run_id": "r", "workers": 1},
    }
    (folder / ".manifest.json").write_text(json.dumps(old))
    manifest = reopened(folder)
    assert set(manifest.data["files"]) == {"a.txt", "b.txt"}
    assert manifest.get_failed_files()["b.txt"]["reason"] == "boom"
    assert manifest.data["run_configs"]["r"]["workers"] == 1
    assert not manifest.should_process(folder / "a.txt")
    manifest.save()
    assert set(json.loads((folder / ".manifest.json").read_text())["files"]) == {"a.txt", "b.txt"}


def saved_twice(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    manifest.save()
    manifest.record_failure(folder / "b.txt", "run2", "boom")
    manifest.save()


def test_a_damaged_manifest_is_read_from_its_backup_and_says_so(folder: Path) -> None:
    saved_twice(folder)
    (folder / ".manifest.json").write_text('{"files": {')
    manifest = reopened(folder)
    assert set(manifest.data["files"]) == {"a.txt", "b.txt"}  # the kept journal has the rest
    assert "damaged" in manifest.notices[0]


def test_a_manifest_damaged_with_its_backup_never_starts_empty(folder: Path) -> None:
    saved_twice(folder)
    (folder / ".manifest.json").write_text("garbage")
    (folder / ".manifest.json.bak").write_text("garbage")
    with pytest.raises(StateDamaged) as raised:
        reopened(folder)
    assert raised.value.exit_code == 5
    assert "backup" in raised.value.next_step
    with pytest.raises(StateDamaged):
        manifest_of(folder).record_failure(folder / "a.txt", "run3", "boom")
    assert (folder / ".manifest.json").read_text() == "garbage"


@pytest.mark.parametrize("damage", ["[]", "{}", '{"files": []}', '{"files": {"a": 1}}', "\0\0"])
def test_what_is_no_manifest_is_damaged(folder: Path, damage: str) -> None:
    (folder / ".manifest.json").write_text(damage)
    with pytest.raises(StateDamaged):
        reopened(folder)


def test_a_manifest_of_a_newer_version_is_left_alone(folder: Path) -> None:
    text = json.dumps({"files": {}, "metadata": {"version": 99}})
    (folder / ".manifest.json").write_text(text)
    with pytest.raises(StateTooNew, match="99"):
        reopened(folder)
    assert (folder / ".manifest.json").read_text() == text


def test_a_torn_last_line_of_the_journal_is_ignored_and_cut_off(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    manifest.close()
    with (folder / ".manifest.journal").open("ab") as journal:
        journal.write(b'0badc0de {"n": 2, "ba')
    again = reopened(folder)
    assert set(again.data["files"]) == {"a.txt"}
    again.record_failure(folder / "b.txt", "run2", "boom")
    again.close()
    assert set(reopened(folder).data["files"]) == {"a.txt", "b.txt"}


def test_a_journal_damaged_in_its_middle_is_told_with_its_line(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.record_success(folder / "a.txt", folder / "a.json", "run1")
    manifest.record_failure(folder / "b.txt", "run1", "boom")
    manifest.close()
    journal = folder / ".manifest.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0].replace(b"a.txt", b"x.txt", 1) + lines[1])
    with pytest.raises(StateDamaged, match="line 1"):
        reopened(folder)


def test_a_second_writer_waits_then_says_who_holds_the_lock(folder: Path) -> None:
    first = manifest_of(folder)
    first.record_failure(folder / "a.txt", "the-first-run", "boom")
    second = manifest_of(folder, lock_timeout=0)
    with pytest.raises(Locked, match="the-first-run") as raised:
        second.record_failure(folder / "b.txt", "the-second-run", "boom")
    assert raised.value.exit_code == 3
    first.save()
    second.record_failure(folder / "b.txt", "the-second-run", "boom")
    assert set(second.data["files"]) == {"a.txt", "b.txt"}


def test_a_journal_is_not_replayed_over_a_manifest_that_git_brought(folder: Path) -> None:
    saved_twice(folder)
    manifest = reopened(folder)
    manifest.record_failure(folder / "a.txt", "run9", "only here")
    manifest.close()
    theirs = {
        "files": {"a.txt": {"hash": "sha256:11", "status": "success", "run_id": "theirs"}},
        "metadata": {"version": 3, "generation": "theirs", "journal_n": 0},
        "run_configs": {},
    }
    (folder / ".manifest.json").write_text(json.dumps(theirs))
    manifest = reopened(folder)
    assert manifest.data["files"]["a.txt"]["run_id"] == "theirs"
    assert "another version" in manifest.notices[0]
