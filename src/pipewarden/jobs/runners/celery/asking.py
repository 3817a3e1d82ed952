"""Who is there: the broker, and the workers that answer over it."""

from __future__ import annotations

from threading import Lock
from typing import Any

from pipewarden.errors import DependencyUnavailable
from pipewarden.jobs.runners.celery.application import application
from pipewarden.jobs.runners.celery.broker import failures, words
from pipewarden.settings import CelerySettings

#: Celery's package puts something else in its own place while it is imported: one thread at a time.
_importing = Lock()


def ask_broker(settings: CelerySettings) -> None:
    """Connect to the broker and hang up.

    Raises
    ------
    DependencyUnavailable
        It does not let one in.
    MissingExtra
        Celery is not installed.
    """
    connection = _connection(_application(settings))
    connection.release()


def workers(settings: CelerySettings, seconds: float) -> dict[str, list[str]]:
    """Return the workers that answer within a time, each with the queues that it reads.

    Raises
    ------
    DependencyUnavailable
        The broker does not answer.
    MissingExtra
        Celery is not installed.
    """
    app = _application(settings)
    connection = _connection(app)
    try:
        asked = app.control.inspect(timeout=seconds, connection=connection)
        told: dict[str, list[dict[str, Any]]] = asked.active_queues() or {}
    except failures(connection) as error:
        raise _unavailable(error) from error
    finally:
        connection.release()
    return {name: sorted(queue["name"] for queue in queues) for name, queues in told.items()}


def _application(settings: CelerySettings) -> Any:
    with _importing:
        return application(settings)


def _connection(app: Any) -> Any:
    connection = app.connection_for_write(heartbeat=0)
    try:
        connection.connect()
    except failures(connection) as error:
        connection.release()
        raise _unavailable(error) from error
    return connection


def _unavailable(error: BaseException) -> DependencyUnavailable:
    return DependencyUnavailable(f"the broker does not answer: {words(error)}")
