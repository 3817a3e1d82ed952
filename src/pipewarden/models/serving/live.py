"""The models that answer now: those that are deployed, opened once, exchanged while in use.

Nothing asks the database when a model is asked. Once a second a pair of numbers is read that
changes with every deployment; when it did, what is deployed anew is opened beside what answers, and
takes its place in one step: a request that has begun ends on the model that it began with. What
cannot be opened, and a database that does not answer, leave the models as they are, and are told.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.errors import DependencyUnavailable, PipewardenError, UnknownName, UsageError
from pipewarden.models.serving.answering import Served
from pipewarden.models.serving.beside.running import LiveChallengers
from pipewarden.store.state.models import deployments, versions

if TYPE_CHECKING:
    from pipewarden.store.state.database import Database

log = logging.getLogger(__name__)

#: Seconds between two looks; after which the last that went well is told as old; and before what
#: could not be opened is tried again.
LOOK, OLD, AGAIN = 1.0, 10.0, 30.0

#: Opens a version; the environment and the number of the deployment are those to be named.
Open = Callable[[ModelVersion, str, int], Served]


@dataclass(frozen=True, slots=True)
class Unopened:
    """A version that is deployed and does not answer: why, and since when."""

    version: int
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStanding:
    """How the models that answer are.

    Parameters
    ----------
    looked_at
        When the last look at the deployments went well; None before the first.
    failure
        Why the last look did not.
    unopened
        By model: the version that is deployed, and could not be opened.
    """

    models: int
    looked_at: datetime | None
    failure: str
    unopened: Mapping[str, Unopened] = field(default_factory=dict)


class LiveModels:
    """The deployed models of one environment, in memory.

    Parameters
    ----------
    database
        Where deployments are.
    environment
        Whose deployments.
    opened
        Opens a version.
    clock
        Gives the present time, UTC and aware.

    Attributes
    ----------
    challengers
        What is asked beside them.
    """

    def __init__(
        self,
        database: Callable[[], Database],
        environment: str,
        opened: Open,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._clock = database, clock
        self.environment = environment
        self._open = opened
        self.challengers = LiveChallengers(database, environment, opened, clock)
        self._served: dict[str, Served] = {}
        self._unopened: dict[str, Unopened] = {}
        self._generation: tuple[int, int] | None = None
        self._looked_at: datetime | None = None
        self._failure = ""

    @property
    def ready(self) -> bool:
        """Whether what was deployed at the start has been looked up."""
        return self._looked_at is not None

    def standing(self) -> LiveStanding:
        """Return how the models are."""
        return LiveStanding(
            models=len(self._served),
            looked_at=self._looked_at,
            failure=self._failure,
            unopened=dict(self._unopened),
        )

    def served(self) -> list[Served]:
        """Return what answers, in order of the models' names."""
        held = list(self._served.values())  # one step: it may be changed meanwhile
        return sorted(held, key=lambda one: one.model)

    def named(self, name: str) -> Served:
        """Return the model of a name, of whatever kind.

        Raises
        ------
        UnknownName, DependencyUnavailable
            See `find`.
        """
        self._require_ready()
        found = self._served.get(name)
        if found is None:
            raise self._missing(name)
        return found

    def find(self, name: str, *, predicts: bool) -> Served:
        """Return the model that answers a request; without a name, the only one of its kind.

        Raises
        ------
        UnknownName
            None is deployed here under that name.
        UsageError
            It is of the other kind; or no name is given, and there are several.
        DependencyUnavailable
            One is deployed, and could not be opened; or none has been looked for yet.
        """
        if name:
            found = self.named(name)
            if found.predicts != predicts:
                right = "/predict" if found.predicts else "/forecast"
                raise UsageError(f"the model {name!r} is asked by {right}")
            return found
        self._require_ready()
        some = [one for one in list(self._served.values()) if one.predicts == predicts]
        if len(some) == 1:
            return some[0]
        kind = "that answers rows" if predicts else "of a series"
        if not some:
            raise UnknownName(f"no model {kind} is deployed in {self.environment}")
        raise UsageError(f"several models are deployed in {self.environment}: name one")

    def of_series(self, unique_id: str) -> Served:
        """Return the model of a series.

        Raises
        ------
        UnknownName
            None is deployed here.
        UsageError
            Several families have one.
        """
        self._require_ready()
        wanted = unique_id.replace("-", "")
        some = [
            one
            for one in list(self._served.values())
            if not one.predicts and one.model.partition("/")[2] in (unique_id, wanted)
        ]
        if len(some) == 1:
            return some[0]
        if not some:
            raise UnknownName(
                f"no model of the series {unique_id!r} is deployed in {self.environment}"
            )
        names = ", ".join(sorted(one.model for one in some))
        raise UsageError(f"several models continue {unique_id!r}: name one of {names}")

    def _require_ready(self) -> None:
        if not self.ready:
            said = self._failure or "they are being opened"
            raise DependencyUnavailable(f"no models answer yet: {said}")

    def _missing(self, name: str) -> PipewardenError:
        unopened = self._unopened.get(name)
        if unopened is not None:
            return DependencyUnavailable(
                f"version {unopened.version} of {name!r} is deployed in {self.environment} and "
                f"cannot be opened: {unopened.message}",
                next_step=f"pipewarden rollback --model {name} --environment {self.environment}",
            )
        return UnknownName(
            f"the model {name!r} is not deployed in {self.environment}",
            next_step=f"pipewarden deploy --model {name} --environment {self.environment}",
        )

    def look_until(self, stop: threading.Event, every: float = LOOK) -> None:
        """Look again and again."""
        while True:
            self.look()
            if stop.wait(every):
                return

    def look(self) -> None:
        """Look once, and exchange what has changed; what fails is told in `standing`."""
        try:
            for deployment, version in self._changed():
                self._exchange(deployment, version)
            self.challengers.look()
        except Exception as error:  # the models answer on, whatever is wrong
            words = error.message if isinstance(error, PipewardenError) else repr(error)
            if words != self._failure:
                log.exception("deployments cannot be read; the models answer on")
            self._failure = words
            return
        self._failure = ""
        self._looked_at = self._clock()

    def _changed(self) -> list[tuple[Deployment, ModelVersion]]:
        """Return the deployments that do not answer yet; forget what is deployed no more."""
        with self._database().read() as conn:
            generation = deployments.generation(conn)
            if generation == self._generation and not self._due():
                return []
            serving = deployments.all_serving(conn, self.environment)
            fresh = [one for one in serving if self._is_new(one)]
            found = [(one, versions.get(conn, one.model, one.version)) for one in fresh]
        wanted = {one.model for one in serving}
        for name in self._served.keys() - wanted:
            del self._served[name]
        self._unopened = {m: held for m, held in self._unopened.items() if m in wanted}
        self._generation = generation
        return found

    def _is_new(self, deployment: Deployment) -> bool:
        held = self._served.get(deployment.model)
        return held is None or held.deployment != deployment.id

    def _due(self) -> bool:
        before = self._clock() - timedelta(seconds=AGAIN)
        return any(held.at <= before for held in self._unopened.values())

    def _exchange(self, deployment: Deployment, version: ModelVersion) -> None:
        name = deployment.model
        try:
            self._served[name] = self._open(version, self.environment, deployment.id)
        except Exception as error:  # a family may raise anything
            log.exception(
                "a deployed version cannot be opened; the one before answers on",
                extra={"model": name, "version": version.version},
            )
            words = error.message if isinstance(error, PipewardenError) else repr(error)
            self._unopened[name] = Unopened(version.version, words, self._clock())
        else:
            self._unopened.pop(name, None)
            log.info("a model answers", extra={"model": name, "version": version.version})
