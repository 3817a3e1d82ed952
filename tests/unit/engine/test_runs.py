"""What a run does with a folder, beyond what the history of `test_history` shows."""

from __future__ import annotations

import gc
import json
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

import pipewarden as pw
from pipewarden.errors import InvalidSettings, UsageError
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.run import Silent, plan, rerun, resume, run
from pipewarden.store.files import hashing


def read(path: Path):
    return {"text": path.read_text()}


def text_of(result):
    return result["text"]


def same_text(**also):
    return pw.Gate(unique=pw.Unique(name="same_text", identity=text_of, **also))


def entries(inbox: Path):
    return json.loads((inbox / ".manifest.json").read_bytes())["files"]


def states(workspace, inbox, pipeline, **options):
    steps = plan(pipeline, RunOptions(source=str(inbox), **options), workspace).plan.steps
    return {step.key: (str(step.state), str(step.action)) for step in steps}


TEXTS = pw.Pipeline(name="texts", process=read, path_sensitive=False)


# ── the manifest of a folder ─────────────────────────────────────────────────────────────────────


def test_the_manifest_keeps_the_snapshot_of_every_run_whose_items_it_holds(run_here, inbox):
    (inbox / "a").write_text("one")
    first = run_here().run_id
    (inbox / "b").write_text("two")
    second = run_here().run_id
    kept = json.loads((inbox / ".manifest.json").read_bytes())["run_configs"]
    assert kept.keys() == {first, second}
    assert kept[first]["config"]["options"]["source"] == str(inbox)


def test_a_run_with_nothing_to_do_leaves_the_manifest_as_it_is(run_here, inbox):
    (inbox / "a").write_text("one")
    run_here()
    before = (inbox / ".manifest.json").read_bytes()
    report = run_here()
    assert (report.progress.skipped, report.exit_code) == (1, 0)
    assert (inbox / ".manifest.json").read_bytes() == before


def test_a_second_pipeline_has_a_manifest_of_its_own(run_here, inbox):
    (inbox / "a").write_text("one")
    run_here()
    run_here(pw.Pipeline(name="others", process=read))
    run_here()
    assert entries(inbox).keys() == {"a"}
    own = json.loads((inbox / ".manifest.others.json").read_bytes())
    assert own["metadata"]["pipeline"] == "others"
    assert own["files"]["a"]["output_path"] == "../data/processed/others/a.json"


# ── planner states ───────────────────────────────────────────────────────────────────────────────


def test_every_state_of_a_plan_is_told_with_its_action(run_here, workspace, inbox, tmp_path):
    gate = pw.Gate([pw.check(long_enough, target=2, operator=">=", blocking=True)])
    pipeline = pw.Pipeline(name="texts", process=fragile, gate=gate, max_attempts=2)
    texts = {"same": "unchanged", "edited": "before", "gone": "gone", "moved": "it moves"}
    texts |= {"broken": "output", "lost": "output!", "raises": "raise", "short": "x"}
    for name, text in texts.items():
        (inbox / name).write_text(text)
    run_here(pipeline)
    (inbox / "edited").write_text("after")
    (inbox / "gone").unlink()
    (inbox / "moved").rename(inbox / "at rest")
    (inbox / "new").write_text("new")
    outputs = tmp_path / "data" / "processed" / "texts"
    (outputs / "broken.json").write_text("{}")
    (outputs / "lost.json").unlink()
    expected = {
        "same": ("unchanged", "skip"),
        "edited": ("changed", "process"),
        "gone": ("deleted", "skip"),
        "at rest": ("moved", "move"),
        "new": ("new", "process"),
        "broken": ("output-missing", "process"),
        "lost": ("output-missing", "process"),
        "raises": ("failed", "process"),
        "short": ("rejected", "skip"),
    }
    assert states(workspace, inbox, pipeline) == expected
    run_here(pipeline)
    spent = states(workspace, inbox, pipeline)
    assert spent.pop("raises") == ("failed", "skip")
    assert spent.pop("gone") == ("deleted", "skip")
    assert spent.pop("short") == ("rejected", "skip")
    assert set(spent.values()) == {("unchanged", "skip")}
    assert states(workspace, inbox, pipeline, force=True)["same"] == ("forced", "process")


