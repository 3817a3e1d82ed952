"""The reference page of metrics, written from the catalogue, and of the settings of monitoring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_WORSE = {"above": "larger", "below": "smaller", "away": "away from usual"}
_KINDS = {"model": "Models", "pipeline": "Pipelines", "service": "Services", "": "All"}


def page() -> str:
    """Return the page without its head."""
    from pipewarden.core.monitoring.metrics import METRICS
    from pipewarden.settings.sections.monitoring import (
        DriftSettings,
        LimitSettings,
        MonitoringSettings,
        PipelineWatch,
    )

    lead = (
        "Every figure that `pipewarden monitor check` may observe: what it means, its unit, and "
        "which way it gets worse. An observation is `ok`, `warn`, `breach`, or `not_computable` "
        "with the reason. How to use them: "
        "[Watch models and pipelines](../how-to/watch-models-and-pipelines.md)."
    )
    parts = [f"# Metrics\n\n{lead}\n"]
    for kind, title in _KINDS.items():
        held = [one for one in METRICS.values() if str(one.kind or "") == kind]
        parts.append("\n".join(_metrics(title, held)))
    parts.append("## Settings\n\nUnder `monitoring:`, or `PIPEWARDEN_MONITORING__<NAME>`.\n")
    parts.append("\n".join(_settings(MonitoringSettings)))
    for title, section in (
        ("`drift`", DriftSettings),
        ("`limits.<metric>`", LimitSettings),
        ("`pipelines.<name>`", PipelineWatch),
    ):
        parts.append(f"### {title}\n\n" + "\n".join(_settings(section)))
    return "\n".join(parts)


def _metrics(title: str, held: list[Any]) -> Iterator[str]:
    from pipewarden.settings import MonitoringSettings

    usual = MonitoringSettings()
    yield f"## {title}\n"
    yield "| metric | of each | unit | worse | warn | breach | meaning |"
    yield "|---|---|---|---|---|---|---|"
    for one in held:
        limit = usual.limit(one.name)
        unit = "" if one.unit == "1" else one.unit
        bounds = ("" if bound is None else f"{bound:g}" for bound in (limit.warn, limit.breach))
        cells = (f"`{one.name}`", one.feature, unit, _WORSE[str(one.worse)], *bounds, one.meaning)
        yield f"| {' | '.join(cells)} |"
    yield ""


def _settings(section: Any) -> Iterator[str]:
    yield "| setting | default | meaning |"
    yield "|---|---|---|"
    for name, field in section.model_fields.items():
        default = "see below" if field.default_factory else f"`{field.default!s}`"
        shown = "" if default == "``" else default
        yield f"| `{name}` | {shown} | {field.description} |"
    yield ""
