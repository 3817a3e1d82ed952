"""Bad input: each kind gets a clear word and the right exit code; the rest of the run goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pipewarden as pw
from pipewarden.engine.publication import documents
from pipewarden.errors import SourceNotFound, StateDamaged, StateTooNew
from pipewarden.jobs import audit
from pipewarden.jobs.run import run
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings

pytestmark = pytest.mark.filterwarnings("error")


def read(path: Path):
    text = path.read_bytes().decode()
    if not text:
        raise pw.BadInput("empty_file", "there is nothing in it")
    return {"text": text}


@pytest.fixture(params=["inline", "processes"])
def executor(request):
    return request.param


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "good.txt").write_text("as it should be")
    return folder


@pytest.fixture
def workspace(tmp_path: Path):
    held = Workspace(Settings(home=tmp_path, researcher="tester"))
    yield held
    held.database.close()


@pytest.fixture
def go(workspace, inbox, executor):
    def start(process=read, **options):
        pipeline = pw.Pipeline(name="texts", process=process, **options.pop("of", {}))
        report = run(pipeline, inbox, workspace=workspace, executor=executor, workers=2, **options)
        assert report.progress.accounted == report.progress.seen
        assert not audit.verify(workspace).faults
        return report

    return start


def outcomes(report) -> dict[str, str]:
    """Return what became of each item: its reason, or its outcome where it has none."""
    told = {row["key"]: "published" for row in report.facts["published"]["items"]}
    for part in ("quarantined", "deferred"):
        told |= {row["key"]: row["reason"] for row in report.facts[part]["items"]}
    return told


# ── contents ─────────────────────────────────────────────────────────────────────────────────────


def test_empty_and_binary_files_are_quarantined_with_their_reason(go, inbox):
    (inbox / "empty.txt").touch()
    (inbox / "picture.txt").write_bytes(bytes(range(256)))
    report = go()
    assert outcomes(report) == {
        "good.txt": "published",
        "empty.txt": "empty_file",
        "picture.txt": "UnicodeDecodeError",
    }
    assert report.exit_code == 1


def unwieldy(path: Path):
    kind = path.name
    if kind == "surrogate":
        return {"text": "\udcff"}
    if kind == "shouts":
        raise ValueError("\udcff is no letter")
    if kind == "itself":
        held = {}
        held["held"] = held
        return held
    return {"nothing": None, "set": {3, 1}, "path": path, "nan": float("nan"), "n": 1 << 80}[kind]


def test_what_json_has_not_costs_its_item_and_never_the_run(go, inbox):
    names = ["surrogate", "shouts", "itself", "nothing", "set", "path", "nan", "n"]
    for name in names:
        (inbox / name).write_text("x")
    (inbox / "good.txt").rename(inbox / "path2")
    (inbox / "path2").unlink()
    report = go(unwieldy)
    told = outcomes(report)
    assert told.keys() == set(names)
    assert told["shouts"] == "ValueError"
    assert told["nothing"] == "no_result"
    assert go(unwieldy).progress.published == 0


def awkward_facts(result):
    return {"set": {2, 1}, "path": Path("a"), "text": result["text"]}


def odd(result):
    return pw.Measurement({1, 2}, "a set is no number", ({"a"}, Path("b")))


def test_so_do_facts_and_measurements(go):
    gate = pw.Gate([pw.check(odd, target=3, operator=">")])
    report = go(of={"facts": awkward_facts, "gate": gate})
    assert outcomes(report) == {"good.txt": "published"}
    assert go(of={"facts": awkward_facts, "gate": gate}).progress.skipped == 1


# ── names ────────────────────────────────────────────────────────────────────────────────────────

NAMES = {
    "spaces": "a name with  spaces .txt",
    "unicode": "Ünïcødé 東京 🗼.txt",
    "newline": "two\nlines.txt",
    "markup": "<b>&\"'`|[x](y)*_.txt",
    "longest": "n" * 251 + ".txt",
    "undecodable": os.fsdecode(b"caf\xe9.txt"),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_is_processed_and_found_again(go, inbox, name):
    (inbox / name).write_text("its contents")
    report = go()
    assert report.progress.published == 2
    again = go()
    assert again.progress.skipped == 2
    (inbox / name).write_text("")
    assert go().progress.quarantined == 1
    (inbox / name).unlink()
    assert go(prune_deleted=True).progress.seen == 1
    manifest = json.loads((inbox / ".manifest.json").read_bytes())
    assert manifest["files"].keys() == {"good.txt"}


def test_long_names_that_begin_alike_keep_outputs_of_their_own():
    one, two = (documents.artifact_path(Path("out"), "n" * 250 + end, ".json") for end in "ab")
    assert one != two
    assert max(len(one.name), len(two.name)) <= 255


# ── what is no plain file ────────────────────────────────────────────────────────────────────────


def test_links_in_circles_and_into_nothing_are_quarantined_and_hide_nothing(go, inbox, tmp_path):
    (inbox / "circle.txt").symlink_to("circle.txt")
    (inbox / "nowhere.txt").symlink_to("not there")
    (inbox / "fine.txt").symlink_to(tmp_path / "outside")
    (tmp_path / "outside").write_text("linked")
    (inbox / "folder").symlink_to(inbox)
    for n in range(5):
        (inbox / f"{n}.txt").write_text("one of several")
    report = go(pattern="*.txt")
    told = outcomes(report)
    assert told.pop("circle.txt") == told.pop("nowhere.txt") == "unreadable"
    assert len(told) == 7
    assert set(told.values()) == {"published"}
    assert report.exit_code == 1


def test_what_cannot_be_read_uses_its_attempts_up_and_then_waits(go, inbox):
    (inbox / "circle.txt").symlink_to("circle.txt")
    assert [go().progress.quarantined for _ in range(4)] == [1, 1, 1, 0]
    (inbox / "circle.txt").unlink()
    (inbox / "circle.txt").write_text("mended")
    assert outcomes(go()) == {"circle.txt": "published"}


def test_a_pipe_is_named_and_never_opened(go, inbox):
    os.mkfifo(inbox / "pipe.txt")
    report = go()
    assert outcomes(report) == {"good.txt": "published"}
    assert report.facts["notices"] == ["pipe.txt: not a regular file"]


# ── what happens meanwhile ───────────────────────────────────────────────────────────────────────


def meddle(path: Path):
    if path.name == "vanishes.txt":
        path.unlink()
        path.read_text()
    if path.name == "changes.txt":
        path.write_text(path.read_text() + "!")
    return {"text": path.read_text()}


def test_what_vanishes_or_changes_in_work_is_deferred_and_not_recorded(go, inbox):
    (inbox / "vanishes.txt").write_text("here")
    (inbox / "changes.txt").write_text("before")
    report = go(meddle)
    assert outcomes(report) == {
        "good.txt": "published",
        "vanishes.txt": "vanished",
        "changes.txt": "changed",
    }
    assert outcomes(go()) == {"changes.txt": "published"}


# ── folders and state ────────────────────────────────────────────────────────────────────────────


def test_a_folder_that_does_not_exist_is_told_and_nothing_is_made(workspace, tmp_path):
    with pytest.raises(SourceNotFound, match="does not exist") as caught:
        run(pw.Pipeline(name="texts", process=read), tmp_path / "nowhere", workspace=workspace)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "data").exists()


def test_outputs_below_the_source_are_no_inputs(go, inbox):
    for _ in range(2):
        report = go(output_dir=str(inbox / "out"))
        assert report.progress.seen == 1


@pytest.mark.parametrize(
    ("damage", "error", "code"),
    [
        (b'{"files": {}, "metadata": {"version": 99}}', StateTooNew, 5),
        (b'{"files": {"good.txt"', StateDamaged, 5),
    ],
)
def test_a_manifest_that_cannot_be_used_is_left_alone(go, inbox, damage, error, code):
    go()
    for name in (".manifest.json", ".manifest.json.bak"):
        (inbox / name).write_bytes(damage)
    with pytest.raises(error) as caught:
        go()
    assert caught.value.exit_code == code
    assert caught.value.next_step
    assert (inbox / ".manifest.json").read_bytes() == damage


AS_NOBODY = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import pipewarden as pw
from pipewarden.jobs.run import run
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings

def read(path):
    return {"text": path.read_text()}

home = Path(sys.argv[2])
workspace = Workspace(Settings(home=home, researcher="tester"))
options = {"prune_deleted": True, "executor": "inline"}
pipeline = pw.Pipeline(name="texts", process=read, pattern="*.txt")
run(pipeline, home / "inbox", workspace=workspace, **options)
exec(sys.argv[3])
if os.getuid() == 0:
    os.setuid(65534)
try:
    report = run(pipeline, home / "inbox", workspace=Workspace(workspace.settings), **options)
    print(report.exit_code, dict(report.facts["reasons"]), report.facts["notices"])
except pw.PipewardenError as error:
    print(error.exit_code, error.message, "|", error.next_step)
"""


