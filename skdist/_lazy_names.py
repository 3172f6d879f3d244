# SPDX-License-Identifier: BSD-3-Clause
"""Names of a package that are imported from their homes when they are first used (PEP 562)."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def found_at_home(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of a package.

    Parameters
    ----------
    package : str
    homes : mapping
        Of each name the module it lives in.
    """

    def __getattr__(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)  # the next look-up needs no function
        return value

    return __getattr__
