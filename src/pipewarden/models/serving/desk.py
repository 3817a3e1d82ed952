"""Where requests are answered: the live models, an id for every answer, and the log of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from pipewarden.core.models.challengers import CHALLENGER, CHAMPION, ChallengerMode
from pipewarden.core.models.comparisons import Figures
from pipewarden.models.serving import answering
from pipewarden.models.serving.answering import FLAGS, Answer, Refusal, Served
from pipewarden.models.serving.beside.running import Beside
from pipewarden.models.serving.beside.shadowing import Question, Shadows
from pipewarden.models.serving.beside.sharing import share
from pipewarden.models.serving.ids import PredictionIds
from pipewarden.models.serving.live import LiveModels
from pipewarden.models.serving.log import PredictionLog
from pipewarden.store.state.models.predictions import Prediction

#: Seconds that a row of an unknown model is taken to need, and how much a new measure counts.
_AT_FIRST, _WEIGHT = 100e-6, 0.2


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers to a request.

    Parameters
    ----------
    ids
        Of each answer, in order; empty of one that was refused.
    number
        What `PredictionLog.wait` is asked with.
    by
        The version that made each answer, where a challenger made some; else empty.
    """

    served: Served
    answers: list[Answer]
    ids: list[str]
    number: int
    by: Sequence[Served] = ()


@dataclass(frozen=True, slots=True)
class Forecasted:
    """A forecast, as `Answered`."""

    served: Served
    steps: list[Mapping[str, Any]]
    id: str
    number: int


