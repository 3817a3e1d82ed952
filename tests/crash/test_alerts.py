"""A monitor that is killed while it sends an alert: the next one makes up for it, and no more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "contract" / "events"))

from receivers import SECRET, WebhookReceiver

#: Observes a breach and takes it, so many minutes after the beginning; or only ticks.
MONITOR = """
import sys
from datetime import UTC, datetime, timedelta

from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.jobs.monitoring.alerts import alerts_of
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.alerts.watching import take, tick
from pipewarden.store.state.monitoring import observations

minutes, first = int(sys.argv[1]), sys.argv[2] == "first"
now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC) + timedelta(minutes=minutes)
workspace = Workspace(clock=lambda: now)
context = alerts_of(workspace)
if first:
    bad = Observation(
        check_id="c", at=now, kind=SubjectKind.MODEL, subject="credit", environment="production",
        metric="performance.auc", value=0.6, threshold=0.7, status=ObservationStatus.BREACH,
    )
    with workspace.database.write() as conn:
        observations.append(conn, [bad])
    take(context, "c")
tick(context)
workspace.database.close()
"""


@pytest.fixture
def pager() -> Iterator[WebhookReceiver]:
    """Return a real web server that is posted to."""
    opened = WebhookReceiver()
    yield opened
    opened.close()


def watched(folder: Path, pager: WebhookReceiver, minutes: int, crash: str = "") -> int:
    """Run a monitor of its own process; return how it ended."""
    url = f"http://127.0.0.1:{pager.server.server_port}/in"
    options = {"kind": "webhook", "secret_url": url, "secret": SECRET, "allow_private": True}
    environment = {
        **os.environ,
        "PIPEWARDEN_ALERTS__CHANNELS": json.dumps({"pager": options}),
        "PIPEWARDEN_RESEARCHER": "ada",
        "PIPEWARDEN_CRASH_AT": crash,
    }
    what = "first" if minutes == 0 else "again"
    command = [sys.executable, "-c", MONITOR, str(minutes), what]
    return subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, timeout=60
    ).returncode


@pytest.mark.parametrize(
    # The console comes before the pager: the second claim is the pager's.
    ("window", "posts"),
    [("notice.claimed:2", 1), ("notice.sent:2", 2)],
)
def test_a_monitor_killed_while_it_sends_is_made_up_for_once(tmp_path, pager, window, posts):
    assert watched(tmp_path, pager, 0, crash=window) == -signal.SIGKILL
    for minutes in (5, 10):
        assert watched(tmp_path, pager, minutes) == 0
    assert len(pager.posts) == posts
    assert len({headers["webhook-id"] for headers, _ in pager.posts}) == 1


def test_a_second_death_gives_the_message_up(tmp_path, pager):
    for minutes in (0, 5):
        crash = "notice.sent:2" if minutes == 0 else "notice.sent:1"
        assert watched(tmp_path, pager, minutes, crash=crash) == -signal.SIGKILL
    assert watched(tmp_path, pager, 10) == 0
    assert len(pager.posts) == 2
