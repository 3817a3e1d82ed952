"""Every model that serves, judged window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.core.monitoring.observations import Observation
from pipewarden.errors import PipewardenError
from pipewarden.jobs.monitoring.arriving.weeks import take_new_weeks
from pipewarden.jobs.monitoring.judging import answered, labelled, weeks, windows
from pipewarden.jobs.monitoring.judging.answered import Judging
from pipewarden.jobs.monitoring.judging.beside import beside_of
from pipewarden.jobs.monitoring.judging.lasting import Past
from pipewarden.jobs.monitoring.judging.subject import Subject, Subjects, drift_rules
from pipewarden.jobs.monitoring.judging.windows import Reach
from pipewarden.jobs.monitoring.labels.meaning import reader_of
from pipewarden.jobs.monitoring.watching.parts import Part
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.checks import services
from pipewarden.monitoring.checks.sheet import Sheet
from pipewarden.store.state.models import deployments, versions
from pipewarden.store.state.monitoring import observations
from pipewarden.store.state.monitoring.windows import Stream

if TYPE_CHECKING:
    from sqlalchemy import Connection


#: From one look at a version's age to the next.
_AGE = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)
#: The chance of a breach where nothing changed, in all series that are looked at together.
_ALPHA = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """Drift of one version that lasts since just now: it is told to the world once."""

    deployment: Deployment
    window: str
    found: list[Observation]


@dataclass(slots=True)
class Models:
    """The models that serve, as one check looks at them.

    Parameters
    ----------
    number
        How many there are: chance is shared out among them.
    """

    workspace: Workspace
    sheet: Sheet
    subjects: Subjects
    lasting: list[Lasting] = field(default_factory=list)
    number: int = 1

    def parts(self, conn: Connection) -> list[Part]:
        """Return a part for each model that serves where the settings look."""
        settings = self.workspace.settings
        serving = [
            one
            for environment in settings.monitoring.environments or (settings.models.champion,)
            for one in deployments.all_serving(conn, environment)
        ]
        self.subjects.keep_only(serving)
        self.number = max(1, len(serving))
        arriving = Part(
            name="new weeks of series", subject="", metrics=(), look=lambda: self._arrived(serving)
        )
        return [arriving, *(self._part(one) for one in serving)]

    def _part(self, one: Deployment) -> Part:
        return Part(
            name=f"model {one.model} in {one.environment}",
            subject=one.model,
            environment=one.environment,
            metrics=(answered.MARK,),
            look=self._look(one),
        )

    def _arrived(self, serving: list[Deployment]) -> list[Observation]:
        """Take in what came of series; it is judged with each of them."""
        with self.workspace.database.read() as conn:
            held = [(one, versions.get(conn, one.model, one.version)) for one in serving]
        take_new_weeks(self.subjects.tables, [pair for pair in held if self._forecasts(*pair)])
        return []

    def _forecasts(self, deployment: Deployment, version: ModelVersion) -> bool:
        try:
            return self.subjects.of(deployment, version).forecasts
        except PipewardenError:  # the part of the model itself tells of it
            return False

    def _look(self, deployment: Deployment) -> Callable[[], Iterator[Observation]]:
        return lambda: self._observed(deployment)

    def _observed(self, deployment: Deployment) -> Iterator[Observation]:
        with self.workspace.database.read() as conn:
            version = versions.get(conn, deployment.model, deployment.version)
        yield from self._age(deployment, version)
        subject = self.subjects.of(deployment, version)
        held = self.workspace.settings.monitoring
        judging = Judging(
            sheet=self.sheet,
            subject=subject,
            rules=drift_rules(held, self.sheet.limits, deployment.model),
        )
        if subject.forecasts:
            yield from self._weeks(judging)
            return
        for window in held.windows:
            yield from self._answered(judging, window)
            yield from self._labelled(judging, window)

    def _age(self, deployment: Deployment, version: ModelVersion) -> Iterator[Observation]:
        """Yield how old the version is, once an hour: it grows slowly, and models may be many."""
        model, environment, number = deployment.model, deployment.environment, deployment.version
        stream = Stream(model=model, environment=environment, version=number)
        with self.workspace.database.read() as conn:
            last = observations.newest(conn, stream, "model.age_days", "")
        if not last or last[0].at <= self.sheet.at - _AGE:
            yield services.of_age(
                self.sheet,
                model,
                environment=environment,
                version=number,
                trained_at=version.created_at,
            )

    def _weeks(self, judging: Judging) -> Iterator[Observation]:
        # Nothing has to settle: what came was taken in whole, just now.
        reach = replace(self._reach(judging.subject), now=self.workspace.clock() + _INSTANT)
        with self.workspace.database.read() as conn:
            rows = weeks.due(conn, judging.subject.stream, reach)
        if rows:
            yield from weeks.observed(judging, rows, reach.now, alpha=_ALPHA / self.number)

    def _answered(self, judging: Judging, window: str) -> Iterator[Observation]:
        stream, reach = judging.subject.stream, self._reach(judging.subject)
        with self.workspace.database.read() as conn:
            due = [
                replace(one, beside=beside_of(conn, stream, one.rows))
                for one in windows.due(conn, stream, window, answered.MARK, reach)
            ]
            past = self._past(conn, judging, window, answered.MARK) if due else Past()
        for one in due:
            yield from self._taken(judging, window, past, answered.observed(judging, one, past))

    def _labelled(self, judging: Judging, window: str) -> Iterator[Observation]:
        stream, reach = judging.subject.stream, self._reach(judging.subject)
        reader = reader_of(self.workspace, judging.subject.version)
        with self.workspace.database.read() as conn:
            due = list(labelled.due(conn, stream, window, reach, reader))
            past = self._past(conn, judging, window, labelled.MARK) if due else Past()
        for one in due:
            yield from self._taken(judging, window, past, labelled.observed(judging, one, past))

    def _past(self, conn: Connection, judging: Judging, window: str, mark: str) -> Past:
        number = self.workspace.settings.monitoring.drift.persist_n
        return Past.read(conn, judging.subject.stream, window, mark, number)

    def _taken(
        self, judging: Judging, window: str, past: Past, found: list[Observation]
    ) -> list[Observation]:
        if new := past.take(found):
            held = Lasting(deployment=judging.subject.deployment, window=window, found=new)
            self.lasting.append(held)
        return found

    def _reach(self, subject: Subject) -> Reach:
        held = self.workspace.settings.monitoring
        begin: Any = subject.deployment.started_at or subject.deployment.created_at
        return Reach(
            begin=begin,
            now=self.sheet.at - timedelta(seconds=held.settle_seconds),
            rows=held.window_rows,
            minimum=held.drift.minimum_rows,
            newest=held.drift.persist_n,
        )
