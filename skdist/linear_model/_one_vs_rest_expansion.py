# SPDX-License-Identifier: BSD-3-Clause
"""What a model of one class against the rest keeps for a merge.

    loss_k(w) of all shards  ~  sum_j [loss_kj(w_kj) + G_kj'(w - w_kj)
                                       + 1/2 (w - w_kj)' H_kj (w - w_kj)],      k = 1 ... K

with shard j expanded at its own optimum. Coefficients are in units of the features: of the constant
column, too, whatever `intercept_scaling` was. A shard that was not told of a class says nothing of
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skdist._report import FitReport
from skdist._rows import EncodedRows
from skdist.linear_model._loss_expansion import MOST_BYTES, minimise_quadratic, placed, too_large
from skdist.linear_model._one_vs_rest import OneVsRest, OneVsRestFit
from skdist.solvers.linear_objective import LinearObjective, curvature_of
from skdist.solvers.side_by_side import side_by_side


@dataclass(frozen=True, eq=False)
class OneVsRestExpansion:
    """Sums over shards; ``+`` adds them, class by class.

    Parameters
    ----------
    hessian : ndarray of shape (K, p, p), float64
        ``sum_j H_kj``; of two classes both have the same.
    pull : ndarray of shape (K, p), float64
        ``sum_j H_kj w_kj - G_kj``; of two classes they are opposite.
    centre : ndarray of shape (K, p), float64
        ``sum_j H_kj w_kj``.
    spread : ndarray of shape (K,), float64
        ``sum_j w_kj' H_kj w_kj``.
    n_rows : int
    classes : ndarray of shape (K,)
        Sorted labels.
    """

    hessian: np.ndarray
    pull: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    n_rows: int
    classes: np.ndarray

    def __add__(self, other: OneVsRestExpansion) -> OneVsRestExpansion:
        classes = np.union1d(self.classes, other.classes)
        a, b = self.knowing(classes), other.knowing(classes)
        return OneVsRestExpansion(
            a.hessian + b.hessian,
            a.pull + b.pull,
            a.centre + b.centre,
            a.spread + b.spread,
            a.n_rows + b.n_rows,
            classes,
        )

    def knowing(self, classes: np.ndarray) -> OneVsRestExpansion:
        """The same sums, with a place for all of `classes`."""
        if np.array_equal(classes, self.classes):
            return self
        where, n = np.searchsorted(classes, self.classes), len(classes)
        sums = (self.hessian, self.pull, self.centre, self.spread)
        wider = (placed(where, values, n) for values in sums)
        return OneVsRestExpansion(*wider, self.n_rows, classes)

    @property
    def problems(self) -> range:
        """Numbers of the classes that have a row of coefficients: of two, the second."""
        return range(1, 2) if len(self.classes) == 2 else range(len(self.classes))

    def minimum(self, objective: LinearObjective) -> np.ndarray:
        """Coefficients (K, p) that minimise the expansion plus the penalty of `objective`."""
        p = self.pull.shape[1]
        unit = np.ones(p)
        unit[objective.n_features :] = 1.0 / objective.intercept_scaling
        l1, l2 = objective.l1 * unit, objective.l2 * unit**2
        scale = objective.scale
        return np.array(
            [
                minimise_quadratic(scale * self.hessian[k], scale * self.pull[k], l1, l2)
                for k in self.problems
            ]
        )

    def disagreement(self, w: np.ndarray) -> float:
        """``1/2 sum_kj (w_k - w_kj)' H_kj (w_k - w_kj)``: what w costs, without the penalty."""
        total = 0.0
        for own, k in zip(w, self.problems, strict=True):
            total += own @ self.hessian[k] @ own - 2.0 * own @ self.centre[k] + self.spread[k]
        return max(float(total) / 2.0, 0.0)


def keep_one_vs_rest(
    rows: EncodedRows,
    problems: Sequence[OneVsRest],
    objective: LinearObjective,
    fit: OneVsRestFit,
) -> tuple[OneVsRestExpansion | None, FitReport]:
    """What `fit_shard` keeps for a merge, one round; None where it takes more than 64 MiB."""
    n_bytes = 8 * len(rows.classes) * objective.shape[1] ** 2
    if n_bytes > MOST_BYTES:
        return None, fit.report.saying(too_large(n_bytes))
    w = fit.w
    plain = replace(objective, intercept_scaling=1.0)
    w[:, objective.n_features :] *= objective.intercept_scaling
    sums = side_by_side(
        rows.shards,
        problems,
        lambda k, shards: shards.map_reduce(curvature_of, plain, w[k : k + 1]),
    )
    hessian = np.array([own.hessian for own in sums])
    centre = np.einsum("kij,kj->ki", hessian, w)
    pull = centre - np.concatenate([own.gradient for own in sums])
    spread = np.einsum("ki,ki->k", w, centre)
    if len(problems) == 1:
        hessian, spread = np.repeat(hessian, 2, axis=0), np.repeat(spread, 2)
        centre, pull = np.concatenate([-centre, centre]), np.concatenate([-pull, pull])
    expansion = OneVsRestExpansion(hessian, pull, centre, spread, rows.n_samples, rows.classes)
    return expansion, fit.report.charged(rows.shards.cost)
