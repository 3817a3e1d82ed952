"""The targets that the settings enable, each validated by its kind and opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipewarden.delivery.events.target import Publisher, Target
from pipewarden.delivery.events.targets.options import TargetOptions
from pipewarden.delivery.kinds import Kinds
from pipewarden.settings import Settings

KINDS: Kinds[TargetOptions, Publisher] = Kinds(
    called="event target",
    section="events.targets",
    package="pipewarden.delivery.events.targets",
    known={
        "file": ("FileOptions", "FilePublisher"),
        "redis_streams": ("RedisStreamsOptions", "RedisStreamsPublisher"),
        "webhook": ("WebhookOptions", "WebhookPublisher"),
        "kafka": ("KafkaOptions", "KafkaPublisher"),
        "nats": ("NatsOptions", "NatsPublisher"),
        "rabbitmq": ("RabbitMQOptions", "RabbitMQPublisher"),
    },
)


def enabled(settings: Settings) -> list[Target]:
    """Return the targets of the settings, ready to be sent to, in order of their names.

    Raises
    ------
    InvalidSettings
        A target is of no known kind, or one of its options does not hold.
    MissingExtra
        Its client is not installed.
    """
    own = {"file": (settings.home,), "nats": (settings.events.type_prefix,)}
    targets = []
    for name, held in sorted(settings.events.targets.items()):
        options = options_of(name, held)
        targets.append(
            Target(
                name=name,
                kind=options.kind,
                publisher=KINDS.opened(name, options, *own.get(options.kind, ())),
                types=options.types,
                type_prefix=settings.events.type_prefix,
                timeout=options.timeout,
            )
        )
    return targets


def options_of(name: str, held: Mapping[str, Any]) -> TargetOptions:
    """Return the options of one target.

    Raises
    ------
    InvalidSettings
        It is of no known kind, or an option does not hold; no value is repeated.
    """
    return KINDS.options_of(name, held)
