"""Every error that pipewarden raises on purpose.

::

    PipewardenError                  exit
    ├── UsageError                   2    what was asked for cannot be
    │   ├── SourceNotFound                the source does not exist
    │   ├── UnknownName                   no such pipeline, run, item or window
    │   ├── InvalidSettings               a setting, gate file or pipeline does not hold
    │   └── MissingExtra                  an optional dependency is not installed
    ├── Conflict                     3    somebody else is there
    │   ├── Locked                        another runner holds the source
    │   ├── IllegalTransition             the job is not in a state that allows this
    │   └── Fenced                        this runner lost its lease to another
    ├── DependencyUnavailable        4    something outside does not answer
    │   ├── DatabaseUnavailable           the state database
    │   └── StorageUnavailable            disk full, folder read-only
    ├── StateError                   5    our own state cannot be trusted
    │   ├── StateDamaged                  a manifest, journal or database does not read
    │   └── StateTooNew                   written by a newer pipewarden
    ├── LedgerTampered               1    the hash chain or an anchor does not verify
    ├── BadInput                     1    an item whose bytes no retry will mend
    ├── NotComputable                1    a check that has no value here (raised by checks)
    └── ConservationViolated        70    an item was lost: a bug of ours

An error says what happened and to what (its message), what was left behind (``left_behind``) and
what to type next (``next_step``). `diagnostics` joins the three for a person.
"""

from __future__ import annotations


class PipewardenError(Exception):
    """Any failure that pipewarden raises on purpose.

    Parameters
    ----------
    message
        What happened, and to what.
    left_behind
        What state the failure leaves, where that is not "nothing changed".
    next_step
        What the person should type or do now.
    """

    exit_code = 70

    def __init__(self, message: str, *, left_behind: str = "", next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.left_behind = left_behind
        self.next_step = next_step

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the keyword facts across a process boundary."""
        return _rebuild, (type(self), self.message, self.__dict__.copy())

    def diagnostics(self) -> str:
        """Return the message, what was left behind, and the next step, one a line."""
        lines = [self.message]
        if self.left_behind:
            lines.append(f"Left behind: {self.left_behind}")
        if self.next_step:
            lines.append(f"Next: {self.next_step}")
        return "\n".join(lines)


def _rebuild(
    kind: type[PipewardenError], message: str, attributes: dict[str, object]
) -> PipewardenError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(attributes)
    return error


class UsageError(PipewardenError):
    """What was asked for cannot be."""

    exit_code = 2


class SourceNotFound(UsageError):
    """The source does not exist."""


class UnknownName(UsageError):
    """No pipeline, run, item or setting has this name."""


class InvalidSettings(UsageError):
    """A setting, a gate file or a pipeline definition does not hold."""


class MissingExtra(UsageError):
    """An optional dependency is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs the optional dependencies of the extra {extra!r}.",
            next_step=f'pip install "pipewarden[{extra}]"',
        )


class Conflict(PipewardenError):
    """Somebody else is there, or the state does not allow this now."""

    exit_code = 3


class Locked(Conflict):
    """Another runner holds the source."""


class IllegalTransition(Conflict):
    """The job is not in a state that allows this."""


class Fenced(Conflict):
    """This runner lost its lease to another and must not commit."""


class DependencyUnavailable(PipewardenError):
    """Something outside pipewarden does not answer."""

    exit_code = 4


class DatabaseUnavailable(DependencyUnavailable):
    """The state database does not answer."""


class StorageUnavailable(DependencyUnavailable):
    """The disk is full, or a folder cannot be written."""


class StateError(PipewardenError):
    """Our own state cannot be trusted."""

    exit_code = 5


class StateDamaged(StateError):
    """A manifest, a journal or the state database does not read."""


class StateTooNew(StateError):
    """The state was written by a newer pipewarden."""


class LedgerTampered(PipewardenError):
    """The ledger's hash chain or one of its anchors does not verify."""

    exit_code = 1


class BadInput(PipewardenError):
    """An item whose bytes no retry will mend; the item is rejected, with this reason.

    Parameters
    ----------
    reason
        A short machine-readable code such as ``empty_file``.
    message
        The sentence for a person.
    """

    exit_code = 1

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NotComputable(PipewardenError):
    """A check that has no value for this subject; the message is the reason."""

    exit_code = 1


class ConservationViolated(PipewardenError):
    """The items seen do not add up to the items accounted for: a bug of ours."""

    exit_code = 70
