"""Alerts: listed, shown and acknowledged; the same as by command."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.edge import bodies
from pipewarden.app.api.edge.access import Operator, Viewer
from pipewarden.app.api.edge.problems import documented
from pipewarden.app.api.service import Served, Service
from pipewarden.core.monitoring.alerts.incidents import IncidentState
from pipewarden.core.monitoring.alerts.messages import facts, headline
from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.core.monitoring.alerts.schedule import Purpose
from pipewarden.core.monitoring.observations import SubjectKind
from pipewarden.jobs.monitoring.alerts import alerts_of
from pipewarden.monitoring.alerts import acting, reading
from pipewarden.monitoring.alerts.context import AlertContext
from pipewarden.monitoring.alerts.reading import ChannelReport, Listed, Shown
from pipewarden.store.state.monitoring.alerts.notices import Notice, NoticeState

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])

_Id = Annotated[int, Path(ge=1, le=2**53, description="The alert.")]


class AlertView(BaseModel):
    """One thing that is wrong, or was."""

    id: int
    what: str = Field(description="In one line.")
    state: IncidentState
    severity: Severity
    rule: str
    condition: str
    kind: SubjectKind
    subject: str
    environment: str
    metric: str
    feature: str
    missing: bool = Field(description="Whether it is that the figure is not there.")
    version: int | None
    window: str
    value: float | None = Field(description="The last bad figure.")
    limit: float | None
    sample: int | None
    reason: str
    owner: str
    runbook: str
    check_id: str = Field(description="The check, or the job, of the last bad figure.")
    count: int = Field(description="How often it was seen bad.")
    good: int = Field(description="How often it was seen good since.")
    level: int = Field(description="How far it was escalated; 0: not.")
    started_at: datetime
    seen_at: datetime
    bad_at: datetime
    raised_at: datetime | None
    told_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    acknowledged_reason: str
    resolved_at: datetime | None
    resolved_by: str
    resolved_reason: str
    muted_until: datetime | None

    @classmethod
    def of(cls, one: Listed) -> AlertView:
        """Return the view of an alert."""
        held = {name: v for name, v in facts(one.incident).items() if name in cls.model_fields}
        return cls(**held, what=headline(one.incident), muted_until=one.muted_until)


class ChannelView(BaseModel):
    """How a channel has been lately."""

    name: str
    state: str = Field(description="Of its breaker: `closed` (it is sent to), `open`, `half_open`.")
    waiting: int = Field(description="Notices that are due and not sent.")
    failures: int = Field(description="Tries that failed since the last that did not.")
    error: str
    failed_at: datetime | None
    retry_at: datetime | None
    sent_at: datetime | None

    @classmethod
    def of(cls, one: ChannelReport) -> ChannelView:
        """Return the view of a channel."""
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class AlertPageView(BaseModel):
    """Some alerts, the gravest and newest first, how many there are in all, and the channels."""

    alerts: list[AlertView]
    total: int
    limit: int
    offset: int
    channels: list[ChannelView]


class NoticeView(BaseModel):
    """One thing that was told of an alert on one channel, or is to be."""

    purpose: Purpose
    channel: str
    instead_of: str = Field(description="The channel whose place it takes; empty: its own.")
    state: NoticeState
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    tries: int
    error: str

    @classmethod
    def of(cls, one: Notice) -> NoticeView:
        """Return the view of a notice."""
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class AlertDetailView(BaseModel):
    """An alert, and who was told of it."""

    alert: AlertView
    notices: list[NoticeView]

    @classmethod
    def of(cls, shown: Shown) -> AlertDetailView:
        """Return the view of an alert with its notices."""
        return cls(
            alert=AlertView.of(shown.alert), notices=[NoticeView.of(one) for one in shown.notices]
        )


class Acknowledgement(BaseModel):
    """Why; it is kept with the alert and in the ledger."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S")


_STATES = {"present": reading.PRESENT, "past": reading.PAST}


@router.get("", response_model=AlertPageView, responses=documented(422))
async def listed(
    _: Viewer,
    service: Served,
    state: Annotated[
        Literal["present", "past"], Query(description="What is wrong now, or what is over.")
    ] = "present",
    severity: Annotated[Severity | None, Query(description="Only of this one.")] = None,
    subject: Annotated[
        str | None, Query(max_length=500, description="Only of this model, pipeline or service.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**40)] = 0,
) -> AlertPageView:
    """Return alerts, and how the channels are by which people are told of them."""

    def read() -> AlertPageView:
        context = _reader(service)
        page = reading.listed(
            context,
            _STATES[state],
            severity=severity,
            subject=subject,
            limit=limit,
            offset=offset,
        )
        return AlertPageView(
            alerts=[AlertView.of(one) for one in page.alerts],
            total=page.total,
            limit=limit,
            offset=offset,
            channels=[ChannelView.of(one) for one in reading.channels(context)],
        )

    return await run_in_threadpool(read)


@router.get("/{incident}", response_model=AlertDetailView, responses=documented(404, 422))
async def shown(_: Viewer, service: Served, incident: _Id) -> AlertDetailView:
    """Return an alert, and who was told of it by which channel."""
    held = await run_in_threadpool(reading.shown, _reader(service), incident)
    return AlertDetailView.of(held)


@router.post(
    "/{incident}/ack",
    response_model=AlertView,
    responses=documented(400, 404, 408, 409, 413, 415, 422),
    openapi_extra=bodies.described(Acknowledgement),
)
async def acknowledge(
    request: Request, caller: Operator, service: Served, incident: _Id
) -> AlertView:
    """Take an alert on: no more reminders and no escalation; it lasts until it is over."""
    limit = service.settings.service.body_bytes
    asked, _ = await bodies.parsed(request, Acknowledgement, limit)

    def act() -> Any:
        context = alerts_of(service.workspace, caller.name)
        acting.acknowledge(context, incident, reason=asked.reason)
        return reading.shown(context, incident).alert

    return AlertView.of(await run_in_threadpool(act))


def _reader(service: Service) -> AlertContext:
    return alerts_of(service.workspace, actor="viewer")
