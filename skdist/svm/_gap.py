# SPDX-License-Identifier: BSD-3-Clause
"""How far a machine's dual value can be from the optimum over given rows.

    gap = P(f) - D(a) = |f|^2 + C sum_i s_i loss(y_i, f(x_i)) - (what is linear in a)

where the sum is over the rows, and a is 0 for those that are no support vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.svm import SVC
from sklearn.utils.validation import validate_data

from skdist._labels import encode_labels
from skdist._sklearn import check_sample_weight
from skdist.solvers.one_vs_one import pairs_of
from skdist.summaries import dense
from skdist.svm._kernel_machine import at_least_zero


def duality_gap_on(machine: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """The gap of an SVC, summed over its pairs of classes, or of an SVR.

    Parameters
    ----------
    machine : DistributedSVC or DistributedSVR
    X : array-like of shape (n, d)
        All rows that its support vectors were taken from.
    y : array-like of shape (n,)
    sample_weight : array-like of shape (n,), or None

    Raises
    ------
    ValueError
        If the rows do not fit the machine; if it has not kept the targets of its support vectors.
    """
    sparse = "csr" if machine._sparse else False
    X, y = validate_data(
        machine, X, y, reset=False, dtype=np.float64, accept_sparse=sparse, order="C"
    )
    weight = check_sample_weight(at_least_zero(sample_weight), X, dtype=np.float64)
    of_kind = _of_classes if isinstance(machine, SVC) else _of_targets
    return of_kind(machine, X, y, weight)


def _of_classes(machine: Any, X: Any, y: Any, weight: np.ndarray) -> float:
    unknown = np.setdiff1d(y, machine.classes_)
    if len(unknown):
        raise ValueError(
            f"y has {unknown.tolist()}, which no model has seen; known are "
            f"{machine.classes_.tolist()}. Leave those rows out."
        )
    codes = encode_labels(np.asarray(y), machine.classes_).astype(np.intp)
    cost = machine.C * weight * machine.class_weight_[codes]
    values = machine._values(X)
    at_vectors = machine._values(machine.support_vectors_) - machine._intercept_
    own = np.repeat(np.arange(len(machine.classes_)), machine.n_support_)
    table, gap = dense(machine._dual_coef_), 0.0
    for p, (i, j) in enumerate(pairs_of(len(machine.classes_))):
        coef = np.where(own == i, table[j - 1], np.where(own == j, table[i], 0.0))
        sign = np.where(codes == i, 1.0, np.where(codes == j, -1.0, 0.0))
        loss = np.maximum(0.0, 1.0 - sign * values[:, p])[sign != 0] @ cost[sign != 0]
        gap += coef @ at_vectors[:, p] + loss - np.abs(coef).sum()
    return float(gap)


def _of_targets(machine: Any, X: Any, y: Any, weight: np.ndarray) -> float:
    if machine._kept is None:
        raise ValueError(
            "The gap on rows needs the targets of the support vectors, which not all models have "
            "kept. Fit the shards with fit_shard, or leave X and y out."
        )
    coef, targets = dense(machine._dual_coef_)[0], machine._kept.y[machine.support_]
    at_vectors = machine._values(machine.support_vectors_) - machine._intercept_
    loss = np.maximum(0.0, np.abs(y - machine._values(X).ravel()) - machine.epsilon)
    linear = machine.epsilon * np.abs(coef).sum() - targets @ coef
    return float(coef @ at_vectors.ravel() + machine.C * (weight @ loss) + linear)
