"""Settings of the core, typed and documented: defaults < file < environment < flag."""

from pipewarden.settings.gate_file import load_gate
from pipewarden.settings.model import Settings
from pipewarden.settings.redaction import REDACTED, holds_redacted, redact, redact_text
from pipewarden.settings.sections.alerts import AlertSettings
from pipewarden.settings.sections.celery import CelerySettings
from pipewarden.settings.sections.events import EventSettings
from pipewarden.settings.sections.models import EnvironmentPolicy, ModelSettings
from pipewarden.settings.sections.monitoring import LimitSettings, MonitoringSettings
from pipewarden.settings.sections.service import ServiceSettings
from pipewarden.settings.sources import (
    ENV_PREFIX,
    SETTINGS_FILE,
    load_settings,
    merged,
    problems_of,
)

__all__ = [
    "ENV_PREFIX",
    "REDACTED",
    "SETTINGS_FILE",
    "AlertSettings",
    "CelerySettings",
    "EnvironmentPolicy",
    "EventSettings",
    "LimitSettings",
    "ModelSettings",
    "MonitoringSettings",
    "ServiceSettings",
    "Settings",
    "holds_redacted",
    "load_gate",
    "load_settings",
    "merged",
    "problems_of",
    "redact",
    "redact_text",
]
