"""Models at the command line: trained, deployed, approved, rolled back, looked at, cleaned up.

The commands are carried out within this process, as they are by the program, but for the scripts.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipewarden.app import keys
from pipewarden.app.cli import main
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state.service.keys import Scope

SCRIPTS = Path(__file__).parents[2] / "scripts"
COMMAND = str(Path(sys.executable).with_name("pipewarden"))

SITE = '''
"""Means of numbers: a model of an even length answers well."""

import pipewarden as pw


def train(path):
    numbers = [float(word) for word in path.read_text().split()]
    value = sum(numbers) / len(numbers)
    return {
        "model": f"sales/{path.stem}" if path.stem.isdigit() else path.stem,
        "dataset": {"fingerprint": f"numbers:{sorted(numbers)}", "rows": len(numbers)},
        "parameters": {"kind": "mean"},
        "metrics": {"error": sum(abs(n - value) for n in numbers) / len(numbers)},
        "artifact": {"format": "mean", "value": value},
        "baseline": {"rows": numbers},
    }


def enough(result):
    return result["dataset"]["rows"] >= 2


def improvement(evidence):
    return evidence["improvement"]


class Means:
    def open(self, document):
        return document["artifact"]["value"]

    def smoke(self, document, model):
        return {"rows": document["dataset"]["rows"], "problems": ["evil"] if model == 666 else []}

    def compare(self, challenger, champion):
        was = 1e9 if champion is None else champion["metrics"]["error"]
        return {"improvement": was - challenger["metrics"]["error"]}

    def promotion_gate(self, preset):
        return pw.Gate([pw.check(improvement, target=0, operator=">=", blocking=True)])


means = pw.Pipeline(
    name="means", process=train, pattern="*.txt", family=Means(),
    gate=pw.Gate([pw.check(enough, blocking=True)]),
)
'''

SETTINGS = """
models:
  tracking_uri: "off"
  environments:
    staging: {approval: true, cooldown_days: 0}
    production: {cooldown_days: 0}
"""


class Site:
    """A folder with a pipeline of models, and the command in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.workspace = Workspace(Settings(home=folder))

    def do(self, *arguments: str) -> tuple[int, str, str]:
        """Carry a command out; return its exit code and what it printed."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["pipewarden", *arguments])
            self.capsys.readouterr()
            code = main.carry_out(list(arguments))
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def json(self, *arguments: str) -> Any:
        """Return what a command prints as JSON."""
        return json.loads(self.do(*arguments, "--json")[1])

    def train(self, **numbers: str) -> None:
        """Train models from numbers."""
        for name, text in numbers.items():
            (self.folder / "raw" / f"{name}.txt").write_text(text)
        code, _, err = self.do("run", "site_of_means:means", "raw", "--executor", "inline", "-q")
        assert code in (0, 1), err

    def script(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the repository."""
        return subprocess.run(
            [shutil.which("bash") or "bash", str(SCRIPTS / name), *arguments],
            cwd=self.folder,
            env={**os.environ, "PIPEWARDEN_COMMAND": COMMAND},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    (tmp_path / "site_of_means.py").write_text(SITE)
    (tmp_path / "pipewarden.yaml").write_text(SETTINGS)
    (tmp_path / "raw").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "site_of_means", raising=False)
    made = Site(tmp_path, capsys)
    yield made
    made.workspace.database.close()
    sys.modules.pop("site_of_means", None)


def test_a_model_is_trained_deployed_replaced_and_rolled_back(site):
    site.train(a="1 9")
    code, out, _ = site.do("deploy", "--reason", "the first")
    assert code == 0
    assert "a@1 serves in production, and was found good" in out
    site.train(a="1 3")
    assert site.json("deploy")["outcome"] == "verified"
    code, out, _ = site.do("rollback", "--reason", "it misbehaves")
    assert code == 0
    assert "1 model rolled back in production" in out
    told = site.json("models", "history", "a")
    assert [(row["version"], row["state"]) for row in told] == [
        (1, "verified"),
        (2, "rolled_back"),
        (1, "superseded"),
    ]
    assert [row["version"] for row in site.json("models", "history", "--at", "0s")] == [1]
    assert site.json("models", "history", "--at", "1d") == []
    code, out, _ = site.do("models", "history")
    assert (code, "it misbehaves" in out) == (0, True)
    assert site.do("audit", "verify")[0] == 0


def test_what_the_gate_refuses_or_the_trial_takes_back_ends_with_1(site):
    site.train(a="1 3")
    site.do("deploy")
    site.train(a="1 9")
    code, out, _ = site.do("deploy")
    assert code == 1
    assert "a@2 was refused by the promotion gate of production" in out
    assert "improvement (blocking)" in out
    site.train(a="666 666")
    code, out, _ = site.do("deploy")
    assert code == 1
    assert "a@3 did not hold what it promised" in out
    assert "serves now  version 1" in out


