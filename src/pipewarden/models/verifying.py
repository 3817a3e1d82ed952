"""After the change: try out what serves, and confirm it or take it back.

A deployment that somebody asked for is taken back when it does not hold what it promised; what
served before serves again. What was rolled back to is never taken back in turn: it stays, and the
person is told. Whoever finds a trial that a dead process left half done may finish it, any number
at once: only one end of it is ever written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipewarden.core.models.deployments import Deployment, DeploymentKind, DeploymentState
from pipewarden.errors import DependencyUnavailable, IllegalTransition, UsageError
from pipewarden.models.context import ModelContext, in_words
from pipewarden.store.state import ledger, outbox
from pipewarden.store.state.column_types import decode_json, encode_json
from pipewarden.store.state.models import deployments, versions
from pipewarden.store.windows import ModelWindow, passing

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Who acts when nobody asked.
AUTOMATON = "pipewarden"
#: How many models are tried before what was found is written.
_TOGETHER = 100
#: Counts of a trial that must be nothing, should a family not say so itself.
_FAULTS = ("non_finite", "out_of_range", "mismatch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of trying out a version on the sample that was frozen with it.

    Parameters
    ----------
    tried
        Whether it could be tried here: without its libraries, nothing is said against the model.
    """

    evidence: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    tried: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The end of a trial.

    Parameters
    ----------
    deployment
        As it is afterwards: VERIFIED, ROLLED_BACK, CURRENT where it stays unverified, or however
        somebody else ended it meanwhile.
    restored
        What serves in its place, if it was taken back and anything served before.
    """

    deployment: Deployment
    problems: tuple[str, ...] = ()
    restored: Verified | None = None

    @property
    def good(self) -> bool:
        """Whether the deployment serves and was found good."""
        return self.deployment.state is DeploymentState.VERIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What was left half done, and is finished.

    Parameters
    ----------
    settled
        The trials that were finished.
    mended
        What a projection had shown otherwise than it is.
    notices
        What could not be done.
    """

    settled: tuple[Verified, ...]
    mended: tuple[str, ...]
    notices: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether all was done, and everything that serves was found good."""
        return not self.notices and all(one.good for one in self.settled)


def try_out(context: ModelContext, deployment: Deployment) -> Trial:
    """Open the model of a deployment and let it answer; whatever it raises is a problem."""
    return try_version(context, deployment.model, deployment.version)


def try_version(context: ModelContext, model: str, number: int) -> Trial:
    """Open a version and let it answer, whether it is deployed or not."""
    try:
        with context.database.read() as conn:
            version = versions.get(conn, model, number)
        family = context.families(version)
        document = context.document(version)
        evidence = dict(family.smoke(document, family.open(document)))
    except (UsageError, DependencyUnavailable) as error:
        return Trial(problems=(in_words(error),), tried=False)
    except Exception as error:  # noqa: BLE001 - a model that raises does not hold what it promised
        return Trial(problems=(in_words(error),))
    problems = [str(problem) for problem in evidence.get("problems") or ()]
    if not problems:
        problems = [f"{evidence[name]} {name}" for name in _FAULTS if evidence.get(name)]
    if not evidence.get("rows"):
        problems.append("no row was answered")
    return Trial(evidence=decode_json(encode_json(evidence)), problems=tuple(problems))


def verify(context: ModelContext, deployment: Deployment) -> Verified:
    """Try out what has begun to serve; confirm it, or take it back.

    Raises
    ------
    IllegalTransition
        Somebody replaced it meanwhile.
    """
    trial = try_out(context, deployment)
    passing(ModelWindow.DEPLOY_TRIED)
    if not trial.problems:
        confirmed = confirm(context, [(deployment, trial)])[0]
        if not confirmed.good:
            raise _replaced(confirmed.deployment)
        return confirmed
    if trial.tried and deployment.kind is DeploymentKind.DEPLOY:
        return _take_back(context, deployment, trial)
    return _leave(context, deployment, trial)


def verify_all(context: ModelContext, begun: Sequence[Deployment]) -> list[Verified]:
    """Try out many that were rolled back to; those with problems stay, and are told.

    One that somebody replaced meanwhile keeps no other from being tried.
    """
    done: list[Verified] = []
    for start in range(0, len(begun), _TOGETHER):
        tried = [(one, try_out(context, one)) for one in begun[start : start + _TOGETHER]]
        passing(ModelWindow.DEPLOY_TRIED)
        done += confirm(context, [pair for pair in tried if not pair[1].problems])
        done += [_leave(context, one, trial) for one, trial in tried if trial.problems]
    return done


def confirm(context: ModelContext, good: Sequence[tuple[Deployment, Trial]]) -> list[Verified]:
    """Write that deployments were found good, all in one transaction.

    One that does not serve any more is returned as it is, with that as its problem.
    """
    if not good:
        return []
    at = context.clock()
    found = {one.id: {**one.evidence, "trial": dict(trial.evidence)} for one, trial in good}
    with context.database.write() as conn:
        moved = deployments.verify(conn, found, at=at)
        acts = [
            deployments.act_of(
                one, "verified", actor=AUTOMATON, reason="", rows=trial.evidence.get("rows")
            )
            for one, trial in good
            if one.id in moved
        ]
        ledger.append(conn, acts, at)
        others = {n: deployments.get(conn, n) for n in found if n not in moved}
    passing(ModelWindow.DEPLOY_VERIFIED)
    done = []
    for one, _ in good:
        other = others.get(one.id)
        if other is not None and other.state is not DeploymentState.VERIFIED:
            done.append(Verified(deployment=other, problems=(_replaced(other).message,)))
            continue  # a verified other: somebody else tried it, too
        state = DeploymentState.VERIFIED
        held = replace(one, state=state, verified_at=at, evidence=found[one.id])
        done.append(Verified(deployment=held))
    return done


def settle(context: ModelContext, model: str, environment: str) -> Verified | None:
    """Finish the trial that a dead process left half done, if there is one."""
    with context.database.read() as conn:
        serving = deployments.serving(conn, model, environment)
    if serving is None or serving.state is not DeploymentState.CURRENT:
        return None
    try:
        return verify(context, serving)
    except IllegalTransition:  # somebody else was quicker, which is as good
        return None


def reconcile(context: ModelContext) -> Reconciled:
    """Finish every trial that was left half done, and mend what every projection shows."""
    with context.database.read() as conn:
        left = deployments.unverified(conn)
    settled, notices = [], []
    for one in left:
        try:
            settled.append(verify(context, one))
        except IllegalTransition as error:  # somebody else was quicker
            notices.append(error.message)
    mended, failures = context.mend()
    return Reconciled(settled=tuple(settled), mended=mended, notices=(*notices, *failures))


# ── what was found bad ───────────────────────────────────────────────────────────────────────────


def _take_back(context: ModelContext, deployment: Deployment, trial: Trial) -> Verified:
    """Let what served before serve again, in one transaction, and try that out."""
    reason = f"it did not hold what it promised: {'; '.join(trial.problems)}"[:1000]
    at = context.clock()
    with context.database.write() as conn:
        held = deployments.get(conn, deployment.id)
        if held.state is not DeploymentState.CURRENT:
            raise _replaced(held)
        again = _restore(conn, held, at, reason)
        facts = {
            "serves": None if again is None else again.version,
            "by_deployment": None if again is None else again.id,
            "automatic": True,
        }
        act = deployments.act_of(held, "rolled_back", actor=AUTOMATON, reason=reason, **facts)
        ledger.append(conn, [act], at)
        told = deployments.event_of(held, "rolled_back", at=at, why=reason, **facts)
        outbox.append(conn, [told])
        ended = deployments.get(conn, held.id)
        passing(ModelWindow.UNDO_OPEN)
    passing(ModelWindow.UNDO_DONE)
    restored = None if again is None else verify(context, again)
    return Verified(deployment=ended, problems=trial.problems, restored=restored)


def _restore(conn: Connection, held: Deployment, at: datetime, reason: str) -> Deployment | None:
    """End a deployment; what it had replaced begins anew, if it had replaced anything."""
    ended = DeploymentState.ROLLED_BACK
    if held.replaced is None:
        deployments.change_state(conn, held.id, ended, at=at, reason=reason)
        return None
    before = deployments.get(conn, held.replaced)
    again = Deployment(
        id=0,
        model=held.model,
        environment=held.environment,
        version=before.version,
        kind=DeploymentKind.AUTOMATIC,
        state=DeploymentState.AWAITING,
        actor=AUTOMATON,
        reason=reason,
        created_at=at,
    )
    number = deployments.request(conn, again).id
    deployments.begin(conn, number, at=at, ended=ended, reason=reason)
    return deployments.get(conn, number)


def _leave(context: ModelContext, deployment: Deployment, trial: Trial) -> Verified:
    """Tell the ledger that what serves was not found good; it goes on serving."""
    at = context.clock()
    act = deployments.act_of(
        deployment, "not_verified", actor=AUTOMATON, reason="; ".join(trial.problems)[:1000]
    )
    with context.database.write() as conn:
        ledger.append(conn, [act], at)
    return Verified(deployment=deployment, problems=trial.problems)


def _replaced(deployment: Deployment) -> IllegalTransition:
    name = versions.subject(deployment.model, deployment.version)
    return IllegalTransition(
        f"deployment {deployment.id} of {name} is {deployment.state}: somebody else ended it "
        "while it was tried",
        left_behind="their change holds",
        next_step=f"pipewarden models history {deployment.model}",
    )
