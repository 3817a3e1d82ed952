"""Broker and workers are asked who is there, over each kind of broker."""

from __future__ import annotations

import pytest

from pipewarden.jobs.runners.celery.application import work_queue
from pipewarden.jobs.runners.celery.asking import ask_broker, workers

SERVED = ("hanging", "orders", "totals", "unready")


@pytest.mark.parametrize("kind", ["celery-redis", "celery-rabbitmq"])
def test_a_worker_that_lives_answers_with_the_queues_that_it_reads(broker_of, kind):
    celery = broker_of(kind).settings.celery
    ask_broker(celery)
    wanted = sorted(work_queue(celery, name) for name in SERVED)
    for _ in range(30):  # it may not be connected yet
        found = workers(celery, seconds=1.0)
        if wanted in found.values():
            return
    pytest.fail(f"no worker reads {wanted}: {found}")
