# SPDX-License-Identifier: BSD-3-Clause
r"""Losses of a target y and a raw prediction z: value, gradient and curvature, row by row.

    loss(y, z),   g = d loss / dz,   d^2 loss / dz^2 = sum over g of c_g e_g e_g',   c_g >= 0

with the direction e = 1 for a single raw prediction and e_kl = u_k - u_l, k < l, for K of them:
the Hessian of the softmax, diag(p) - p p', is the Laplacian of a graph whose edges weigh p_k p_l.
Weights c_g that are never negative are what Gram matrices are made of, and sums over rows keep it.

Raw predictions of many rows are arrays (n,), or (K, n) where there are K per row: rows come last,
so that weights of rows multiply as they are, and NumPy's loops are long. Everything is float64.
None of these knows of X or of shards. A line search may look where an exponential overflows, and
reads inf there: NumPy's warning about it is silenced by the pass over the rows.
"""

from skdist.losses._loss import Loss
from skdist.losses._of_classes import Logistic, Multinomial, SquaredHinge
from skdist.losses._of_numbers import (
    Gamma,
    Huber,
    Poisson,
    Squared,
    Tweedie,
    TweedieIdentity,
    tweedie,
)

__all__ = [
    "Gamma",
    "Huber",
    "Logistic",
    "Loss",
    "Multinomial",
    "Poisson",
    "Squared",
    "SquaredHinge",
    "Tweedie",
    "TweedieIdentity",
    "tweedie",
]
