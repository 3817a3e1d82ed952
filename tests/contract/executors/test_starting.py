"""How worker processes are started: a fork must not wait for threads that it lacks."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json
from pipewarden.engine.executors.child import start_context
found = [start_context().get_start_method()]
import lightgbm, numpy
rows = numpy.arange(400.0).reshape(200, 2)
options = {"objective": "binary", "num_threads": 2, "verbose": -1}
lightgbm.train(options, lightgbm.Dataset(rows, rows[:, 0] > 200), 2).predict(rows, num_threads=2)
carried = [None, lambda: "cannot be pickled"]
found += [start_context(one).get_start_method() for one in carried]
print(json.dumps(found))
"""


def test_after_a_model_answered_with_threads_of_its_own_workers_are_started_afresh():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    first = "fork" if sys.platform == "linux" else "spawn"
    assert json.loads(done.stdout) == [first, "spawn", first]
