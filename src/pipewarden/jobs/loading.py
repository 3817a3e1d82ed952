"""Finding a pipeline by its name or by where it is defined."""

from __future__ import annotations

import difflib
import importlib
import sys
import traceback
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pipewarden.engine.pipeline import Pipeline
from pipewarden.errors import InvalidSettings, PipewardenError, UnknownName, UsageError
from pipewarden.jobs.options import RunOptions
from pipewarden.settings import SETTINGS_FILE, Settings, holds_redacted, load_gate

GROUP = "pipewarden.pipelines"


def registered() -> dict[str, str]:
    """Return the registered pipelines: name → where each is defined."""
    return {point.name: point.value for point in entry_points(group=GROUP)}


def load_pipeline(
    reference: str, settings: Settings, overrides: Mapping[str, Any] | None = None
) -> Pipeline:
    """Return the pipeline named ``filings`` or defined at ``package.module:attribute``.

    Parameters
    ----------
    reference
        A registered name, or module and attribute.
    settings
        Give the pipeline's own section and the folder of gate files.
    overrides
        The pipeline's own settings that win over its section.

    Raises
    ------
    UnknownName
        There is no such pipeline.
    InvalidSettings
        What was found is no pipeline, or its settings do not hold.
    """
    name = reference.partition(":")[2] or reference
    section = {**settings.pipelines.get(name, {}), **(overrides or {})}
    found = _imported(reference) if ":" in reference else _registered(reference)
    if not isinstance(found, Pipeline) and callable(found):
        found = _built(reference, found, section)
        section = {}
    if not isinstance(found, Pipeline):
        raise InvalidSettings(f"{reference} is a {type(found).__name__}, not a pipewarden.Pipeline")
    if section and overrides:
        raise InvalidSettings(
            f"{reference} takes no settings; it is a Pipeline, not a function that builds one",
            next_step="define build(settings) -> Pipeline and name that instead",
        )
    return with_gate_file(found, settings)


def _built(reference: str, build: Callable[..., Any], section: Mapping[str, Any]) -> Any:
    try:
        return build(section)
    except PipewardenError:
        raise
    except Exception as error:  # as above
        raise _does_not_load(reference, error) from error


def usable(options: RunOptions, settings: Settings, run_id: str) -> dict[str, Any]:
    """Return the pipeline settings of an earlier run; its secrets, never kept, come from today's.

    Raises
    ------
    UsageError
        A secret stands nowhere today.
    """
    today = settings.pipelines.get(options.pipeline.partition(":")[2] or options.pipeline, {})
    kept: dict[str, Any] = {}
    for name, value in (options.settings or {}).items():
        if not holds_redacted(value):
            kept[name] = value
        elif name not in today:
            raise UsageError(
                f"run {run_id} was given the secret setting {name!r}, which is kept nowhere",
                left_behind="nothing was changed",
                next_step=f"put it under pipelines.<name>.{name} in {SETTINGS_FILE} or into the "
                "environment, or start a new run with --set",
            )
    return kept


def with_gate_file(pipeline: Pipeline, settings: Settings) -> Pipeline:
    """Return the pipeline with the thresholds of the operator's gate file, if there is one."""
    from dataclasses import replace

    file = settings.in_home(settings.gates_dir) / f"{pipeline.name}.yaml"
    if not file.is_file():
        return pipeline
    return replace(pipeline, gate=load_gate(pipeline.gate, file))


def _registered(name: str) -> Any:
    found = entry_points(group=GROUP, name=name)
    for point in found:
        return point.load()
    known = sorted(registered())
    close = difflib.get_close_matches(name, known, 1)
    raise UnknownName(
        f"no pipeline is named {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""),
        next_step=f"known: {', '.join(known) or 'none'}; or give package.module:attribute",
    )


def _imported(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module and not module.startswith(f"{error.name}."):
            raise InvalidSettings(f"{module} cannot be imported: {error}") from error
        raise UnknownName(
            f"there is no module {module!r}",
            next_step="run from the folder it lies in, or install its package",
        ) from error
    except PipewardenError:
        raise
    except Exception as error:  # a stranger's module may raise anything
        raise _does_not_load(module, error) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            close = difflib.get_close_matches(part, dir(found), 1)
            raise UnknownName(
                f"module {module!r} has no attribute {attribute!r}"
                + (f"; did you mean {close[0]!r}?" if close else ""),
                next_step="name a pipewarden.Pipeline, or a function that builds one",
            )
        found = getattr(found, part)
    return found


def _does_not_load(what: str, error: Exception) -> InvalidSettings:
    """Return the error that says what a pipeline's own code raised, and in which line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = (
        "" if isinstance(error, SyntaxError) else f" ({frames[-1].filename}:{frames[-1].lineno})"
    )
    return InvalidSettings(
        f"{what} does not load: {type(error).__name__}: {error}{place}",
        left_behind="nothing was changed",
        next_step="correct that, and try again",
    )


def reference_of(pipeline: Pipeline) -> str:
    """Return ``module:attribute`` of a pipeline object, or an empty text if it has none."""
    module = sys.modules.get(getattr(pipeline.process, "__module__", "") or "")
    if module is None or module.__name__ == "__main__":
        return ""
    for name, value in vars(module).items():
        if value is pipeline:
            return f"{module.__name__}:{name}"
    return ""
