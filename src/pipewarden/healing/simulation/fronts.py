"""Where simulated requests and labels go: the service over HTTP, or its desk in this process."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import orjson

from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.errors import Conflict, DependencyUnavailable
from pipewarden.jobs.monitoring.labels.taking import take_labels
from pipewarden.jobs.serving.desk import desk_of
from pipewarden.jobs.workspace import Workspace
from pipewarden.models.serving.answering import Served
from pipewarden.store.state.models import deployments

#: Seconds for which the desk, or the service, is waited for; and between two looks.
_SECONDS, _MOMENT = 30.0, 0.01
SOURCE = "simulation"
#: HTTP: Service Unavailable.
_NOT_NOW = 503


class Front(Protocol):
    """Answers rows, and takes what became true of them."""

    def predict(self, model: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Ask about rows; return the id of each answer, empty where there is none."""

    def report(self, reports: Sequence[LabelReport]) -> None:
        """Say what became true."""

    def close(self) -> None:
        """End; all that was answered is logged then."""


class DeskFront:
    """The desk of a workspace: what the service does, without the service.

    Each row is about somebody else, by number, so that a canary gets the same share every time.

    Parameters
    ----------
    workspace
        Its clock says when everything happens.
    environment
        Whose models answer.
    """

    def __init__(self, workspace: Workspace, environment: str) -> None:
        self._workspace = workspace
        self._desk = desk_of(workspace, environment)
        self._desk.start()
        self._asked = 0

    def predict(self, model: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Ask about rows; what is deployed answers."""
        entities = [f"{SOURCE}-{self._asked + number}" for number in range(len(rows))]
        self._asked += len(rows)
        answered = self._desk.predict(self._served(model), rows, entities)
        if not self._desk.log.wait(answered.number, _SECONDS):
            raise DependencyUnavailable("the log of predictions takes none")
        return answered.ids

    def _served(self, model: str) -> Served:
        """Return what is deployed, once the desk has opened it, which looks by itself, too."""
        live, clock = self._desk.live, time.monotonic
        until = clock() + _SECONDS
        while True:
            live.look()
            with self._workspace.database.read() as conn:
                wanted = deployments.serving(conn, model, live.environment)
            held = [one for one in live.served() if one.model == model]
            if wanted is None or (held and held[0].deployment == wanted.id) or clock() > until:
                return live.find(model, predicts=True)
            time.sleep(_MOMENT)

    def report(self, reports: Sequence[LabelReport]) -> None:
        """Write labels down."""
        take_labels(self._workspace, reports, source=SOURCE)

    def close(self) -> None:
        """End."""
        self._desk.close()


class HttpFront:
    """A running service, asked over HTTP.

    Parameters
    ----------
    url
        Such as ``http://127.0.0.1:8000``.
    key
        An API key of the scope operator; empty where the service wants none.
    """

    def __init__(self, url: str, key: str = "") -> None:
        self._url, self._key = url.rstrip("/"), key

    def predict(self, model: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Ask ``POST /predict/batch``."""
        asked = {"model": model, "rows": [dict(row) for row in rows], "durable": True}
        told = self._post("/predict/batch", asked)
        return [one["id"] or "" for one in told["predictions"]]

    def report(self, reports: Sequence[LabelReport]) -> None:
        """Tell ``POST /monitoring/labels``."""
        if reports:
            self._post("/monitoring/labels", {"labels": [_plain(one) for one in reports]})

    def close(self) -> None:
        """Nothing is held."""

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        from urllib.error import HTTPError, URLError
        from urllib.request import Request, urlopen

        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = Request(self._url + path, orjson.dumps(body), headers)  # noqa: S310 - the person's own address
        try:
            with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                told: dict[str, Any] = orjson.loads(answer.read())
                return told
        except HTTPError as error:
            words = error.read().decode("utf-8", "replace")[:500]
            if error.code == _NOT_NOW:
                raise DependencyUnavailable(f"{path} does not answer now: {words}") from error
            raise Conflict(f"{path} answered {error.code}: {words}") from error
        except URLError as error:
            raise DependencyUnavailable(
                f"{self._url} does not answer: {error.reason}",
                next_step="pipewarden serve, in another terminal",
            ) from error


def _plain(one: LabelReport) -> dict[str, Any]:
    return {"prediction_id": one.prediction_id, "label": one.value, "at": one.at.isoformat()}


def report_of(prediction: str, value: int | float, at: datetime) -> LabelReport:
    """Return what became true of an answer."""
    return LabelReport(prediction_id=prediction, value=value, at=at)
