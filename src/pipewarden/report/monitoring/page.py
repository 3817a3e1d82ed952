"""Pages of monitoring: each one HTML file, no script, nothing loaded, everything escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipewarden.report.monitoring.facts import CheckFacts
from pipewarden.report.monitoring.healings import HealingFacts, healing_view
from pipewarden.report.monitoring.limits import LimitsFacts, limits_view
from pipewarden.report.monitoring.view import view_of
from pipewarden.report.untrusted import visible

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATES = Path(__file__).parents[1] / "templates"


def check_page(facts: CheckFacts) -> str:
    """Return the report of a check as a self-contained page, readable on a telephone."""
    return _template("check.html.j2").render(view=view_of(facts))


def limits_page(facts: LimitsFacts) -> str:
    """Return the report of recommended limits as a self-contained page."""
    return _template("limits.html.j2").render(view=limits_view(facts))


def healing_page(facts: HealingFacts) -> str:
    """Return the report of a healing as a self-contained page, readable on a telephone."""
    return _template("healing.html.j2").render(view=healing_view(facts))


@cache
def _template(name: str) -> Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalized,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _finalized(value: Any) -> Any:
    """Make every text that the template puts out visible, so that none can be forgotten."""
    return visible(value) if type(value) is str else value
