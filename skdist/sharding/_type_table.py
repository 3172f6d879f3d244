# SPDX-License-Identifier: BSD-3-Clause
"""Dispatch on a value's class by the class's name, so that no optional library is imported.

A table maps ``"package.ClassName"`` (the class's top-level package) to a function. A value is
looked up along its class's method resolution order, so subclasses are served as well.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@lru_cache(maxsize=1024)
def class_names(cls: type) -> tuple[str, ...]:
    """``"package.ClassName"`` of `cls` and of its bases, nearest first."""
    return tuple(f"{base.__module__.split('.')[0]}.{base.__qualname__}" for base in cls.__mro__)


def look_up(table: Mapping[str, F], value: object) -> F | None:
    """Return the entry of the nearest class of `value` in `table`, or ``None``."""
    for name in class_names(type(value)):
        if name in table:
            return table[name]
    return None
