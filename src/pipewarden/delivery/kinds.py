"""The kinds of a receiver: a module each, with its options and its adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from pipewarden.errors import InvalidSettings
from pipewarden.settings import problems_of


class Options(Protocol):
    """What the options of every kind hold."""

    @property
    def kind(self) -> str:
        """The kind that they belong to."""


OptionsT = TypeVar("OptionsT", bound=Options)
AdapterT = TypeVar("AdapterT")


@dataclass(frozen=True)
class Kinds(Generic[OptionsT, AdapterT]):
    """All kinds of one sort of receiver.

    Parameters
    ----------
    called
        What a receiver of this sort is called in a message, such as ``sink``.
    section
        Where the settings hold them by name, such as ``sinks``.
    package
        The package that has one module a kind.
    known
        Kind → what its options and its adapter are called in its module.
    """

    called: str
    section: str
    package: str
    known: Mapping[str, tuple[str, str]]

    def options_of(self, name: str, held: Mapping[str, Any]) -> OptionsT:
        """Return the options of one receiver.

        Raises
        ------
        InvalidSettings
            It is of no known kind, or an option does not hold; no value is repeated.
        """
        kind = held.get("kind")
        if not isinstance(kind, str) or kind not in self.known:
            raise InvalidSettings(
                f"the {self.called} {name!r} has the kind {kind!r}; known: {', '.join(self.known)}",
                next_step=f"correct {self.section}.{name}.kind in the settings",
            )
        model = getattr(self._module(kind), self.known[kind][0])
        try:
            options: OptionsT = model(**held)
        except ValidationError as error:
            raise InvalidSettings(
                f"the {self.called} {name!r} does not hold: {problems_of(error)}",
                next_step=f"correct {self.section}.{name} in the settings",
            ) from None
        return options

    def opened(self, name: str, options: OptionsT, *own: Any) -> AdapterT:
        """Return the adapter of one receiver, made from its options and what else its kind takes.

        Raises
        ------
        InvalidSettings
            The options contradict each other.
        MissingExtra
            Its client is not installed.
        """
        adapter = getattr(self._module(options.kind), self.known[options.kind][1])
        try:
            made: AdapterT = adapter(options, *own)
        except InvalidSettings as error:
            raise InvalidSettings(
                f"the {self.called} {name!r}: {error.message}",
                next_step=f"correct {self.section}.{name} in the settings",
            ) from error
        return made

    def _module(self, kind: str) -> Any:
        return import_module(f"{self.package}.{kind}")
