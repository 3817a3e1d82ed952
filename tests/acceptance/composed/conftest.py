"""What the tests of the compose file share: programs that may be absent, and its secrets."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "celery_site"))
sys.path.insert(0, str(Path(__file__).parents[2] / "contract/events"))
sys.path.insert(0, str(Path(__file__).parents[2] / "contract/sinks"))

from composing import DEPLOY, environment


@pytest.fixture
def program(absent: Any) -> Callable[[str], str]:
    """Return what finds a program, or skips and says so."""

    def find(name: str) -> str:
        found = shutil.which(name, path=environment()["PATH"])
        return found or absent(name, "the PATH", "PIPEWARDEN_REQUIRE_SERVICES")

    return find


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Return the secrets as the script makes them."""
    folder = tmp_path / "secrets"
    subprocess.run(["sh", DEPLOY / "make-secrets.sh", folder], check=True, capture_output=True)
    return folder
