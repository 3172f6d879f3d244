# SPDX-License-Identifier: BSD-3-Clause
"""Dispatch on a value's class by the class's name, so that no optional library is imported.

A table maps ``"package.ClassName"`` (the class's top-level package) to a function. A value is
looked up along its class's method resolution order, so subclasses are served as well.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_names: dict[type, tuple[str, ...]] = {}


def class_names(value: object) -> tuple[str, ...]:
    """``"package.ClassName"`` of the class of `value` and of its bases, nearest first."""
    cls = type(value)
    if cls not in _names:
        _names[cls] = tuple(f"{c.__module__.split('.')[0]}.{c.__qualname__}" for c in cls.__mro__)
    return _names[cls]


def look_up(table: Mapping[str, F], value: object) -> F | None:
    """Return the entry of the nearest class of `value` in `table`, or ``None``."""
    for name in class_names(value):
        if name in table:
            return table[name]
    return None
