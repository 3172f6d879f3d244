# SPDX-License-Identifier: BSD-3-Clause
"""Execution settings that joblib has no word for.

Where and how wide a fit runs is said with :func:`joblib.parallel_config`. What is left is said
here, in the manner of :func:`sklearn.config_context`: per thread, for the length of a ``with``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class _Settings:
    retries: int = 3


_DEFAULTS = _Settings()
_settings: ContextVar[_Settings] = ContextVar("skdist_settings", default=_DEFAULTS)


def get_config() -> dict[str, int]:
    """Return the execution settings in force here.

    Returns
    -------
    config : dict
        ``{"retries": int}``; see :func:`config_context`.

    Examples
    --------
    >>> from skdist._config import get_config
    >>> get_config()
    {'retries': 3}
    """
    return asdict(_settings.get())


@contextmanager
def config_context(*, retries: int | None = None) -> Iterator[None]:
    """Change execution settings inside a ``with`` block, in this thread only.

    Parameters
    ----------
    retries : int, optional
        How many times a task whose worker process died is run again before the fit is given up
        with :class:`skdist.sharding.ShardLostError`. Of several tasks that were lost together each
        runs again once in any case, alone: that tells the one that killed the process from its
        neighbours. An exception raised by the task itself is never retried. On Dask, each try is
        as many as the scheduler allows by itself (``distributed.scheduler.allowed-failures``).
        ``None`` leaves the setting as it is.

    Raises
    ------
    ValueError
        When ``retries`` is not a whole number of at least 0.

    Examples
    --------
    >>> from skdist._config import config_context, get_config
    >>> with config_context(retries=1):
    ...     get_config()["retries"]
    1
    """
    given = {} if retries is None else {"retries": _whole(retries, "retries")}
    token = _settings.set(replace(_settings.get(), **given))
    try:
        yield
    finally:
        _settings.reset(token)


def _whole(value: int, name: str) -> int:
    """``value`` as an int, refused unless it is a whole number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(
            f"{name}={value!r} was given to config_context; it must be a whole number of at "
            f"least 0, e.g. config_context({name}=3)."
        )
    return value
