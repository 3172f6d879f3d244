# SPDX-License-Identifier: BSD-3-Clause
"""A fit that is there whole, or not at all: what every method that fits is wrapped in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import signature
from typing import Any

from skdist._remembered import remembered
from skdist._sklearn import fit_context
from skdist._watching import watched
from skdist.solvers.diverged import Diverged


@contextmanager
def unchanged_on_error(
    estimator: Any, but: tuple[type[BaseException], ...] = (Diverged,)
) -> Iterator[None]:
    """Leave an estimator as it was before, if what is done with it fails.

    After the exceptions `but` it keeps what it has: one that diverged, the last parameters that
    were numbers.
    """
    before = dict(vars(estimator))
    try:
        yield
    except but:
        raise
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


@contextmanager
def all_or_nothing(estimator: Any, method: str = "fit", **data: Any) -> Iterator[None]:
    """Run a fit; if it fails, leave the estimator as it was before.

    `method` and `data`, the rows by name, tell a journal which fit it is.
    """
    with (
        unchanged_on_error(estimator),
        remembered(estimator, method, data),
        watched(estimator, method, data),
    ):
        yield


def whole_fit(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that fits, :func:`all_or_nothing`: parameters are validated, the estimator returned.

    What the method is given tells a journal which fit it is; a y that may be left out does not, as
    it has no effect.
    """
    takes = signature(method)
    has_targets = takes.parameters["y"].default is not None
    untold = {"self"} if has_targets else {"self", "y"}

    @fit_context(prefer_skip_nested_validation=True)
    @wraps(method)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = takes.bind(self, *args, **kwargs).arguments
        data = {name: value for name, value in given.items() if name not in untold}
        with all_or_nothing(self, method.__name__, **data):
            method(self, *args, **kwargs)
        return self

    fitting: Callable[..., Any] = fit
    return fitting
