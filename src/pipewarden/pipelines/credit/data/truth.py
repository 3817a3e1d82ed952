"""What a label says: the one place in which labels become yes and no, to learn and to judge by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Where one of them is the positive value, the other is the only other.
_CLASSES = ("0", "1")


@dataclass(frozen=True, slots=True)
class Truth:
    """Reads labels of one table.

    Parameters
    ----------
    positive
        The value of its target that means yes.
    """

    positive: str = "1"

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Truth | None:
        """Return how the labels of a model are read; None where its document does not say."""
        artifact = document.get("artifact")
        described = artifact.get("description") if isinstance(artifact, Mapping) else None
        if not isinstance(described, Mapping):
            return None
        return cls(str(described.get("positive", cls().positive)))

    @property
    def words(self) -> str:
        """Which labels can be read."""
        if self.positive in _CLASSES:
            return "0 or 1, or false or true"
        return f"{self.positive!r} for yes, another text for no, 0 or 1, or false or true"

    def __call__(self, label: Any) -> bool | None:
        """Whether a label says yes: the positive value, or a truth; None: it says neither.

        Where 0 and 1 are the classes, nothing else is one: a ``yes`` read as "not 1" would turn
        the world round.
        """
        if self.positive in _CLASSES:
            number = isinstance(label, (bool, int, float)) and label in (0, 1)
            text = str(int(label)) if number else label
            return text == self.positive if text in _CLASSES else None
        if not isinstance(label, (bool, int, float)):
            return str(label) == self.positive
        try:
            return float(label) == float(self.positive)
        except ValueError:  # the positive value is a text, and the label a truth
            return bool(label) if label in (0, 1) else None
