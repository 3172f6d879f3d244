# SPDX-License-Identifier: BSD-3-Clause
"""The parameters of an SGD estimator as numbers that kernels read; classes as binary problems."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier

from skdist._labels import count_classes, weigh_classes
from skdist._rows import EncodedRows
from skdist._shard_classes import all_classes
from skdist._sklearn import SPARSE_INTERCEPT_DECAY, check_partial_fit_classes, start_sgd
from skdist.kernels.sgd_losses import LOSSES
from skdist.kernels.sgd_rules import ELASTIC_NET, L1, OPTIMAL, PENALTIES, SCHEDULES, Problems, Rules
from skdist.solvers.descent import Position, start_at
from skdist.summaries import WeightedMean


def rules_of(sgd: Any, is_sparse: bool) -> Rules:
    """The parameters, resolved."""
    kind, schedule = PENALTIES[sgd.penalty], SCHEDULES[sgd.learning_rate]
    share = {L1: 1.0, ELASTIC_NET: sgd.l1_ratio}.get(kind, 0.0)
    offset = 0.0
    if schedule == OPTIMAL:  # Bottou's heuristic: the first step has the size of a typical weight
        typical = math.sqrt(1.0 / math.sqrt(sgd.alpha))
        offset = 1.0 / (typical * sgd.alpha)
    return Rules(
        loss=LOSSES[sgd.loss],
        epsilon=float(sgd.epsilon),
        penalty=kind,
        alpha=float(sgd.alpha),
        l1_ratio=float(share),
        schedule=schedule,
        eta0=float(sgd.eta0),
        power_t=float(sgd.power_t),
        offset=float(offset),
        fit_intercept=bool(sgd.fit_intercept),
        intercept_decay=SPARSE_INTERCEPT_DECAY if is_sparse else 1.0,
        average=int(sgd.average),
    )


def set_classes(sgd: Any, found: np.ndarray, classes: Any, one_pass: bool) -> None:
    """Set `classes_`, with scikit-learn's errors."""
    if one_pass:
        if "classes_" not in vars(sgd) and sgd.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit, which does not see all "
                "rows. Pass a dict, e.g. of compute_class_weight('balanced', classes=classes, y=y) "
                "on a sample that is large enough."
            )
        check_partial_fit_classes(sgd, classes)
    else:
        sgd.classes_ = found if classes is None else all_classes(found, classes)
    if len(sgd.classes_) < 2:
        raise ValueError(
            f"The number of classes has to be greater than one; got {len(sgd.classes_)} class"
        )


def problems_of(sgd: Any, rows: EncodedRows) -> Problems:
    """One problem of two classes, K of each against the rest, or regression."""
    if not is_classifier(sgd):
        return Problems(True, np.array([-1]), np.ones(1), np.ones(1))
    weight, found = class_weights(sgd, rows), rows.classes
    place = np.minimum(np.searchsorted(found, sgd.classes_), len(found) - 1)
    positive = np.where(found[place] == sgd.classes_, place, -1)
    if len(positive) == 2:
        return Problems(False, positive[1:], weight[1:], weight[:1])
    return Problems(False, positive, weight, np.ones(len(positive)))


def class_weights(sgd: Any, rows: EncodedRows) -> np.ndarray:
    """Weight of each of `classes_`, (K,) float64; "balanced" counts rows, not weights."""
    given, classes, counts = sgd.class_weight, sgd.classes_, np.empty(0)
    if given == "balanced" and len(rows.classes) < len(classes):
        lacking = np.setdiff1d(classes, rows.classes).tolist()
        raise ValueError(
            f"class_weight='balanced' needs rows of all classes, y has none of {lacking}. Pass a "
            "dict of weights."
        )
    if given == "balanced":
        counts = count_classes(rows.shards, np.arange(len(classes)), weighted=False)
    weight = weigh_classes(given, classes, counts)
    return np.ones(len(classes)) if weight is None else weight


def start_of(
    sgd: Any,
    rows: EncodedRows,
    rules: Rules,
    coef_init: Any,
    intercept_init: Any,
    one_pass: bool,
) -> Position:
    """Where the estimator stands, for one more pass; else where a fit starts."""
    if one_pass and vars(sgd).get("coef_") is not None:
        return _position_of(sgd, rules)
    n_classes = len(sgd.classes_) if is_classifier(sgd) else 1
    start_sgd(sgd, n_classes, rows.n_features, rows.dtype, coef_init, intercept_init)
    return start_at(np.atleast_2d(sgd.coef_), sgd.intercept_, rules)


def _position_of(sgd: Any, rules: Rules) -> Position:
    state = vars(sgd)
    if issparse(sgd.coef_):
        raise ValueError(
            "coef_ is sparse, and partial_fit goes on from dense coefficients only: call "
            "densify() first."
        )
    averages = sgd.average > 0 and state.get("_average_coef") is not None
    coef, intercept = sgd.coef_, sgd.intercept_
    if averages:
        coef, intercept = sgd._standard_coef, sgd._standard_intercept
    position = start_at(np.atleast_2d(coef), np.atleast_1d(intercept), rules, float(sgd.t_))
    if not averages:
        return position
    mean = np.column_stack([np.atleast_2d(sgd._average_coef), sgd._average_intercept])
    summed = max(0.0, sgd.t_ - sgd.average)
    return Position(
        position.now, position.t, WeightedMean(summed, mean.astype(np.float64)), position.active
    )
