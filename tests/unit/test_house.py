"""The rules of the house hold, and each of them notices when it is broken."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import pipewarden

ROOT = Path(__file__).resolve().parents[2]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


house = script("house_rules")
links = script("check_links")
lock = script("lock")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project under version control, to plant faults in."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / "src" / "pipewarden" / "core").mkdir(parents=True)
    return tmp_path


def plant(project: Path, path: str, text: str) -> None:
    target = project / "src" / "pipewarden" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("rule", house.RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule):
    assert rule(ROOT) == []


@pytest.mark.parametrize("rule", house.RULES, ids=lambda rule: rule.__name__)
def test_an_empty_project_breaks_no_rule(rule, project):
    assert rule(project) == []


def test_a_module_of_451_lines_is_too_long(project):
    plant(project, "fits.py", "x = 1\n" * 450)
    plant(project, "long.py", "x = 1\n" * 451)
    assert house.long_modules(project) == ["src/pipewarden/long.py has 451 lines (limit 450)"]


def test_a_function_is_measured_without_signature_and_docstring(project):
    body = '    """One\n\n    two.\n    """\n' + "    x = 1\n" * 40
    plant(project, "fits.py", f"def fits(\n    a,\n    b,\n):\n{body}")
    plant(project, "long.py", "class A:\n    async def long(self):\n" + "        x = 1\n" * 41)
    assert house.long_functions(project) == [
        "src/pipewarden/long.py:2 long() has 41 lines (limit 40)"
    ]


def test_a_folder_holds_nine_modules_beside_its_init(project):
    for name in ["__init__", *"abcdefghi"]:
        plant(project, f"store/{name}.py", "")
    assert house.full_folders(project) == []
    plant(project, "store/j.py", "")
    assert house.full_folders(project) == ["src/pipewarden/store holds 10 modules (limit 9)"]


@pytest.mark.parametrize("path", ["utils.py", "store/job_manager.py", "common/words.py"])
def test_a_name_that_says_nothing_is_refused(project, path):
    plant(project, path, "")
    assert len(house.vague_names(project)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "import orjson",
        "from pydantic import Field",
        "from pipewarden import store",
        "import orjson.x",
    ],
)
def test_core_imports_the_standard_library_and_the_rooms_below_only(project, line):
    allowed = "import os.path\nfrom pipewarden.errors import A\nfrom pipewarden import settings\n"
    plant(project, "core/items.py", allowed)
    assert house.impure_core(project) == []
    plant(project, "core/items.py", f"def f():\n    {line}\n")
    assert len(house.impure_core(project)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "https://py" + "pi.org/simple",
        "files.python" + "hosted.org",
        "--index" + "-url x",
        "open('/ro" + "ot/notes.txt')",
        "see /ho" + "me/someone/notes.txt",
        "kept in ../.lib" + "rary/README.md",
    ],
)
def test_text_that_means_something_on_one_machine_only_is_found(project, text):
    (project / "notes.md").write_text(f"first line\n{text}\n", encoding="utf-8")
    sentences = house.foreign_text(project)
    assert len(sentences) == 1
    assert sentences[0].startswith("notes.md:2 names ")


def test_ignored_files_and_bytes_that_are_no_text_are_not_read_for_foreign_text(project):
    (project / ".gitignore").write_text("own.md\n", encoding="utf-8")
    (project / "own.md").write_text("/ro" + "ot/notes.txt", encoding="utf-8")
    (project / "page.htm").write_bytes(b"\x93 /ro" + b"ot/notes.txt")
    assert house.foreign_text(project) == []


def test_every_public_name_can_be_imported():
    for name in pipewarden.__all__:
        assert getattr(pipewarden, name) is not None


def test_public_names_are_sorted_and_unique():
    names = [name for name in pipewarden.__all__ if not name.startswith("__")]
    assert names == sorted(set(names))


def test_a_type_checker_sees_the_public_names_and_no_others():
    tree = ast.parse(Path(pipewarden.__file__).read_text(encoding="utf-8"))
    declared = {
        alias.asname
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert declared | {"__version__"} == set(pipewarden.__all__)


def test_importing_the_package_loads_nothing_but_the_package():
    code = (
        "import sys; before = set(sys.modules); import pipewarden;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(*sorted(new - sys.stdlib_module_names))"
    )
    command = [sys.executable, "-X", "importtime", "-c", code]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    assert answer.stdout.split() == ["pipewarden"]


def test_lock_files_cover_what_the_project_asks_for(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["lock.py", "--check"])
    assert lock.main() == 0, capsys.readouterr().out


def test_lock_lines_differ_by_python_only_where_versions_do():
    resolved = {
        "3.11": {"both": "1", "old": "2", "numbers": "3"},
        "3.12": {"both": "1", "numbers": "4"},
        "3.13": {"both": "1", "numbers": "4", "new": "5"},
    }
    assert lock.render(resolved).splitlines()[1:] == [
        "both==1",
        'new==5 ; python_version >= "3.13"',
        'numbers==3 ; python_version <= "3.11"',
        'numbers==4 ; python_version >= "3.12"',
        'old==2 ; python_version <= "3.11"',
    ]


def test_a_lock_that_lacks_or_contradicts_a_requirement_says_so(tmp_path):
    path = tmp_path / "requirements.lock"
    path.write_text("# head\nfine-name==2.0\nstale==1.0\n", encoding="utf-8")
    sentences = lock.gaps(path, ["Fine_Name>=1", "stale>=2", "missing[extra]"])
    assert [sentence.split(":")[0] for sentence in sentences] == [
        "requirements.lock pins stale {'1.0'}, asked",
        "requirements.lock has no missing",
    ]


def test_a_link_to_a_missing_page_or_heading_is_found(project):
    (project / "docs").mkdir()
    (project / "docs" / "a.md").write_text(
        "# One more\n\n```\n# no heading\n```\n", encoding="utf-8"
    )
    (project / "README.md").write_text(
        "[a](docs/a.md#one-more) [b](docs/b.md) [c](docs/a.md#no-heading)\n"
        "`[d](d.md)` [e](https://example.org/e.md)\n",
        encoding="utf-8",
    )
    assert links.broken_links(project) == [
        "README.md: no file docs/b.md",
        "README.md: no heading docs/a.md#no-heading",
    ]
