# SPDX-License-Identifier: BSD-3-Clause
"""The fit of an SGD estimator on several shards: from rows and parameters to fitted attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from skdist._config import settings
from skdist._estimator import Stopwatch
from skdist._report import FitReport
from skdist._rows import EncodedRows, Intake, encode_rows, few_shards
from skdist._skew import Table, check_alike
from skdist._watching import shows
from skdist.linear_model._sgd import n_rows
from skdist.linear_model._sgd_problems import problems_of, rules_of, set_classes, start_of
from skdist.sharding import is_dask
from skdist.solvers.descent import Descent, Position, penalty
from skdist.solvers.mean_losses import mean_losses
from skdist.solvers.parameter_averaging import Descended, parameter_averaging

MAX_SEED = np.iinfo(np.int32).max
# Rows in memory are dealt to shards at random. What is neighbours by chance may stay neighbours:
# one cache miss brings them all.
RUN = 16
AVERAGES_OF_UNLIKE = (
    "Their parameters are averaged, and averages of models of unlike rows are poor. Shuffle the "
    "rows over the partitions, or fit a model that merges sums, such as "
    "DistributedLogisticRegression, DistributedLinearSVC or DistributedRidge."
)


def descend(
    sgd: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    coef_init: Any = None,
    intercept_init: Any = None,
    classes: Any = None,
    one_pass: bool = False,
) -> FitReport:
    """Fit on shards, and set what scikit-learn's class sets.

    Parameters
    ----------
    sgd : DistributedSGDClassifier or DistributedSGDRegressor
    X, y, sample_weight : the rows, in memory or a Dask collection.
    coef_init, intercept_init : where to start; zeros if they are None.
    classes : all classes there are, where y may lack some.
    one_pass : bool
        Whether to pass once from where the estimator stands, as `partial_fit` does.
    """
    watch = Stopwatch()
    seed = int(check_random_state(sgd.random_state).randint(MAX_SEED))
    rows = _encode(sgd, X, y, sample_weight, seed, one_pass)
    table = rows.table
    if is_dask(X):  # else rows are dealt to the shards
        table = check_alike(rows.shards, table, AVERAGES_OF_UNLIKE, regression=rows.classes is None)
    if is_classifier(sgd):
        set_classes(sgd, rows.classes, classes, one_pass)
    rules, problems = rules_of(sgd, rows.is_sparse), problems_of(sgd, rows)
    start = start_of(sgd, rows, rules, coef_init, intercept_init, one_pass)
    watch.lap("prepare")
    dealt = not is_dask(X) and rows.shards.n_shards > 1
    descent = Descent(
        rules,
        problems,
        seed,
        run=(RUN if dealt else 1) * bool(sgd.shuffle),
        held_out=float(sgd.validation_fraction) if sgd.early_stopping else 0.0,
    )
    shows(lambda position: _model(sgd, position, rows))
    fit = parameter_averaging(
        rows.shards,
        descent,
        start,
        max_iter=1 if one_pass else sgd.max_iter,
        tol=None if one_pass else sgd.tol,
        n_iter_no_change=sgd.n_iter_no_change,
        wire=settings().wire,
    )
    watch.lap("solve")
    _expose(sgd, fit, rows, start.t)
    extra = {} if one_pass else _measured(sgd, rows, descent, fit)
    watch.lap("measure")
    return _report(rows, table, watch, {"history": fit.history, **extra})


def _encode(sgd: Any, X: Any, y: Any, sample_weight: Any, seed: int, one_pass: bool) -> EncodedRows:
    known = {}
    if one_pass and "coef_" in vars(sgd):
        names = ("n_features_in_", "feature_names_in_")
        known = {name: vars(sgd)[name] for name in names if name in vars(sgd)}
        if not is_dask(X):
            validate_data(sgd, X, reset=False, skip_check_array=True)
    n_shards = sgd.n_shards
    if n_shards is None and not is_dask(X):
        n_shards = few_shards(n_rows(X))
    rows = encode_rows(
        sgd,
        X,
        y,
        sample_weight,
        intake=Intake(classify=is_classifier(sgd)),
        n_shards=n_shards,
        n_jobs=sgd.n_jobs,
        shuffle_seed=seed if sgd.shuffle else 0,
    )
    vars(sgd).update(known)
    if rows.n_features != sgd.n_features_in_:
        raise ValueError(
            f"Number of features {rows.n_features} does not match previous data "
            f"{sgd.n_features_in_}."
        )
    return rows


def _model(sgd: Any, position: Position, rows: EncodedRows) -> dict[str, Any]:
    """What predictions need, amid a fit: the iterate, or the average if that is asked for."""
    W, b, d = position.now.W, position.now.b, rows.n_features
    if sgd.average > 0 and position.average.weight > 0.0:
        W, b = position.average.mean[:, :d], position.average.mean[:, d]
    W, b = W.astype(rows.dtype), b.astype(rows.dtype)
    return {"coef_": W if is_classifier(sgd) else W.ravel(), "intercept_": b}


def _expose(sgd: Any, fit: Descended, rows: EncodedRows, first_step: float) -> None:
    """Fitted attributes, in scikit-learn's shapes and the dtype of X."""
    now, d = fit.position.now, rows.n_features
    sgd.n_iter_ = fit.n_iter
    sgd.t_ = first_step + fit.n_iter * rows.n_samples
    W, b = now.W.astype(rows.dtype), now.b.astype(rows.dtype)
    if sgd.average > 0:
        mean = fit.position.average.mean.astype(rows.dtype)
        inner = W.shape if len(W) > 1 else (d,)
        sgd._standard_coef, sgd._standard_intercept = W.reshape(inner).copy(), b.copy()
        sgd._average_coef = mean[:, :d].reshape(inner).copy()
        sgd._average_intercept = mean[:, d].copy()
        if sgd.average <= sgd.t_ - 1.0:  # scikit-learn's condition
            W, b = np.ascontiguousarray(mean[:, :d]), mean[:, d].copy()
    sgd.coef_, sgd.intercept_ = W if is_classifier(sgd) else W.ravel(), b


def _measured(sgd: Any, rows: EncodedRows, descent: Descent, fit: Descended) -> dict[str, object]:
    """The objective at the fitted parameters, and what it cost that shards had to agree."""
    W, b = np.atleast_2d(sgd.coef_).astype(np.float64), sgd.intercept_.astype(np.float64)
    weighted, plain = mean_losses(rows.shards, descent, W[None], b[None])
    found = {"objective": float(np.mean(weighted[0] + penalty(descent.rules, W)))}
    if rows.shards.n_shards > 1:
        found["gap"] = float(np.mean(plain[0] - fit.losses))
    return found


def _report(
    rows: EncodedRows, table: Table, watch: Stopwatch, extra: dict[str, object]
) -> FitReport:
    m = rows.shards.n_shards
    why = "One shard: plain stochastic gradient descent."
    if m > 1:
        why = (
            f"Parameters of {m} shards were averaged after every pass: another number of shards "
            "gives another model."
        )
    report = FitReport(
        method="sgd",
        strategy="average",
        exact=m == 1,
        why=(why, *_shortened(settings().wire)),
        seconds=watch.seconds,
        shards=table,
        extra=extra,
    )
    return report.charged(rows.shards.cost)


def _shortened(wire: str | float) -> tuple[str, ...]:
    """What to say of parameters that did not travel as they are."""
    if wire == "exact":
        return ()
    if wire == "float32":
        return ("Parameters travelled in float32.",)
    return (
        f"Shards sent a share of {wire:g} of their moves, the largest, and owed the rest: fewer "
        "bytes, and more passes to the same objective.",
    )
