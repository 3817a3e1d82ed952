"""The report of a run as one HTML file: no script, nothing loaded, everything escaped."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipewarden.errors import StorageUnavailable
from pipewarden.report.facts import ReportFacts
from pipewarden.report.untrusted import visible, visible_lines
from pipewarden.report.view.run import view_of
from pipewarden.store.files import durable

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

_TEMPLATES = Path(__file__).parent / "templates"
_RUN_TEMPLATE = "run.html.j2"


def run_report_html(
    facts: ReportFacts, folder: Path, manifest: Mapping[str, Any] | None = None
) -> str:
    """Return the report of a run as a self-contained HTML page.

    Parameters
    ----------
    facts
        The stored facts of the run; whatever they hold renders as text.
    folder
        Where the report will lie: links are relative to it.
    manifest
        ``{total, success, failed}`` of the whole source, if it is to be told.
    """
    return _template().render(view=view_of(facts, folder, manifest))


@cache
def _template() -> Template:
    import jinja2

    class CompiledBeside(jinja2.BytecodeCache):
        """Keeps the compiled template in ``__pycache__``, as Python does with its modules."""

        def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
            with suppress(OSError):
                bucket.bytecode_from_string(_compiled_path(jinja2.__version__).read_bytes())

        def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
            if sys.dont_write_bytecode:
                return
            # A package that cannot be written compiles its template each time.
            with suppress(OSError, StorageUnavailable):
                durable.write_file(_compiled_path(jinja2.__version__), bucket.bytecode_to_string())

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        bytecode_cache=CompiledBeside(),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalized,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["preformatted"] = _preformatted
    return environment.get_template(_RUN_TEMPLATE)


def _compiled_path(version: str) -> Path:
    mark = "jinja" + "".join(filter(str.isalnum, version))
    return Path(cache_from_source(str(_TEMPLATES / _RUN_TEMPLATE), optimization=mark))


def _preformatted(lines: Iterable[str]) -> Markup:
    from markupsafe import escape

    return escape("\n".join(visible_lines("\n".join(lines))))


def _finalized(value: Any) -> Any:
    """Make every text that the template puts out visible, so that none can be forgotten."""
    return visible(value) if type(value) is str else value