def long_enough(result):
    return len(result["text"])


def fragile(path: Path):
    text = path.read_text()
    if text == "raise":
        raise ValueError("as asked")
    return {"text": text}


def test_a_changed_threshold_judges_again_without_processing(run_here, workspace, inbox):
    (inbox / "a").write_text("four")

    def limit(target):
        gate = pw.Gate([pw.check(long_enough, target=target, operator=">=", blocking=True)])
        return pw.Pipeline(name="texts", process=counted, gate=gate)

    CALLS.clear()
    run_here(limit(2))
    assert states(workspace, inbox, limit(9)) == {"a": ("stale", "rejudge")}
    assert run_here(limit(9)).progress.quarantined == 1
    assert run_here(limit(3)).progress.published == 1
    assert CALLS == ["a"]


CALLS: list[str] = []


def counted(path: Path):
    CALLS.append(path.name)
    return {"text": path.read_text()}


def test_bytes_are_read_only_where_the_stat_cache_proves_nothing(run_here, inbox, monkeypatch):
    (inbox / "a").write_text("one")
    run_here()
    run_here()  # by now the signatures are old enough to be trusted, or were checked
    read_ones = []
    whole = hashing.compute_file_hash
    monkeypatch.setattr(
        "pipewarden.engine.planner.compute_file_hash",
        lambda path, *rest: read_ones.append(path) or whole(path, *rest),
    )
    run_here(rehash=True)
    assert [Path(path).name for path in read_ones] == ["a"]


def test_a_file_modified_just_now_is_not_trusted_until_its_clock_has_moved(tmp_path):
    """Git's racy-timestamp rule: a later edit could leave size and time as they are."""
    path = tmp_path / "a"
    path.write_text("one")
    changed = path.stat().st_mtime_ns
    assert hashing.trusted_signature(path.stat(), changed) is None
    assert hashing.trusted_signature(path.stat(), changed + 1_000_000) is None
    assert hashing.trusted_signature(path.stat(), changed + 1_000_000_000) is not None
    os.utime(path, ns=(0, 1_700_000_000_000_000_000))  # a file system of whole seconds
    soon = 1_700_000_000_000_000_000 + 1_000_000_000
    assert hashing.trusted_signature(path.stat(), soon) is None
    assert hashing.trusted_signature(path.stat(), soon + 2_000_000_000) is not None