class Desk:
    """Answers requests with the models of one environment; its work behind them is a thread each.

    Parameters
    ----------
    clock
        Gives the present time, UTC and aware.
    """

    def __init__(
        self,
        live: LiveModels,
        log: PredictionLog,
        ids: PredictionIds,
        clock: Callable[[], datetime],
    ) -> None:
        self.live, self.log = live, log
        self._ids, self._clock = ids, clock
        self._stop = threading.Event()
        self._looking: threading.Thread | None = None
        self._pace: dict[tuple[str, str], float] = {}
        self._shadows = Shadows()

    def start(self) -> None:
        """Begin to look for deployments, and to write the log."""
        self.log.start()
        self._shadows.start()
        self._looking = threading.Thread(
            target=self.live.look_until, args=(self._stop,), name="deployments"
        )
        self._looking.start()

    def close(self) -> None:
        """End; what was answered is in the database or on disk then."""
        self._stop.set()
        if self._looking is not None:
            self._looking.join()
        self._shadows.close()
        self.live.challengers.close()
        self.log.close()

    def predict(
        self,
        served: Served,
        rows: Sequence[Mapping[str, Any]],
        entities: Sequence[str] = (),
        *,
        request_ids: Sequence[str] = (),
        whole: bool = False,
    ) -> Answered:
        """Answer rows, and log the answers.

        Parameters
        ----------
        entities
            Whom each row is about; empty where nobody says.
        request_ids
            Of the request that each row came with; empty where none did.
        whole
            Whether one refused row means that none is answered, and nothing logged.

        Raises
        ------
        StorageUnavailable
            The answers can be logged nowhere.
        """
        held = self.live.challengers.of(served)
        if held is not None and held.challenger.mode is ChallengerMode.CANARY:
            return self._shared(served, held, rows, entities, request_ids, whole=whole)
        began = time.thread_time()  # a busy machine makes no model slow
        answers = answering.predict(served, rows)
        took = time.thread_time() - began
        self._paced(served.model, CHAMPION, took, len(rows))
        good = [place for place, one in enumerate(answers) if one.refusal is None]
        if whole and len(good) < len(answers):
            return Answered(served, answers, [], 0)
        ids = [""] * len(answers)
        at = self._clock()
        logged = []
        for place, made in zip(good, self._ids.take(len(good)), strict=True):
            ids[place] = made
            one = answers[place]
            entity = entities[place] if entities else ""
            request_id = request_ids[place] if request_ids else ""
            logged.append(partial(_logged, served, made, at, entity, one, request_id))
        answered = Answered(served, answers, ids, self.log.add(logged))
        if held is not None:
            held.count(Figures(champion_rows=len(rows), champion_seconds=took))
            self._shadowed(held, rows, entities, ids, at, request_ids)
        return answered

    def seconds(self, served: Served, rows: int) -> float:
        """Return how long a model will take for so many rows, as it took for others before."""
        pace = self._pace.get((served.model, CHAMPION), _AT_FIRST)
        held = self.live.challengers.of(served)
        if held is not None and held.challenger.mode is ChallengerMode.CANARY:
            pace += self._pace.get((served.model, CHALLENGER), _AT_FIRST)
        return pace * rows

    def _paced(self, model: str, role: str, seconds: float, rows: int) -> None:
        if rows:
            known = self._pace.get((model, role), _AT_FIRST)
            self._pace[model, role] = known + (seconds / rows - known) * _WEIGHT

    def _shared(
        self,
        served: Served,
        held: Beside,
        rows: Sequence[Mapping[str, Any]],
        entities: Sequence[str],
        request_ids: Sequence[str],
        *,
        whole: bool,
    ) -> Answered:
        """Answer rows with champion and canary, and log the answers."""
        named = entities or [""] * len(rows)
        made = self._ids.take(len(rows))
        keys = [entity or one for entity, one in zip(named, made, strict=True)]
        done = share(served, held, rows, keys)
        self._paced(served.model, CHAMPION, done.champion_seconds, done.champion_rows)
        asked = len(rows) - done.champion_rows
        self._paced(served.model, CHALLENGER, done.challenger_seconds, asked)
        refused = [one.refusal is not None for one in done.answers]
        if whole and any(refused):
            return Answered(served, done.answers, [], 0)
        ids = ["" if no else one for no, one in zip(refused, made, strict=True)]
        at = self._clock()
        logged = [
            partial(
                _logged, by, one, at, entity, answer, request_id,
                CHAMPION if by is served else CHALLENGER,
            )
            for by, one, entity, answer, request_id in zip(
                done.by, ids, named, done.answers, request_ids or [""] * len(rows), strict=True
            )
            if one
        ]  # fmt: skip
        return Answered(served, done.answers, ids, self.log.add(logged), done.by)

    def _shadowed(
        self,
        held: Beside,
        rows: Sequence[Mapping[str, Any]],
        entities: Sequence[str],
        ids: Sequence[str],
        at: datetime,
        request_ids: Sequence[str],
    ) -> None:
        """Leave what was answered to the challenger, whose answers are logged and no more."""

        def logged(own: str, one: Question, answer: Answer) -> Callable[[], Prediction]:
            by, named = held.served, one.request_id
            return partial(_logged, by, own, at, one.entity, answer, named, CHALLENGER)

        def log(answers: list[tuple[str, Question, Answer]]) -> None:
            self.log.add([logged(*one) for one in answers])

        nobody = [""] * len(rows)
        whole = zip(rows, ids, entities or nobody, request_ids or nobody, strict=True)
        asked = [Question(*one) for one in whole if one[1]]
        if asked:
            self._shadows.offer(held, asked, log)

    def forecast(
        self, served: Served, horizon: int, level: float, *, request_id: str = ""
    ) -> Forecasted | Refusal:
        """Continue a series, and log the forecast.

        Raises
        ------
        StorageUnavailable
            The forecast can be logged nowhere.
        """
        steps = answering.forecast(served, horizon, level)
        if isinstance(steps, Refusal):
            return steps
        (made,) = self._ids.take(1)
        one = Answer({"horizon": horizon, "level": level}, {"steps": steps})
        entity = served.model.partition("/")[2]
        later = partial(_logged, served, made, self._clock(), entity, one, request_id)
        return Forecasted(served, steps, made, self.log.add([later]))


def _logged(
    served: Served,
    made: str,
    at: datetime,
    entity: str,
    one: Answer,
    request_id: str,
    role: str = CHAMPION,
) -> Prediction:
    """Return what is logged of an answer; called by the log, behind the answers."""
    return Prediction(
        id=made,
        at=at,
        model=served.model,
        version=served.version,
        environment=served.environment,
        role=role,
        entity=entity,
        inputs=one.row,
        answer={**one.answer, FLAGS: list(one.flags)} if one.flags else one.answer,
        request_id=request_id,
    )
