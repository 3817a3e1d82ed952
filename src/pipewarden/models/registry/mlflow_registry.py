"""MLflow, spoken to through its client: one run and one registered version a model version."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipewarden.core.models.deployments import ModelVersion
from pipewarden.errors import Conflict, DependencyUnavailable, MissingExtra
from pipewarden.models.registry import described, running
from pipewarden.models.registry.described import TAG
from pipewarden.settings import redact_text
from pipewarden.store.files.write_ahead import begin_with_log

#: Versions that are asked for at once.
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Registered:
    """What MLflow made of a version: its own number, and the id of its run."""

    number: int
    run_ref: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A version as MLflow shows it: its own number, and the status it was last told of."""

    number: int
    status: str


def registered_name(model: str) -> str:
    """Return a model's name as MLflow takes it, which knows no ``/`` and no ``:`` in one."""
    return model.replace("/", ".").replace(":", ".")


class MlflowRegistry:
    """One MLflow, tracking and registry together.

    Parameters
    ----------
    uri
        ``sqlite:///…`` or the URL of a server.
    artifacts
        Where artifacts lie when there is no server to say so.

    Raises
    ------
    MissingExtra
        MLflow is not installed.
    DependencyUnavailable
        It does not answer.
    """

    def __init__(self, uri: str, artifacts: Path) -> None:
        self._uri = uri
        self._artifacts = artifacts
        self._experiments: dict[str, str] = {}
        #: Registered name → the model of ours that it shows.
        self._models: dict[str, str] = {}
        #: Registered names that were made here and have no version yet.
        self._made: set[str] = set()
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # A server that is gone is told at once; who waits and tries again is the mirror.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
        try:
            from mlflow.tracking import MlflowClient
        except ImportError as error:
            raise MissingExtra("models", "the MLflow registry") from error
        if uri.startswith("sqlite:///"):
            begin_with_log(Path(uri.removeprefix("sqlite:///")))
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of its own tables
        with self._answering():
            self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def register(self, version: ModelVersion, document: Mapping[str, Any]) -> Registered:
        """Write a version with all that its document tells; return what MLflow calls it.

        What an interrupted call left is found by its tags and finished, so that no version is there
        twice.

        Raises
        ------
        Conflict
            The registry has another model under its name.
        """
        with self._answering():
            name = self._model(version)
            held = self._held(name, version)
            if held is not None:
                return held
            run = running.write_run(
                self._client, self._experiment(version.family), version, document
            )
            made = self._client.create_model_version(
                name,
                source=f"{run.info.artifact_uri}/{running.FOLDER}",
                run_id=run.info.run_id,
                tags=described.tags_of(version),
                description=described.description_of(version, document),
                await_creation_for=0,
            )
            return Registered(int(made.version), run.info.run_id)

    def add_plots(self, run_ref: str, plots: Mapping[str, str]) -> None:
        """Show charts with a version: name → the text of an SVG file.

        Parameters
        ----------
        run_ref
            The registry's id of the version's run.
        """
        with self._answering():
            running.write_plots(self._client, run_ref, plots)

    def set_aliases(self, model: str, aliases: Mapping[str, int]) -> None:
        """Make these aliases, each of MLflow's own version number, the only ones of a model.

        Raises
        ------
        Conflict
            The registry has another model under its name, whose aliases are not touched.
        """
        with self._answering():
            name = registered_name(model)
            held = self._aliases(model)
            for alias in held.keys() - aliases.keys():
                self._client.delete_registered_model_alias(name, alias)
            for alias, number in aliases.items():
                if held.get(alias) != number:
                    self._client.set_registered_model_alias(name, alias, str(number))

    def aliases(self, model: str) -> dict[str, int]:
        """Return the aliases of a model, each with MLflow's number of its version.

        Raises
        ------
        Conflict
            The registry has another model under its name.
        """
        with self._answering():
            return self._aliases(model)

    def shown(self, model: str) -> dict[int, Shown]:
        """Return the versions of ours that MLflow has, by our number."""
        with self._answering():
            return {
                int(found.tags[f"{TAG}version"]): Shown(
                    int(found.version), found.tags.get(f"{TAG}status", "")
                )
                for found in self._versions(registered_name(model))
                if found.tags.get(f"{TAG}model") == model
            }

    def tag_status(self, version: ModelVersion, number: int) -> None:
        """Write a version's present status."""
        with self._answering():
            name = registered_name(version.model)
            self._client.set_model_version_tag(name, str(number), f"{TAG}status", version.status)

    # ── steps ────────────────────────────────────────────────────────────────────────────────

    def _aliases(self, model: str) -> dict[str, int]:
        from mlflow.exceptions import MlflowException

        name = registered_name(model)
        try:
            held = self._client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return {}
            raise
        self._refuse_other(name, model, held.tags.get(f"{TAG}model"))
        return {alias: int(number) for alias, number in held.aliases.items()}

    def _model(self, version: ModelVersion) -> str:
        """Return the registered model's name, made where it is missing."""
        from mlflow.exceptions import MlflowException

        name = registered_name(version.model)
        if name in self._models:
            self._refuse_other(name, version.model, self._models[name])
            return name
        tags = {f"{TAG}model": version.model, f"{TAG}family": version.family}
        try:
            self._client.create_registered_model(name, tags=tags)
            self._made.add(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            held = self._client.get_registered_model(name).tags.get(f"{TAG}model")
            self._refuse_other(name, version.model, held)
        self._models[name] = version.model
        return name

    def _refuse_other(self, name: str, model: str, held: str | None) -> None:
        """Refuse a registered model that shows something else, such as ``a.b`` and not ``a/b``."""
        if held == model:
            return
        whose = f"that is of {held!r}, not of {model!r}" if held else "that is not ours"
        raise Conflict(
            f"the registry at {self._shown} has a model {name!r} {whose}",
            left_behind="the state database is right; only what MLflow shows is behind",
            next_step="rename one of the two, or use a registry of our own",
        )

    def _held(self, name: str, version: ModelVersion) -> Registered | None:
        """Return what an interrupted call left of a version; only its own is asked for."""
        if name in self._made:  # a moment ago, by us: it has no version yet
            self._made.remove(name)
            return None
        tag = f"tags.`{TAG}object` = '{version.object_hash}'"
        for found in self._versions(name, f" AND {tag}"):
            return Registered(int(found.version), str(found.run_id))
        return None

    def _versions(self, name: str, condition: str = "") -> list[Any]:
        quoted = name.replace("'", "")
        found: list[Any] = []
        token: str | None = None
        while True:
            page = self._client.search_model_versions(
                f"name = '{quoted}'{condition}", max_results=_PAGE, page_token=token
            )
            found += page
            token = page.token
            if not token:
                return found

    def _experiment(self, family: str) -> str:
        if family not in self._experiments:
            found = self._client.get_experiment_by_name(family)
            if found is None:
                where = None if urlsplit(self._uri).scheme in ("http", "https") else self._artifacts
                location = None if where is None else (where / family).absolute().as_uri()
                made = self._client.create_experiment(family, artifact_location=location)
            else:
                made = found.experiment_id
            self._experiments[family] = str(made)
        return self._experiments[family]

    @property
    def _shown(self) -> str:
        return redact_text(self._uri)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn what MLflow raises in this block into an error of ours."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        except (MlflowException, OSError) as error:
            raise DependencyUnavailable(
                f"the registry at {self._shown} failed: {redact_text(str(error))[:500]}",
                left_behind="the state database is right; only what MLflow shows is behind",
                next_step="pipewarden models reconcile",
            ) from error
