# SPDX-License-Identifier: BSD-3-Clause
"""Regression, machines with nu and of one class as dual problems.

libsvm's formulations, variable by variable: Chang & Lin, "LIBSVM: A library for support vector
machines", 2011. `w` are the weights of the rows. Of a problem on a part of the rows, such as the
support vectors of shards, `mass` is the weight of them all: with nu, what is shared out among the
variables is a part of that.
"""

from __future__ import annotations

import numpy as np

from skdist.solvers.dual_problem import DualProblem, Floats, classification

# What may be shared out: squares of more than this, and float32, do not reach far beyond it.
MOST_SHARED = 1e30
EPSILON = float(np.finfo(np.float64).eps)
LOST = 1e-3  # of the targets, what the rounding of coefficients may be


def weighed_classification(y: Floats, weight: Floats, *, C: float) -> DualProblem:
    """C-support vector classification: 0 <= a <= C w.

    Parameters
    ----------
    y : ndarray of shape (n,)
        1.0 or -1.0.
    weight : ndarray of shape (n,)
    C : float
    """
    return classification(y, C * weight)


def regression(y: Floats, weight: Floats, *, C: float, epsilon: float) -> DualProblem:
    """Epsilon-support vector regression: of each row a variable that raises f, one that lowers it.

        min over a, a':   (a - a')'K(a - a') / 2 + sum_i epsilon (a_i + a'_i) - y_i (a_i - a'_i),
                          0 <= a, a' <= C w,     sum_i a_i = sum_i a'_i

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    weight : ndarray of shape (n,)
    C : float
    epsilon : float
        Half the width of the tube inside which nothing is lost.
    """
    linear = np.concatenate([epsilon - y, epsilon + y])
    return _two_sided(linear, C * weight, np.zeros(len(y)), by_sign=False)


def nu_classification(
    y: Floats, weight: Floats, *, nu: float, mass: tuple[float, float] | None = None
) -> DualProblem:
    """Nu-support vector classification: p = 0, and half of nu sum(w) is shared out to either sign.

        0 <= a <= w,     sum of a over y_i = 1:   nu sum(w) / 2,     and the same over y_i = -1

    Parameters
    ----------
    y : ndarray of shape (n,)
        1.0 or -1.0.
    weight : ndarray of shape (n,)
    nu : float
    mass : (float, float), optional
        Of rows of sign 1 and of sign -1; by default the sums of their weights.

    Raises
    ------
    ValueError
        If a sign has not half of nu sum(w).
    """
    is_up = y > 0
    up, down = (float(weight[is_up].sum()), float(weight[~is_up].sum())) if mass is None else mass
    check_nu(nu, up, down)
    share = _shared(nu * (up + down) / 2.0)
    start = np.where(is_up, _filled(weight * is_up, share), _filled(weight * ~is_up, share))
    n = len(y)
    return DualProblem(np.arange(n), y, np.zeros(n), weight, start, by_sign=True)


def check_nu(nu: float, up: float, down: float) -> None:
    """Raise unless either of two classes, which weigh `up` and `down`, has half of nu of both."""
    if nu * (up + down) / 2.0 > min(up, down):
        raise ValueError(
            f"specified nu is infeasible: nu={nu:g}, but two classes that weigh {up:g} and "
            f"{down:g} allow {2.0 * min(up, down) / (up + down):.6g} at most. Lower nu, or weigh "
            "the smaller class more."
        )


def nu_regression(
    y: Floats, weight: Floats, *, C: float, nu: float, mass: float | None = None
) -> DualProblem:
    """Nu-support vector regression: the width of the tube is found, so that a fraction nu is out.

        min over a, a':   (a - a')'K(a - a') / 2 - sum_i y_i (a_i - a'_i),
                          0 <= a, a' <= C w,     sum_i a_i = sum_i a'_i = C nu sum(w) / 2

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    weight : ndarray of shape (n,)
    C, nu : float
    mass : float, optional
        By default the sum of the weights.

    Raises
    ------
    ValueError
        If the a are so large that their differences, the coefficients, are lost in rounding.
    """
    share = _shared(C * nu * float(weight.sum() if mass is None else mass) / 2.0)
    if EPSILON * share > LOST * (float(np.abs(y).max(initial=0.0)) or 1.0):
        raise ValueError(
            f"C, nu and the sample weights share out {share:.3g} to the multipliers of either "
            "side; coefficients are differences of these, and float64 keeps 16 digits. Divide the "
            "weights, or C, by what makes them of order 1."
        )
    start = _filled(C * weight, share)
    return _two_sided(np.concatenate([-y, y]), C * weight, start, by_sign=True)


def one_class(
    y: Floats | None, weight: Floats, *, nu: float, mass: float | None = None
) -> DualProblem:
    """Support of a distribution: p = 0, and nu sum(w) is shared out.

        min over a:   a'Ka / 2,     0 <= a <= w,     sum_i a_i = nu sum(w)

    Parameters
    ----------
    y : None
        There are no targets.
    weight : ndarray of shape (n,)
    nu : float
    mass : float, optional
        By default the sum of the weights.
    """
    n = len(weight)
    start = _filled(weight, _shared(nu * float(weight.sum() if mass is None else mass)))
    return DualProblem(np.arange(n), np.ones(n), np.zeros(n), weight, start)


def _shared(total: float) -> float:
    """What is shared out, refused if its square or its float32 would not be finite."""
    if not total <= MOST_SHARED:
        raise ValueError(
            f"nu and the sample weights share out {total:.3g} to the multipliers, of which there "
            f"may be {MOST_SHARED:g} at most. Divide the weights by their mean."
        )
    return total


def _two_sided(linear: Floats, cost: Floats, start: Floats, *, by_sign: bool) -> DualProblem:
    n = len(cost)
    sign = np.repeat([1.0, -1.0], n)
    twice = np.tile(np.arange(n), 2)
    return DualProblem(twice, sign, linear, np.tile(cost, 2), np.tile(start, 2), by_sign)


def _filled(capacity: Floats, total: float) -> Floats:
    """`total` poured into the first variables, each up to its capacity."""
    before = np.cumsum(capacity) - capacity
    return np.clip(total - before, 0.0, capacity)
