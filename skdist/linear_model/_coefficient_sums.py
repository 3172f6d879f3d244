# SPDX-License-Identifier: BSD-3-Clause
r"""Coefficients of linear models put beside each other, class by class, and averaged.

    W = argmin  sum_j omega_j |what model j compares, in W less in W_j|^2 = L^+ sum_j L_j W_j

What a model compares gives the matrix L_j (K, K):

"softmax"
    Differences of two classes it knows, as only these enter p(k | x): omega_j times the Laplacian
    of the complete graph of its classes. Of models with the same classes that is the mean; {0, 1}
    and {1, 2} become one model of three classes in which both odds are kept.
"margin"
    Each class with the rest: omega_j on the diagonal. A class has the mean of the models that know
    it.
"targets"
    Each output for itself: the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skdist.summaries import dense

# Share of the coefficients of two classes that belongs to the second; the first has minus that.
_SECOND_OF_TWO = {"softmax": 0.5, "margin": 1.0}


@dataclass(frozen=True, eq=False)
class CoefficientSums:
    """``sum_j L_j`` and ``sum_j L_j W_j``; ``+`` adds them, class by class.

    Parameters
    ----------
    kind : {"softmax", "margin", "targets"}
    metric : ndarray of shape (K, K), float64
    pull : ndarray of shape (K, p), float64
        The intercept last.
    classes : ndarray of shape (K,), or None for regression
    """

    kind: str
    metric: np.ndarray
    pull: np.ndarray
    classes: np.ndarray | None

    @classmethod
    def of(
        cls, kind: str, coef: np.ndarray, intercept: np.ndarray, classes: np.ndarray | None
    ) -> CoefficientSums:
        """Of one model, of weight 1."""
        coef = np.atleast_2d(dense(coef))
        w = np.column_stack([coef, np.broadcast_to(intercept, len(coef))]).astype(np.float64)
        if classes is not None and len(w) == 1:
            w = _SECOND_OF_TWO[kind] * np.concatenate([-w, w])
        K = len(w)
        metric = K * np.eye(K) - 1.0 if kind == "softmax" else np.eye(K)
        return cls(kind, metric, metric @ w, classes)

    def __add__(self, other: CoefficientSums) -> CoefficientSums:
        classes = None if self.classes is None else np.union1d(self.classes, other.classes)
        a, b = self.knowing(classes), other.knowing(classes)
        return CoefficientSums(self.kind, a.metric + b.metric, a.pull + b.pull, classes)

    def __mul__(self, weight: float) -> CoefficientSums:
        """The same with `weight` times the say."""
        return CoefficientSums(self.kind, weight * self.metric, weight * self.pull, self.classes)

    def knowing(self, classes: np.ndarray | None) -> CoefficientSums:
        """The same sums, with a place for all of `classes`."""
        if classes is None or np.array_equal(classes, self.classes):
            return self
        where = np.searchsorted(classes, self.classes)
        metric = np.zeros((len(classes), len(classes)))
        metric[np.ix_(where, where)] = self.metric
        pull = np.zeros((len(classes), self.pull.shape[1]))
        pull[where] = self.pull
        return CoefficientSums(self.kind, metric, pull, classes)

    def average(self) -> np.ndarray:
        """W, (K, p), or (1, p) for two classes."""
        w = np.linalg.pinv(self.metric, hermitian=True) @ self.pull
        if self.classes is not None and len(w) == 2:
            return w[1:] / (2.0 * _SECOND_OF_TWO[self.kind]) - w[:1] / (
                2.0 * _SECOND_OF_TWO[self.kind]
            )
        return w