@pytest.fixture
def as_nobody(tmp_path: Path, inbox: Path):
    """Return what runs twice, the second time without the rights that a test of root's has."""
    if os.name != "posix":
        pytest.skip("only POSIX has these rights")
    source = str(Path(pw.__file__).parents[1])
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and "pytest" in folder.name:
            folder.chmod(0o755)

    def start(spoil: str) -> str:
        (inbox / "sub").mkdir()
        (inbox / "sub" / "more.txt").write_text("more")
        open_all = "os.system(f'chmod -R a+rwX {home}');"
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, source, str(tmp_path), open_all + spoil],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    return start


@pytest.mark.parametrize("executor", ["inline"], indirect=True)
class TestRights:
    def test_a_file_that_may_not_be_read_is_quarantined(self, as_nobody, executor):
        spoil = "(home / 'inbox' / 'closed.txt').write_text('x');"
        spoil += "(home / 'inbox' / 'closed.txt').chmod(0)"
        assert as_nobody(spoil) == "1 {'unreadable': 1} []"

    def test_a_folder_that_may_not_be_read_is_named_and_its_items_are_kept(
        self, as_nobody, executor, tmp_path, inbox
    ):
        told = as_nobody("(home / 'inbox' / 'sub').chmod(0)")
        assert told == "0 {} ['sub/: Permission denied']"
        assert (tmp_path / "data" / "processed" / "texts" / "sub" / "more.txt.json").is_file()
        kept = json.loads((inbox / ".manifest.json").read_bytes())["files"]
        assert kept.keys() == {"good.txt", "sub/more.txt"}

    @pytest.mark.parametrize("folder", ["inbox", "data/processed/texts"])
    def test_a_folder_that_may_not_be_written_is_told_and_the_state_is_intact(
        self, as_nobody, executor, tmp_path, inbox, workspace, folder
    ):
        before = "(home / 'inbox' / 'new.txt').write_text('new');"
        told = as_nobody(before + f"(home / '{folder}').chmod(0o555)")
        assert told.startswith("4 cannot write ")
        assert "writable" in told
        (tmp_path / folder).chmod(0o755)
        pipeline = pw.Pipeline(name="texts", process=read, pattern="*.txt")
        report = run(pipeline, inbox, workspace=workspace, executor="inline")
        assert report.status == "COMPLETED"
        assert not audit.verify(workspace).faults
        assert (tmp_path / "data" / "processed" / "texts" / "new.txt.json").is_file()


# ── the command ──────────────────────────────────────────────────────────────────────────────────


def test_the_command_says_it_in_a_sentence_and_an_exit_code(tmp_path, inbox):
    (tmp_path / "texts.py").write_text(
        "import pipewarden as pw\n"
        "def read(path):\n    return {'text': path.read_text()}\n"
        "texts = pw.Pipeline(name='texts', process=read)\n"
    )

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pipewarden", "run", "texts:texts", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    missing = command("nowhere")
    assert missing.returncode == 2
    assert "nowhere does not exist" in missing.stderr
    assert command("inbox").returncode == 0
    (inbox / "bad.txt").write_bytes(b"\xff")
    assert command("inbox").returncode == 1
    (inbox / ".manifest.json").write_text('{"files": {}, "metadata": {"version": 99}}')
    newer = command("inbox")
    assert newer.returncode == 5
    assert "version 99" in newer.stderr
