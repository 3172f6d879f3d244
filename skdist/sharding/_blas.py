# SPDX-License-Identifier: BSD-3-Clause
"""One BLAS thread per task.

Tasks already fill the cores; BLAS threads on top of them would compete for the same cores, and
would make the order of sums depend on the machine.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import threadpoolctl  # type: ignore[import-untyped,unused-ignore]

# threadpoolctl >= 3.8 lets only the thread that set OpenBLAS's limit change it. The last block out
# may be in another thread than the first one in, so nobody is to own it; older versions have no
# owner to forget.
_clear_owner: Callable[..., None] = getattr(
    threadpoolctl.OpenBLASController, "clear_controlling_thread", lambda force: None
)
_lock = threading.Lock()
_depth = 0
_found: list[tuple[Any, int]] = []  # libraries that are limited, and their threads before
_libraries: list[Any] = []
_n_modules = -1


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread in this process while any such block is open.

    BLAS thread counts are process-wide. Were every block to restore what it found, two blocks that
    overlap in different threads could leave the limit on for good; so the first block in sets the
    limit and the last one out lifts it.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _depth
    with _lock:
        if _depth == 0:
            _clear_owner(force=True)
            # threadpoolctl's own limiter looks at every library again, in every round.
            for library in _current_libraries():
                _found.append((library, library.get_num_threads()))
                library.set_num_threads(1)
        _depth += 1


def _leave() -> None:
    global _depth
    with _lock:
        _depth -= 1
        if _depth == 0:
            _clear_owner(force=True)
            while _found:
                library, n_threads = _found.pop()
                library.set_num_threads(n_threads)
            _clear_owner(force=True)


def _current_libraries() -> list[Any]:
    """The BLAS libraries loaded by now whose threads can be told.

    Finding them costs milliseconds, so it is done again only after something was imported.
    """
    global _libraries, _n_modules
    if len(sys.modules) != _n_modules:
        found = threadpoolctl.ThreadpoolController().lib_controllers
        _libraries = [
            library
            for library in found
            if library.user_api == "blas" and library.get_num_threads() is not None
        ]
        _n_modules = len(sys.modules)
    return _libraries
