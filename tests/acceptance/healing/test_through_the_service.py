"""The same loop with a real service in between: requests and labels over HTTP."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest
import uvicorn
from laboratory import MODEL, Laboratory, plan_of

from pipewarden.app.api.application import application
from pipewarden.core.healing.states import HealingState
from pipewarden.errors import DependencyUnavailable
from pipewarden.healing.simulation.fronts import HttpFront
from pipewarden.healing.simulation.worlds import WORLDS

pytestmark = pytest.mark.slow
NEW_WORLD = WORLDS["concept"](1.0)
PATIENCE = 60.0


class Patient(HttpFront):
    """Asks when the service has opened what is deployed: no simulated day passes in that second."""

    def __init__(self, url, lab):
        super().__init__(url)
        self._lab = lab

    def predict(self, model, rows):
        until = time.monotonic() + PATIENCE
        while self._version(rows[0]) != self._lab.serving():
            assert time.monotonic() < until, "the service does not open what is deployed"
            time.sleep(0.05)
        return super().predict(model, rows)

    def _version(self, row):
        with suppress(DependencyUnavailable):
            return self._post("/predict", {"model": MODEL, "features": row})["version"]
        return None


@pytest.fixture
def served(tmp_path):
    """Return a laboratory whose requests go through a service."""
    lab = Laboratory(tmp_path / "home", plan_of("concept", rows_a_day=1_200, shift_day=1))
    lab.deploy(lab.train("first", 3_000, 1))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(application(lab.workspace), log_config=None, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until = time.monotonic() + PATIENCE
            while not server.started:
                assert time.monotonic() < until
                time.sleep(0.02)
            lab.open(Patient(f"http://127.0.0.1:{listening.getsockname()[1]}", lab))
            yield lab
        finally:
            server.should_exit = True
            thread.join()
            lab.close()


def test_a_changed_concept_is_healed_over_http(served):
    healing = served.until(HealingState.KEPT, days=10)
    assert served.serving() == healing.candidate
    assert served.auc(1, NEW_WORLD) < 0.7
    assert served.auc(healing.candidate, NEW_WORLD) > 0.85
    assert healing.facts["verification"]["rows"] >= 400
    assert served.sound()
