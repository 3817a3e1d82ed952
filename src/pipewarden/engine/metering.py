"""What work uses of the processors, measured where it is done."""

from __future__ import annotations

import os
import sys


def cpu_seconds() -> float:
    """Return the CPU seconds used so far by this process and by its children that have ended.

    All threads count, and those of libraries. A child counts once it was waited for, with all that
    it waited for itself (getrusage(2)); the difference of two calls is what was used between them.
    """
    if sys.platform == "win32":
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system
    import resource

    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
