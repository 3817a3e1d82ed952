"""The channels of the settings, each validated by its kind and opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipewarden.core.monitoring.alerts.rules import CONSOLE
from pipewarden.delivery.kinds import Kinds
from pipewarden.delivery.notices.channel import Channel, ChannelOptions, OpenChannel
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
