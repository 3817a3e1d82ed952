"""The channels of the settings, each validated by its kind and opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipewarden.core.monitoring.alerts.messages import Message
from pipewarden.core.monitoring.alerts.rules import CONSOLE
from pipewarden.delivery.kinds import Kinds
from pipewarden.delivery.notices.channel import Channel, ChannelOptions, OpenChannel
from pipewarden.delivery.outcome import Outcome, unavailable
from pipewarden.errors import InvalidSettings, MissingExtra
from pipewarden.settings import AlertSettings

KINDS: Kinds[ChannelOptions, Channel] = Kinds(
    called="alert channel",
    section="alerts.channels",
    package="pipewarden.delivery.notices.kinds",
    known={
        "console": ("ConsoleOptions", "ConsoleChannel"),
        "email": ("EmailOptions", "EmailChannel"),
        "slack": ("SlackOptions", "SlackChannel"),
        "webhook": ("WebhookOptions", "WebhookChannel"),
    },
)


def known(settings: AlertSettings) -> tuple[str, ...]:
    """Return the names of all channels, in order; ``console`` is always one of them."""
    return tuple(sorted({*settings.channels, CONSOLE}))


def enabled(settings: AlertSettings, names: Sequence[str] = ()) -> dict[str, OpenChannel]:
    """Return channels of the settings by name, ready to be sent to.

    Parameters
    ----------
    names
        Only these; empty: all.

    Raises
    ------
    InvalidSettings
        A channel is of no known kind, or one of its options does not hold; no value is repeated.
    MissingExtra
        Its client is not installed.
    """
    opened = {}
    for name in names or known(settings):
        held: Mapping[str, Any] = settings.channels.get(name, {"kind": CONSOLE})
        options = KINDS.options_of(name, held)
        channel = KINDS.opened(name, options)
        opened[name] = OpenChannel(
            name=name, kind=options.kind, channel=channel, timeout=options.timeout
        )
    return opened


class Unusable:
    """A channel that cannot be opened: it takes nothing, and answers why."""

    def __init__(self, why: str) -> None:
        self.why = why

    def send(self, message: Message, timeout: float) -> Outcome:  # noqa: ARG002 - nobody is asked
        """Take nothing, so that the next channel of the plan is told."""
        return unavailable(self.why)

    def close(self) -> None:
        """Nothing is open."""


def usable(settings: AlertSettings) -> dict[str, OpenChannel]:
    """Return all channels, ready to be sent to.

    One that cannot be opened fails like one that is down: what is wrong with one must not keep an
    alert from the others.
    """
    opened: dict[str, OpenChannel] = {}
    for name in known(settings):
        try:
            opened |= enabled(settings, (name,))
        except (InvalidSettings, MissingExtra) as error:
            kind = str(settings.channels.get(name, {}).get("kind", ""))
            opened[name] = OpenChannel(
                name=name, kind=kind, channel=Unusable(error.message), timeout=1.0
            )
    return opened


def broken(opened: Mapping[str, OpenChannel]) -> dict[str, str]:
    """Close channels; return those that were never open, each with the reason."""
    found = {}
    for name, one in opened.items():
        if isinstance(one.channel, Unusable):
            found[name] = one.channel.why
        one.channel.close()
    return found
