"""What labels mean to a version: asked of its family, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipewarden.core.models.deployments import ModelVersion
from pipewarden.core.models.families import Labelling
from pipewarden.errors import MissingExtra, StateDamaged, UnknownName
from pipewarden.jobs.serving.opening import Opener
from pipewarden.jobs.workspace import Workspace

if TYPE_CHECKING:
    from pipewarden.core.models.families import LabelReader


def reader_of(workspace: Workspace, version: ModelVersion) -> LabelReader | None:
    """Return what reads the labels of a version; None where nothing is known of them.

    A document is named by its content, so that what it says of labels is kept.
    """
    held = workspace.label_readers
    if version.object_hash not in held:
        opener = Opener(workspace)
        try:
            family = opener.family(version)
            held[version.object_hash] = (
                family.label_reader(opener.document(version))
                if isinstance(family, Labelling)
                else None
            )
        except (UnknownName, MissingExtra, StateDamaged):
            return None  # it may be known later; until then its labels are taken as they are
    return held[version.object_hash]
