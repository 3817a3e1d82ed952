"""The targets that the settings enable, each validated by its kind and opened."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from pipewarden.delivery.events.target import Publisher, Target
from pipewarden.delivery.events.targets.options import TargetOptions
from pipewarden.errors import InvalidSettings
from pipewarden.settings import Settings

#: Every kind: its module, and what its options and publisher are called there.
KINDS = {
    "file": ("file", "FileOptions", "FilePublisher"),
    "redis_streams": ("redis_streams", "RedisStreamsOptions", "RedisStreamsPublisher"),
    "webhook": ("webhook", "WebhookOptions", "WebhookPublisher"),
    "kafka": ("kafka", "KafkaOptions", "KafkaPublisher"),
    "nats": ("nats", "NatsOptions", "NatsPublisher"),
    "rabbitmq": ("rabbitmq", "RabbitMQOptions", "RabbitMQPublisher"),
}


def enabled(settings: Settings) -> list[Target]:
    """Return the targets of the settings, ready to be sent to, in order of their names.

    Raises
    ------
    InvalidSettings
        A target is of no known kind, or one of its options does not hold.
    MissingExtra
        Its client is not installed.
    """
    targets = []
    for name, held in sorted(settings.events.targets.items()):
        options = options_of(name, held)
        targets.append(
            Target(
                name=name,
                kind=options.kind,
                publisher=_opened(name, options, settings),
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
    kind = held.get("kind")
    if kind not in KINDS:
        raise InvalidSettings(
            f"the event target {name!r} has the kind {kind!r}; known: {', '.join(KINDS)}",
            next_step=f"correct events.targets.{name}.kind in the settings",
        )
    module, model, _ = KINDS[kind]
    options: type[TargetOptions] = getattr(_module(module), model)
    try:
        return options(**held)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in row['loc'])}: {row['msg']}"
            for row in error.errors(include_input=False, include_url=False)
        )
        raise InvalidSettings(
            f"the event target {name!r} does not hold: {problems}",
            next_step=f"correct events.targets.{name} in the settings",
        ) from None


def _opened(name: str, options: TargetOptions, settings: Settings) -> Publisher:
    module, _, publisher = KINDS[options.kind]
    own = {"file": (settings.home,), "nats": (settings.events.type_prefix,)}
    try:
        opened: Publisher = getattr(_module(module), publisher)(options, *own.get(options.kind, ()))
    except InvalidSettings as error:
        raise InvalidSettings(
            f"the event target {name!r}: {error.message}",
            next_step=f"correct events.targets.{name} in the settings",
        ) from error
    return opened


def _module(name: str) -> Any:
    return import_module(f"pipewarden.delivery.events.targets.{name}")
