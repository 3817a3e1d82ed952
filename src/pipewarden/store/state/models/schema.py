"""The tables of model versions, deployments, challengers, approvals and predictions."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
)

from pipewarden.core.models.challengers import ChallengerState
from pipewarden.core.models.deployments import DeploymentState, VersionStatus
from pipewarden.store.state.column_types import Json, Name, Time
from pipewarden.store.state.schema import metadata, only_where, serial

_statuses = ", ".join(f"'{status}'" for status in VersionStatus)
_states = ", ".join(f"'{state}'" for state in DeploymentState)
_serving = ", ".join(f"'{state}'" for state in DeploymentState if state.serving)
_challenger_states = ", ".join(f"'{state}'" for state in ChallengerState)

#: Every model that was ever trained: only its status changes, by a release or a quarantine.
model_versions = Table(
    "model_versions",
    metadata,
    Column("model", Name, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("family", Name, nullable=False),
    Column("status", Name, nullable=False),
    Column("object_hash", Name, nullable=False),
    Column("dataset", Name, nullable=False),
    Column("verdict", Name, nullable=False),
    Column("reason", Name, nullable=False),
    Column("metrics", Json, nullable=False),
    Column("run_id", Name, nullable=False),
    Column("item_key", Name, nullable=False),
    Column("parent", Integer),
    Column("created_at", Time, nullable=False),
    CheckConstraint(f"status IN ({_statuses})", name="status"),
    Index(None, "object_hash"),
    Index(None, "run_id"),
    Index(None, "family", "created_at"),
)

#: Which version served where, from when to when; at most one serves a model in an environment.
deployments = Table(
    "deployments",
    metadata,
    Column("id", serial, primary_key=True),
    Column("model", Name, nullable=False),
    Column("environment", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Name, nullable=False),
    Column("state", Name, nullable=False),
    Column("actor", Name, nullable=False),
    Column("reason", Name, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("started_at", Time),
    Column("verified_at", Time),
    Column("ended_at", Time),
    Column("ended_reason", Name, nullable=False),
    Column("replaced", BigInteger),
    Column("evidence", Json, nullable=False),
    ForeignKeyConstraint(["model", "version"], ["model_versions.model", "model_versions.version"]),
    CheckConstraint(f"state IN ({_states})", name="state"),
    Index(
        "ix_deployments_serving",
        "model",
        "environment",
        unique=True,
        info=only_where(f"state IN ({_serving})"),
    ),
    Index(None, "model", "environment", "id"),
    sqlite_autoincrement=True,
)

#: Signatures; never changed.
approvals = Table(
    "approvals",
    metadata,
    Column("id", serial, primary_key=True),
    Column("model", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("environment", Name, nullable=False),
    Column("signer", Name, nullable=False),
    Column("meaning", Name, nullable=False),
    Column("key_id", Name, nullable=False),
    Column("at", Time, nullable=False),
    ForeignKeyConstraint(["model", "version"], ["model_versions.model", "model_versions.version"]),
    Index(None, "model", "version", "environment"),
)

#: Which versions the registry has, under which numbers of its own.
mirrored_versions = Table(
    "mirrored_versions",
    metadata,
    Column("model", Name, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("run_ref", Name, nullable=False),
    Column("at", Time, nullable=False),
    ForeignKeyConstraint(["model", "version"], ["model_versions.model", "model_versions.version"]),
)

#: What was answered, by which version, to what.
predictions = Table(
    "predictions",
    metadata,
    Column("id", Name, primary_key=True),
    Column("at", Time, nullable=False),
    Column("model", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("environment", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("entity", Name, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("answer", Json, nullable=False),
    Column("request_id", Name, nullable=False),
    Index(None, "model", "environment", "at", "version", "role"),
    Index(None, "model", "version", "at"),
    sqlite_with_rowid=False,
)

#: Which version answered beside which champion, from when to when.
challengers = Table(
    "challengers",
    metadata,
    Column("id", serial, primary_key=True),
    Column("model", Name, nullable=False),
    Column("environment", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("champion", Integer, nullable=False),
    Column("mode", Name, nullable=False),
    Column("share", Float, nullable=False),
    Column("plan", Json, nullable=False),
    Column("state", Name, nullable=False),
    Column("actor", Name, nullable=False),
    Column("reason", Name, nullable=False),
    Column("started_at", Time, nullable=False),
    Column("ended_at", Time),
    Column("ended_by", Name, nullable=False),
    Column("ended_reason", Name, nullable=False),
    Column("evidence", Json, nullable=False),
    ForeignKeyConstraint(["model", "version"], ["model_versions.model", "model_versions.version"]),
    CheckConstraint(f"state IN ({_challenger_states})", name="state"),
    Index(
        "ix_challengers_running",
        "model",
        "environment",
        unique=True,
        info=only_where(f"state = '{ChallengerState.RUNNING}'"),
    ),
    Index(None, "model", "id"),
    sqlite_autoincrement=True,
)

#: What the serving processes counted of a challenger, added up.
challenger_figures = Table(
    "challenger_figures",
    metadata,
    Column("challenger", serial, primary_key=True, autoincrement=False),
    Column("asked", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("champion_rows", BigInteger, nullable=False),
    Column("champion_seconds", Float, nullable=False),
    ForeignKeyConstraint(["challenger"], ["challengers.id"]),
)

#: The label that holds, a row a prediction. ``model`` is empty while the prediction is unknown.
labels = Table(
    "labels",
    metadata,
    Column("prediction_id", Name, primary_key=True),
    Column("value", Json, nullable=False),
    Column("at", Time, nullable=False),
    Column("received_at", Time, nullable=False),
    Column("source", Name, nullable=False),
    Column("reports", Integer, nullable=False),
    Column("conflicts", Integer, nullable=False),
    Column("model", Name, nullable=False),
    Column("environment", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("role", Name, nullable=False),
    Column("predicted_at", Time),
    Index(None, "model", "environment", "predicted_at", "version", "role"),
    Index(None, "model", "environment", "received_at"),
    Index(
        "ix_labels_again",
        *("model", "environment", "predicted_at", "version", "role", "reports", "conflicts"),
        info=only_where("reports > 1"),
    ),
    sqlite_with_rowid=False,
)

#: What was reported and does not hold.
label_conflicts = Table(
    "label_conflicts",
    metadata,
    Column("id", serial, primary_key=True),
    Column("prediction_id", Name, nullable=False),
    Column("value", Json, nullable=False),
    Column("at", Time, nullable=False),
    Column("received_at", Time, nullable=False),
    Column("source", Name, nullable=False),
    Index(None, "prediction_id"),
    sqlite_autoincrement=True,
)
