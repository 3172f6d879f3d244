# SPDX-License-Identifier: BSD-3-Clause
r"""What a linear model fitted to one shard tells about its loss: value aside, two derivatives.

    loss_j(W) ~ loss_j(W_j) + <G_j, W - W_j> + 1/2 <W - W_j, H_j (W - W_j)>

and so for the objective, with one penalty R however many shards there are, ::

    W = argmin  scale * sum_j [1/2 <W, H_j W> - <H_j W_j - G_j, W>] + R(W)

Classes are placed by label. The loss of a shard that lacks a class does not depend on that class's
coefficients: it tells how the classes it has compare, p(k | x, k is one of them).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skdist._report import FitReport
from skdist._rows import EncodedRows
from skdist.linear_model._linear_fit import LinearFit
from skdist.solvers.linear_objective import LinearObjective, curvature_of
from skdist.summaries import LossGradientHessian, QuadraticModel

MOST_BYTES = 1 << 26


@dataclass(frozen=True, eq=False)
class LossExpansion:
    """Sums over shards; ``+`` adds them, class by class.

    Parameters
    ----------
    grams : ndarray of shape (G, p (p + 1) / 2), float64
        Upper triangles of ``sum_i s_i c_i x_i x_i'``, one for each pair of classes in the order
        (0, 1), (0, 2), ...; for two classes, and without classes, there is one.
    pull : ndarray of shape (K, p), float64
        ``sum_j H_j W_j - G_j``; two rows, of opposite sign, for two classes.
    centre : ndarray of shape (K, p), float64
        ``sum_j H_j W_j``.
    spread : float
        ``sum_j <W_j, H_j W_j>``.
    weight : float
        Sum of the weights of the rows.
    n_rows : int
    n_shards : int
    classes : ndarray of shape (K,), or None for regression
        Sorted labels.
    """

    grams: np.ndarray
    pull: np.ndarray
    centre: np.ndarray
    spread: float
    weight: float
    n_rows: int
    n_shards: int
    classes: np.ndarray | None

    def __add__(self, other: LossExpansion) -> LossExpansion:
        classes = None
        if self.classes is not None:
            classes = np.union1d(self.classes, other.classes)
        a, b = self.knowing(classes), other.knowing(classes)
        return LossExpansion(
            a.grams + b.grams,
            a.pull + b.pull,
            a.centre + b.centre,
            a.spread + b.spread,
            a.weight + b.weight,
            a.n_rows + b.n_rows,
            a.n_shards + b.n_shards,
            classes,
        )

    def knowing(self, classes: np.ndarray | None) -> LossExpansion:
        """The same sums, with a place for all of `classes`."""
        if classes is None or np.array_equal(classes, self.classes):
            return self
        where = np.searchsorted(classes, self.classes)
        first, second = pairs(len(self.classes))
        grams = np.zeros((len(pairs(len(classes))[0]), self.grams.shape[1]))
        grams[pair_number(where[first], where[second], len(classes))] = self.grams
        pull, centre = (placed(where, values, len(classes)) for values in (self.pull, self.centre))
        return replace(self, grams=grams, pull=pull, centre=centre, classes=classes)

    @property
    def n_outputs(self) -> int:
        """Rows of coefficients of the model: 1 for two classes and for regression, else K."""
        return 1 if len(self.pull) <= 2 else len(self.pull)

    def hessian(self) -> np.ndarray:
        """``sum_j H_j`` as a matrix, (K p, K p) with K = `n_outputs`."""
        return LossGradientHessian(0.0, self.pull[-self.n_outputs :], self.grams).hessian

    def minimum(self, objective: LinearObjective) -> np.ndarray:
        """Coefficients (K, p) that minimise the expansion plus the penalty of `objective`."""
        own = slice(-self.n_outputs, None)
        A, b = objective.scale * self.hessian(), objective.scale * self.pull[own].ravel()
        penalised = np.tile(objective.penalised, self.n_outputs)
        w = minimise_quadratic(A, b, objective.l1 * penalised, objective.l2 * penalised)
        return objective.centred(w.reshape(objective.shape))

    def disagreement(self, w: np.ndarray) -> float:
        """``1/2 sum_j <W - W_j, H_j (W - W_j)>``: what W costs the shards, without the penalty."""
        own = slice(-self.n_outputs, None)
        flat = w.ravel()
        squares = flat @ (self.hessian() @ flat) - 2.0 * flat @ self.centre[own].ravel()
        return max(float(squares + self.spread) / 2.0, 0.0)


def pairs(n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """First and second of all pairs of classes, in the order of the Grams."""
    return np.triu_indices(n_classes, 1)


def pair_number(first: np.ndarray, second: np.ndarray, n_classes: int) -> np.ndarray:
    """Place of the pairs first < second among those of `n_classes`."""
    return first * (2 * n_classes - first - 1) // 2 + second - first - 1


def placed(where: np.ndarray, values: np.ndarray, n_classes: int) -> np.ndarray:
    """`values` of some classes among those of all, 0 elsewhere."""
    wider = np.zeros((n_classes, *values.shape[1:]))
    wider[where] = values
    return wider


def expand(rows: EncodedRows, objective: LinearObjective, w: np.ndarray) -> LossExpansion:
    """The expansion at w (K, p) of the loss of all rows; one round."""
    sums = rows.shards.map_reduce(curvature_of, objective, w)
    flat = w.ravel()
    centre = (sums.hessian @ flat).reshape(w.shape)
    pull = centre - sums.gradient
    spread = float(flat @ centre.ravel())
    if rows.classes is not None and len(w) == 1:  # z_1 - z_0: half of it each, with its sign
        centre, pull = np.concatenate([-centre, centre]), np.concatenate([-pull, pull])
    return LossExpansion(
        sums.grams,
        pull,
        centre,
        spread,
        rows.total_weight,
        rows.n_samples,
        1,
        rows.classes,
    )


def keep_expansion(
    rows: EncodedRows, objective: LinearObjective, fit: LinearFit
) -> tuple[LossExpansion | None, FitReport]:
    """What `fit_shard` keeps for a merge, and the report with what it cost.

    None where it would take more than 64 MiB: such models are averaged.
    """
    n_outputs, p = objective.shape
    n_bytes = 4 * p * (p + 1) * max(1, n_outputs * (n_outputs - 1) // 2)
    if n_bytes > MOST_BYTES:
        return None, fit.report.saying(too_large(n_bytes))
    expansion = expand(rows, objective, fit.solution.w)
    return expansion, fit.report.charged(rows.shards.cost)


def too_large(n_bytes: int) -> str:
    """Why nothing is kept."""
    return f"The curvature, {n_bytes:,} bytes, is not kept: a merge averages coefficients."


def minimise_quadratic(A: np.ndarray, b: np.ndarray, l1: np.ndarray, l2: np.ndarray) -> np.ndarray:
    """argmin of ``1/2 w'Aw - b'w + 1/2 sum l2 w^2 + sum l1 |w|``."""
    w = QuadraticModel(A + np.diag(l2), b, 0.0).minimiser()
    if not l1.any():
        return w
    # Imported here: it compiles, and most merges do not need it.
    from skdist.solvers.coordinate_descent import PenalisedQuadratic, coordinate_descent

    problem = PenalisedQuadratic.of(A, b, l1, l2)
    curvature = np.diag(A) + l2 + (np.diag(A) + l2 == 0.0)

    def one_step(w, Aw):  # no bound where A is singular, but what the best single step gains
        return float(np.max(problem.subgradient(w, Aw) ** 2 / curvature) / 2.0)

    return coordinate_descent(
        problem, w, gap=one_step, enough=1e-20 * abs(b @ w), tol=1e-10, max_iter=10_000
    ).w
