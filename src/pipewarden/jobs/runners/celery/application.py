"""The Celery application: one way of working, from the settings alone, for runners and workers."""

from __future__ import annotations

import logging
from typing import Any

from pipewarden.errors import InvalidSettings, MissingExtra
from pipewarden.settings import CelerySettings

#: The one task that workers know.
TASK = "pipewarden.work"
#: Seconds after which a connection, or an answer on one, is given up.
PATIENCE = 5.0
#: Seconds for which an answer may lie unread before the broker may forget it.
_ANSWERS_KEPT = 3600.0
#: Seconds beyond the time limit of a chunk after which Redis delivers it to another worker.
_MARGIN = 60.0


def application(settings: CelerySettings) -> Any:
    """Return a Celery application.

    Messages are JSON. A chunk is acknowledged when it is done, and none is held in reserve, so that
    the broker has what a lost worker had. Redis hides a delivered message for longer than a chunk
    may take: nothing is delivered twice while it is worked on.

    Raises
    ------
    MissingExtra
        Celery is not installed.
    InvalidSettings
        The broker's URL is none.
    """
    try:
        import celery  # type: ignore[import-untyped]
        import kombu.exceptions
    except ImportError as error:
        raise MissingExtra("The executor celery", "celery") from error
    app = celery.Celery("pipewarden", broker=settings.broker_url, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=settings.chunk_seconds,
        task_default_queue=settings.queue_prefix,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_timeout=PATIENCE,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport(settings),
    )
    try:
        app.connection_for_write().transport  # noqa: B018 - fails where the URL names no transport
    except (KeyError, ValueError, ImportError, kombu.exceptions.KombuError) as error:
        raise InvalidSettings(
            f"celery.broker_url names no broker: {type(error).__name__}: {error}",
            next_step="redis://host:6379/0 or amqp://user:password@host:5672/vhost",
        ) from error
    logging.getLogger("kombu").setLevel(logging.ERROR)  # who asks the broker tells of failures
    return app


def _transport(settings: CelerySettings) -> dict[str, Any]:
    if settings.broker_url.startswith(("redis", "sentinel")):
        return {
            "visibility_timeout": settings.chunk_seconds + _MARGIN,
            "socket_timeout": PATIENCE,
            "socket_connect_timeout": PATIENCE,
        }
    return {"confirm_publish": True}


def work_queue(settings: CelerySettings, pipeline: str) -> str:
    """Return the name of the queue that chunks for a pipeline go to."""
    return f"{settings.queue_prefix}.{pipeline}"


def answer_queue_name(settings: CelerySettings, job: str, token: int, mark: str) -> str:
    """Return the name of the queue that one runner of a job reads.

    Parameters
    ----------
    mark
        Tells two executors of one runner apart: the numbers of their chunks are not the same.
    """
    return f"{settings.queue_prefix}.answers.{job}.{token}.{mark}"


def answer_queue(name: str) -> Any:
    """Return the queue of this name, which the broker drops when nobody has used it for an hour."""
    from kombu.entity import Queue

    made: Any = Queue
    return made(name, exchange="", routing_key=name, durable=True, expires=_ANSWERS_KEPT)
