"""One thread for NumPy's products of matrices.

They are small here: handing a part of one to another thread costs more than the product, and on a
machine whose cores are busy ten times as much. The workers of a run are the parallelism.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: How the builds of OpenBLAS that come with NumPy name what tells and sets the number of threads.
_NAMES = (
    "scipy_openblas_{}_num_threads64_",
    "scipy_openblas_{}_num_threads",
    "openblas_{}_num_threads64_",
    "openblas_{}_num_threads",
)
_LOCK = threading.Lock()
_INSIDE = {"number": 0, "before": 1}


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let NumPy use one thread within the block, and what it used before after the last block.

    Where its library is another than OpenBLAS, nothing is changed.
    """
    controls = _controls()
    if controls is None:
        yield
        return
    tell, put = controls
    with _LOCK:
        if not _INSIDE["number"]:
            _INSIDE["before"] = tell()
            put(1)
        _INSIDE["number"] += 1
    try:
        yield
    finally:
        with _LOCK:
            _INSIDE["number"] -= 1
            if not _INSIDE["number"]:
                put(_INSIDE["before"])


@functools.cache
def _controls() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """Return what tells and what sets the number of threads, if NumPy came with it."""
    import numpy as np

    package = Path(np.__file__).parent
    folders = (package.parent / "numpy.libs", package / ".dylibs")
    for file in (found for folder in folders for found in sorted(folder.glob("*openblas*"))):
        library = ctypes.CDLL(str(file))
        for name in _NAMES:
            if hasattr(library, name.format("set")):
                return getattr(library, name.format("get")), getattr(library, name.format("set"))
    return None
