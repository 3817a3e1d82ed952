"""The monitor as it is installed: by the command, by cron, by a systemd timer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("pipewarden")
SCRIPT = Path(__file__).parents[2] / "scripts" / "setup_monitoring.sh"
PATIENCE = 300.0

CRONTAB = """#!/bin/sh
[ "$1" = -l ] && { cat "$HOME/crontab" 2>/dev/null; exit $?; }
cat > "$HOME/crontab.new" && mv "$HOME/crontab.new" "$HOME/crontab"
"""
SYSTEMCTL = '#!/bin/sh\necho "$@" >> "$HOME/systemctl"\n'


class Place:
    """A folder with a home and programs of its own, and the real command."""

    def __init__(self, root: Path) -> None:
        self.home, self.site = root / "home", root / "site"
        programs = root / "bin"
        for folder in (self.home, self.site, programs):
            folder.mkdir()
        for name, text in (("crontab", CRONTAB), ("systemctl", SYSTEMCTL)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        path = os.pathsep.join([str(programs), str(COMMAND.parent), os.environ["PATH"]])
        own = {"HOME": str(self.home), "PATH": path, "XDG_CONFIG_HOME": str(self.home / "config")}
        self.environment = {**os.environ, **own}

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(word) for word in words], cwd=self.site, env=self.environment,
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip

    def monitor(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(COMMAND, "monitor", *words)

    def setup(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(SCRIPT, "--home", str(self.site), *words)

    @property
    def crontab(self) -> str:
        return (self.home / "crontab").read_text()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_check_of_a_new_place_is_well_and_leaves_a_page(place):
    done = place.monitor("check", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["counts"]["breach"] == 0
    assert told["failures"] == {}
    page = place.site / told["report"]
    assert "Everything that could be checked is well" in page.read_text()
    assert json.loads(page.with_suffix(".json").read_text())["check_id"] == told["check_id"]


def test_an_endpoint_that_nobody_answers_at_is_exit_code_1(place):
    (place.site / "pipewarden.yaml").write_text(
        "monitoring: {endpoints: {main: 'http://127.0.0.1:9/ready'}, endpoint_seconds: 1}\n"
    )
    done = place.monitor("check")
    assert done.returncode == 1
    assert "serving.reachable" in done.stdout
    digest = place.monitor("digest", "--json")
    assert digest.returncode == 1
    assert [one["metric"] for one in json.loads(digest.stdout)["standing"]] == ["serving.reachable"]


def test_what_could_not_be_looked_at_is_exit_code_4(place):
    (place.site / "pipewarden.yaml").write_text("monitoring: {endpoints: {main: 'ftp://a/b'}}\n")
    done = place.monitor("check", "--no-alert")
    assert done.returncode == 4
    assert "endpoint main could not be checked" in done.stdout


def test_the_monitor_ends_cleanly_when_it_is_told_to(place):
    words = [str(COMMAND), "monitor", "run", "--interval", "3600", "--json"]
    with subprocess.Popen(
        words, cwd=place.site, env=place.environment, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        first = json.loads(running.stdout.readline())
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 0
    assert first["check_id"]
    assert first["failures"] == {}


def test_cron_checks_from_now_on_and_installing_twice_is_installing_once(place):
    (place.home / "crontab").write_text("1 2 * * * somebody's own\n")
    for _ in range(2):
        done = place.setup("--with", "cron", "--every", "7")
        assert done.returncode == 0, done.stderr
    own, check, digest = place.crontab.splitlines()
    assert own == "1 2 * * * somebody's own"
    assert check.startswith(f"*/7 * * * * cd {place.site} && ")
    assert "monitor digest" in digest
    (minute,) = [line for line in (check,) if "monitor check" in line]
    ran = place.run("/bin/sh", "-c", minute.split(" ", 5)[5])
    assert ran.returncode == 0, ran.stderr
    assert "ok" in (place.site / ".pipewarden" / "monitor.log").read_text()
    assert "weekly" in (place.site / ".pipewarden" / "logrotate.conf").read_text()
    assert place.setup("--with", "cron", "--remove").returncode == 0
    assert place.crontab == "1 2 * * * somebody's own\n"


def test_systemd_gets_two_timers(place):
    done = place.setup("--with", "systemd", "--digest", "06:30")
    assert done.returncode == 0, done.stderr
    units = sorted(path.suffix for path in (place.home / "config" / "systemd" / "user").iterdir())
    assert units == [".service", ".service", ".timer", ".timer"]
    assert "--user enable --now" in (place.home / "systemctl").read_text()
    assert place.setup("--with", "systemd", "--remove").returncode == 0
    assert list((place.home / "config" / "systemd" / "user").iterdir()) == []


def test_nothing_is_installed_where_no_check_can_be_made(place):
    (place.site / "pipewarden.yaml").write_text("monitoring: {windows: [often]}\n")
    done = place.setup("--with", "cron")
    assert done.returncode == 2
    assert "nothing was installed" in done.stderr
    assert not (place.home / "crontab").exists()


@pytest.mark.parametrize(
    "words", [("--every", "0"), ("--digest", "7"), ("--with", "at"), ("--bogus",), ("--every",)]
)
def test_the_script_names_a_wrong_option(place, words):
    done = place.setup(*words)
    assert done.returncode == 2
    assert "setup_monitoring: " in done.stderr
