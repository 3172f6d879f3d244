# SPDX-License-Identifier: BSD-3-Clause
"""Sums of classifiers that saw different classes, brought to targets of all classes.

A class that a place did not see has the target -1 in all its rows: a mean of -1, and no sum about
the mean. So nothing has to be asked again.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skdist.solvers.normal_equations import LeastSquaresSums


def with_classes(sums: LeastSquaresSums, own: np.ndarray, classes: np.ndarray) -> LeastSquaresSums:
    """The sums that the same rows would have with targets for all of `classes`.

    Parameters
    ----------
    sums : LeastSquaresSums
        Of targets for the classes `own`: one target per class, and a single one for two classes,
        1 for the second, or for one, -1.
    own, classes : ndarray of shape (n_classes,)
        Sorted; `own` is part of `classes`.

    Returns
    -------
    LeastSquaresSums
    """
    if np.array_equal(own, classes):
        return sums
    return recoded(sums, *recoding(own, classes))


def recoding(own: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A (T, T') and c (T',) by which targets y' = y A + c of `classes` come of those of `own`."""
    where = np.searchsorted(classes, own)
    n_own, n_all = len(own), len(classes)
    A, c = np.zeros((1 if n_own <= 2 else n_own, n_all)), np.full(n_all, -1.0)
    c[where] = 0.0
    if n_own == 1:
        A[0, where] = -1.0
    elif n_own == 2:
        A[0, where] = [-1.0, 1.0]
    else:
        A[np.arange(n_own), where] = 1.0
    return (A[:, 1:], c[1:]) if n_all == 2 else (A, c)


def recoded(sums: LeastSquaresSums, A: np.ndarray, c: np.ndarray) -> LeastSquaresSums:
    """The sums with targets y A + c; at most one number in each column of A is not 0."""
    m, factor = sums.moments, sums.factor
    moments = replace(m, y_mean=m.y_mean @ A + c, xy=m.xy @ A, yy=m.yy @ A**2)
    if factor is None:
        return LeastSquaresSums(moments)
    d = len(m.x_mean)
    mean = np.concatenate([factor.mean[:d], factor.mean[d:] @ A + c])
    R = np.hstack([factor.R[:, :d], factor.R[:, d:] @ A])
    return LeastSquaresSums(moments, replace(factor, mean=mean, R=R))
