"""The production layer for machine-learning pipelines: the public API, and nothing else.

Names are loaded on first use (PEP 562), so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pipewarden._version import __version__

if TYPE_CHECKING:
    from pipewarden.core.findings import (
        Finding as Finding,
        Measurement as Measurement,
        Status as Status,
        Threshold as Threshold,
        Verdict as Verdict,
    )
    from pipewarden.core.gate import Check as Check, Gate as Gate, Unique as Unique, check as check
    from pipewarden.core.models.families import (
        Forecaster as Forecaster,
        ModelFamily as ModelFamily,
        Predictor as Predictor,
    )
    from pipewarden.core.models.showing import Yardstick as Yardstick
    from pipewarden.engine.context import RunContext as RunContext
    from pipewarden.engine.metering import stage as stage
    from pipewarden.engine.pipeline import Pipeline as Pipeline
    from pipewarden.engine.task import item_key as item_key
    from pipewarden.errors import (
        BadInput as BadInput,
        Conflict as Conflict,
        ConservationViolated as ConservationViolated,
        DatabaseUnavailable as DatabaseUnavailable,
        DependencyUnavailable as DependencyUnavailable,
        Fenced as Fenced,
        IllegalTransition as IllegalTransition,
        InvalidSettings as InvalidSettings,
        LedgerTampered as LedgerTampered,
        Locked as Locked,
        MissingExtra as MissingExtra,
        NotComputable as NotComputable,
        PipewardenError as PipewardenError,
        SourceNotFound as SourceNotFound,
        StateDamaged as StateDamaged,
        StateError as StateError,
        StateTooNew as StateTooNew,
        StorageUnavailable as StorageUnavailable,
        UnknownName as UnknownName,
        UsageError as UsageError,
    )
    from pipewarden.jobs.run import RunReport as RunReport, run as run
    from pipewarden.report import charts as charts
    from pipewarden.report.formatter import ReportFormatter as ReportFormatter
    from pipewarden.settings import load_gate as load_gate
    from pipewarden.store.files.hashing import compute_file_hash as compute_file_hash
    from pipewarden.store.manifest.state_manifest import StateManifest as StateManifest

_HOMES = {
    "BadInput": "errors",
    "Check": "core.gate",
    "Conflict": "errors",
    "ConservationViolated": "errors",
    "DatabaseUnavailable": "errors",
    "DependencyUnavailable": "errors",
    "Fenced": "errors",
    "Finding": "core.findings",
    "Forecaster": "core.models.families",
    "Gate": "core.gate",
    "IllegalTransition": "errors",
    "InvalidSettings": "errors",
    "LedgerTampered": "errors",
    "Locked": "errors",
    "Measurement": "core.findings",
    "MissingExtra": "errors",
    "ModelFamily": "core.models.families",
    "NotComputable": "errors",
    "Pipeline": "engine.pipeline",
    "PipewardenError": "errors",
    "Predictor": "core.models.families",
    "ReportFormatter": "report.formatter",
    "RunContext": "engine.context",
    "RunReport": "jobs.run",
    "SourceNotFound": "errors",
    "StateDamaged": "errors",
    "StateError": "errors",
    "StateManifest": "store.manifest.state_manifest",
    "StateTooNew": "errors",
    "Status": "core.findings",
    "StorageUnavailable": "errors",
    "Threshold": "core.findings",
    "Unique": "core.gate",
    "UnknownName": "errors",
    "UsageError": "errors",
    "Verdict": "core.findings",
    "Yardstick": "core.models.showing",
    "charts": "report.charts",
    "check": "core.gate",
    "compute_file_hash": "store.files.hashing",
    "item_key": "engine.task",
    "load_gate": "settings",
    "run": "jobs.run",
    "stage": "engine.metering",
}

#: Names that are their home itself.
_MODULES = frozenset({"charts"})

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - the table is the one list of names


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pipewarden' has no attribute {name!r}")
    home = import_module(f"pipewarden.{_HOMES[name]}")
    value = home if name in _MODULES else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
