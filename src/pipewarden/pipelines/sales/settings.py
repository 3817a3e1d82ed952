"""The settings of the ``sales`` pipeline, under ``pipelines.sales``."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import pipewarden as pw

Environment = Literal["development", "testing", "production"]
Family = Literal["auto", "arima", "ets", "theta", "naive"]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnSettings(_Part):
    """Which columns of a table hold what; empty: found by their usual names."""

    id: str = Field("", description="The series' name: `unique_id` or `ISBN`.")
    date: str = Field("", description="The week: `ds` or `End Date`; a date or a whole number.")
    value: str = Field("", description="What was sold: `y` or `Volume`.")
    title: str = Field("", description="The title, if there is one.")


class ArimaSettings(_Part):
    """How far the search for orders goes; what is not set follows from the environment."""

    enabled: bool = Field(True, description="Whether ARIMA is a candidate.")
    max_p: int | None = Field(None, ge=0, le=5, description="Most autoregressive terms.")
    max_q: int | None = Field(None, ge=0, le=5, description="Most moving-average terms.")
    max_models: int | None = Field(None, ge=1, le=200, description="Most models tried in a search.")
    search_again: bool | None = Field(
        None, description="Whether orders are searched again on all data, or kept and refitted."
    )


class RetrainingSettings(_Part):
    """When a model is due although its data, code and settings are as they were."""

    max_age_days: float | None = Field(
        None,
        gt=0,
        description="Days after which it is; not set: never in development, 7 in testing, 30 in "
        "production.",
    )


class SalesSettings(_Part):
    """Every setting of the ``sales`` pipeline."""

    environment: Environment = Field(
        "production", description="Sets the search budget, the error limits and retraining."
    )
    family: Family = Field("auto", description="Which candidates are tried; `auto`: all.")
    horizon: int = Field(13, ge=1, le=104, description="Weeks ahead that candidates compete for.")
    level: float = Field(95.0, gt=0, lt=100, description="Of published intervals, in percent.")
    season: int = Field(52, ge=2, le=53, description="Weeks of a season.")
    history_weeks: int = Field(260, ge=26, description="Latest weeks that a model is fitted on.")
    test_weeks: int | None = Field(
        None, ge=1, description="Last weeks kept for the published figures; not set: min(32, n//5)."
    )
    origins: int = Field(10, ge=2, le=52, description="Rolling origins of the backtest.")
    origin_step: int = Field(4, ge=1, le=26, description="Weeks between two origins at most.")
    min_weeks: int = Field(20, ge=4, description="Fewer observed weeks get a simple model.")
    week_ends_on: str = Field(
        "",
        pattern=rf"^({'|'.join(DAYS)})?$",
        description="The weekday that dates name a week by; empty: inferred from each series.",
    )
    columns: ColumnSettings = Field(ColumnSettings.model_validate({}), description="Columns.")
    arima: ArimaSettings = Field(ArimaSettings.model_validate({}), description="ARIMA.")
    retraining: RetrainingSettings = Field(
        RetrainingSettings.model_validate({}), description="Smart retraining."
    )
    seed: int = Field(0, ge=0, description="Of the bootstrap that gives figures their bounds.")

    def output_settings(self) -> dict[str, Any]:
        """Return what changes every output, as plain values."""
        return self.model_dump(mode="json", exclude={"retraining", "columns"})


#: What an environment means where a setting is not given.
_ARIMA: Mapping[str, Mapping[str, Any]] = {
    "development": {"max_p": 1, "max_q": 1, "max_models": 8, "search_again": False},
    "testing": {"max_p": 2, "max_q": 2, "max_models": 20, "search_again": False},
    "production": {"max_p": 3, "max_q": 3, "max_models": 40, "search_again": False},
}
_MAX_AGE_DAYS: Mapping[str, float | None] = {
    "development": None,
    "testing": 7.0,
    "production": 30.0,
}


def arima_budget(settings: SalesSettings) -> dict[str, Any]:
    """Return the bounds of the search for ARIMA orders."""
    given = settings.arima.model_dump(exclude={"enabled"}, exclude_none=True)
    return {**_ARIMA[settings.environment], **given}


def max_age_days(settings: SalesSettings) -> float | None:
    """Return the days after which a model is trained again whatever its data; None means never."""
    given = settings.retraining.max_age_days
    return _MAX_AGE_DAYS[settings.environment] if given is None else given


def sales_settings(given: Mapping[str, Any] | None = None) -> SalesSettings:
    """Return validated settings; a name may be a path such as ``arima.max_p``.

    Raises
    ------
    InvalidSettings
        A name is unknown or a value does not hold.
    """
    nested: dict[str, Any] = {}
    for path, value in (given or {}).items():
        *parents, name = path.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        if isinstance(value, Mapping) and isinstance(place.get(name), dict):
            place[name].update(value)
        else:
            place[name] = dict(value) if isinstance(value, Mapping) else value
    try:
        return SalesSettings.model_validate(nested)
    except ValidationError as error:
        rows = error.errors(include_input=False, include_url=False)
        problems = "; ".join(_told(row) for row in rows)
        raise pw.InvalidSettings(f"the sales settings do not hold: {problems}") from None


def _told(row: Any) -> str:
    """Return a problem in words; of an unknown name the nearest known one."""
    path = ".".join(map(str, row["loc"]))
    if row["type"] != "extra_forbidden":
        return f"{path}: {row['msg']}"
    known = _names(SalesSettings)
    near = difflib.get_close_matches(path, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return f"{path}: no such setting; {hint}"


def _names(model: type[BaseModel], prefix: str = "") -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        found.append(prefix + name)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += _names(inner, f"{prefix}{name}.")
    return found