def test_an_edit_that_keeps_size_and_time_is_seen(run_here, workspace, inbox):
    (inbox / "a").write_text("one")
    run_here(TEXTS)
    before = (inbox / "a").stat()
    (inbox / "a").write_text("two")
    os.utime(inbox / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert states(workspace, inbox, TEXTS)["a"] == ("changed", "process")


# ── duplicates ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def twins():
    return pw.Pipeline(name="texts", process=read, gate=same_text())


def standing(inbox):
    return {key: entry["status"] for key, entry in entries(inbox).items()}


def test_a_duplicate_whose_output_is_gone_gives_way_to_a_lower_key(run_here, inbox, twins):
    (inbox / "b").write_text("the same")
    report = run_here(twins)
    Path(report.facts["run"]["output_dir"], "b.json").unlink()
    (inbox / "a").write_text("the same")
    assert run_here(twins, limit=1).status == "COMPLETED"
    run_here(twins)
    assert standing(inbox) == {"a": "success", "b": "failed"}


def test_a_duplicate_that_is_renamed_before_its_twin_takes_its_place(run_here, inbox, twins):
    for name in ("b", "c"):
        (inbox / name).write_text("the same")
    run_here(twins)
    (inbox / "c").rename(inbox / "a")
    run_here(twins, prune_deleted=True)
    assert standing(inbox) == {"a": "success", "b": "failed"}


def test_a_duplicate_takes_the_place_of_a_twin_that_is_rejected_now(run_here, inbox):
    gate = pw.Gate(
        [pw.check(long_enough, target=8, operator=">=", blocking=True)],
        unique=pw.Unique(name="initial", identity=initial),
    )
    pipeline = pw.Pipeline(name="texts", process=read, gate=gate)
    (inbox / "a").write_text("the same")
    (inbox / "b").write_text("the same!")
    run_here(pipeline)
    (inbox / "a").write_text("too few")
    run_here(pipeline)
    assert standing(inbox) == {"a": "failed", "b": "success"}


def initial(result):
    return result["text"][0]


def test_of_two_published_twins_the_higher_key_is_withdrawn(run_here, inbox, twins, tmp_path):
    for name in ("a", "b"):
        (inbox / name).write_text("the same")
    run_here(twins)
    (inbox / "a").rename(tmp_path / "away")
    run_here(twins)
    assert standing(inbox) == {"a": "success", "b": "success"}
    (tmp_path / "away").rename(inbox / "a")
    run_here(twins)
    assert standing(inbox) == {"a": "success", "b": "failed"}


def test_an_item_over_the_limit_is_deferred_and_nothing_else(run_here, inbox):
    pipeline = pw.Pipeline(name="texts", process=fragile, gate=same_text())
    for name in ("a", "c"):
        (inbox / name).write_text("the same")
    run_here(pipeline)
    (inbox / "a").write_text("raise")
    (inbox / "c").write_text("not the same")
    progress = run_here(pipeline, limit=1).progress
    assert (progress.quarantined, progress.deferred, progress.published) == (1, 1, 0)
    assert standing(inbox) == {"a": "failed", "c": "failed"}


# ── workers ──────────────────────────────────────────────────────────────────────────────────────


def test_a_pipeline_that_cannot_reach_a_fresh_worker_is_told_so(run_here, inbox):
    (inbox / "a").write_text("one")
    hold = threading.Event()
    thread = threading.Thread(target=hold.wait)  # which makes a fork unsafe
    thread.start()
    try:
        with pytest.raises(InvalidSettings, match="cannot be sent to a worker") as caught:
            run_here(
                pw.Pipeline(name="texts", process=lambda path: {}), executor="processes", workers=1
            )
        assert "inline" in caught.value.next_step
    finally:
        hold.set()
        thread.join()


def test_outputs_do_not_depend_on_workers_or_order(tmp_path, workspace):
    folders = {}
    for executor, workers in (("inline", 1), ("processes", 1), ("processes", 3)):
        inbox = tmp_path / f"{executor}{workers}"
        inbox.mkdir()
        for n in range(40):
            (inbox / f"{n:02d}").write_text(f"text {n % 30}")
        pipeline = pw.Pipeline(name="texts", process=read, gate=same_text())
        out = tmp_path / "out" / inbox.name
        run(pipeline, inbox, workspace=workspace, executor=executor, workers=workers,
            output_dir=str(out))  # fmt: skip
        folders[inbox.name] = {p.name: p.read_bytes() for p in out.iterdir()}
    one, two, three = folders.values()
    assert one == two == three
    assert len(one) == 30


def test_memory_does_not_grow_with_the_number_of_items(tmp_path, workspace):
    """Ten times the items may cost their places in plan and manifest, not their contents."""

    def peak(n: int) -> int:
        inbox = tmp_path / str(n)
        inbox.mkdir()
        for number in range(n):
            (inbox / f"{number}.txt").write_text("x" * 2_000)
        gc.collect()
        tracemalloc.start()
        run(TEXTS, inbox, workspace=workspace, executor="inline", output_dir=str(tmp_path / "o"))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(50)  # what is loaded once
    assert peak(1_000) - peak(100) < 900 * 8_000


# ── repeating ────────────────────────────────────────────────────────────────────────────────────


def test_a_pipeline_of_a_script_cannot_be_found_again_and_says_so(run_here, workspace, inbox):
    (inbox / "a").write_text("one")
    run_id = run_here(pw.Pipeline(name="texts", process=read)).run_id
    with pytest.raises(UsageError, match="only in the script"):
        rerun(run_id, workspace, Silent())
    with pytest.raises(UsageError, match="only in the script"):
        resume(run_id, workspace, Silent())


def test_a_folder_without_a_match_is_told(run_here, inbox):
    (inbox / "a.txt").write_text("one")
    report = run_here(pattern="*.pdf")
    assert report.facts["notices"] == [f"no file in {inbox} matches *.pdf"]
    assert (report.exit_code, report.progress.seen) == (0, 0)