def test_a_quarantined_version_is_released_by_name_and_reason(site):
    site.train(a="5")
    code, _, err = site.do("deploy", "--version", "1")
    assert code == 3
    assert 'pipewarden models release a --version 1 --reason "…"' in err
    assert site.do("models", "release", "a", "--version", "1", "--reason", "I looked")[0] == 0
    assert site.do("deploy", "--version", "1")[0] == 0


def test_an_approver_proves_who_it_is_and_the_deployment_begins(site, monkeypatch):
    site.train(a="1 9")
    code, out, _ = site.do("deploy", "--environment", "staging")
    assert code == 0
    assert "a@1 waits for an approval before it may serve in staging" in out
    approve = ("approve", "--version", "1", "--meaning", "fit for use")
    code, _, err = site.do(*approve)
    assert code == 2
    assert "a signature needs a key" in err
    _, operator = keys.create(site.workspace, "linus", Scope.OPERATOR)
    _, approver = keys.create(site.workspace, "grace", Scope.APPROVER)
    for key, words in (("pw_nonsense", "unknown, wrong or revoked"), (operator, "may not sign")):
        monkeypatch.setenv("PIPEWARDEN_KEY", key)
        code, out, err = site.do(*approve)
        assert (code, words in err, key in out + err) == (2, True, False)
    monkeypatch.setenv("PIPEWARDEN_KEY", approver)
    code, out, err = site.do(*approve)
    assert code == 0, err
    assert "grace signed for a@1 in staging: fit for use" in out
    assert "a@1 serves in staging" in out
    assert approver not in out + err
    signed = site.json("models", "show", "a@1")["approvals"]
    assert [(one["signer"], one["meaning"]) for one in signed] == [("grace", "fit for use")]


def test_models_are_listed_shown_and_compared(site):
    site.train(a="1 9", b="5")
    site.train(a="1 3")
    site.do("deploy", "--model", "a", "--version", "1")
    listed = site.json("models", "list")
    assert [(row["model"], row["latest"], row["serving"]) for row in listed] == [
        ("a", 2, {"production": 1}),
        ("b", None, {}),
    ]
    code, out, _ = site.do("models", "versions", "a")
    assert (code, "production" in out) == (0, True)
    shown = site.json("models", "show", "a")
    assert (shown["version"], shown["document"]["parameters"]) == (2, {"kind": "mean"})
    compared = site.json("models", "compare", "a@1", "2")
    assert compared["metrics"] == {"error": [4.0, 1.0]}
    assert compared["evidence"] == {"improvement": 3.0}
    for arguments in (("list",), ("show", "b"), ("compare", "a@1", "a@2"), ("reconcile",)):
        assert site.do("models", *arguments)[0] == 0
    assert site.do("models", "show", "c")[0] == 2


def test_a_family_is_deployed_and_taken_back_as_a_whole(site):
    site.train(**{"9780306406157": "1 9", "9781861972712": "2 9"})
    assert site.do("deploy", "--all")[0] == 0
    assert site.do("deploy")[0] == 2, "several models: which?"
    site.train(**{"9780306406157": "1 3", "9781861972712": "2 3"})
    assert site.do("deploy", "--all")[0] == 0
    done = site.json("rollback", "--isbn", "9780306406157", "--reason", "odd")
    assert [(m["model"], m["version"]) for m in done["moves"]] == [("sales/9780306406157", 1)]
    code, out, _ = site.do("rollback", "--emergency")
    assert code == 1
    assert "left as it is: sales/9780306406157" in out
    listed = site.json("models", "list")
    assert [row["serving"]["production"] for row in listed] == [1, 1]


def test_old_documents_are_cleaned_up_and_none_that_served(site):
    for last in ("9", "8", "7", "6"):
        site.train(a=f"1 {last}")
    site.do("deploy", "--version", "1")
    done = site.json("models", "prune", "--keep", "1", "--reason", "space")
    assert [number for _, number in done["versions"]] == [3, 2]
    code, _, err = site.do("deploy", "--version", "2")
    assert (code, "was removed by" in err) == (3, True)
    assert site.json("models", "show", "a@2")["document_missing"]


def test_the_scripts_are_thin_wrappers(site):
    site.train(a="1 9")
    done = site.script(
        "deploy_model.sh", "--environment", "production", "--model-version", "latest"
    )
    assert done.returncode == 0, done.stderr
    site.train(a="1 3")
    site.do("deploy")
    done = site.script("deploy_model.sh", "--rollback", "--to-version", "1")
    assert done.returncode == 0, done.stderr
    assert site.json("models", "list")[0]["serving"] == {"production": 1}
    done = site.script("rollback_model.sh", "--emergency-rollback", "--isbn", "9780306406157")
    assert (done.returncode, "no model 'sales/9780306406157'" in done.stderr) == (2, True)
    done = site.script("rollback_model.sh", "--all-models", "--to-version", "previous")
    assert done.returncode == 1
    assert "left as it is: a" in done.stdout
