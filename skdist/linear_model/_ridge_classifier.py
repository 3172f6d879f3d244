# SPDX-License-Identifier: BSD-3-Clause
"""Ridge regression on classes, coded as 1 and -1."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import compute_sample_weight

from skdist._columns import shape_of
from skdist._estimator import SHARDING, ShardedClassifierFit
from skdist._rows import Intake
from skdist._shard_classes import check_none_lacking, knowing
from skdist._sklearn import check_sample_weight, give_binarizer
from skdist.linear_model._class_targets import with_classes
from skdist.linear_model._least_squares_fit import n_targets
from skdist.linear_model._ridge_fit import MergedRidge
from skdist.sharding import is_dask
from skdist.summaries import dense


class DistributedRidgeClassifier(ShardedClassifierFit, MergedRidge, RidgeClassifier):
    """A classifier by ridge regression, whose fit is spread over cores or a cluster.

    Each class k has a target, 1 for its rows and -1 for all others, and ::

        F(W, b) = sum_k [ sum_i s_i (y_ik - w_k'x_i - b_k)^2 + alpha |w_k|^2 ]

    is minimised; the class of the largest ``w_k'x + b_k`` is predicted. Two classes have one
    target, 1 for the second. The weights s are sample weights times class weights. That is
    :class:`sklearn.linear_model.RidgeClassifier`, of which this is a subclass: the same optimum,
    parameters and fitted attributes. What differs is what differs in :class:`DistributedRidge`.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Strength of the penalty, 0 or more.
    fit_intercept : bool, default=True
        Whether there are intercepts b, or b = 0.
    copy_X : bool, default=True
        X is not changed in either case.
    max_iter : int, default=None
    tol : float, default=1e-4
        Both: see :class:`DistributedRidge`.
    class_weight : dict or "balanced", default=None
        Weight of each class; "balanced" is in inverse proportion to the class's rows in y.
    solver : {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}, \
            default="auto"
        See :class:`DistributedRidge`.
    positive : bool, default=False
        Whether all coefficients must be 0 or more. "auto" and "lbfgs" only.
    random_state : int, RandomState instance or None, default=None
        Order of the rows for "sag" and "saga". The others draw nothing.
    n_shards : int, default=None
    n_jobs : int, default=None
        Both: see :class:`DistributedRidge`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; of a multilabel problem the numbers of the columns of y.
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        The coefficients; float32 where X is.
    intercept_ : ndarray of shape (n_targets,), or 0.0
    n_iter_ : ndarray of shape (n_targets,)
        Passes over the rows; iterations, where there were any.
    solver_ : str
        The solver that scikit-learn's class would have used.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards the rows were cut into; 1 for scikit-learn's own fit.
    report_ : FitReport
        See :class:`DistributedRidge`; and a table of the `shards`, with the rates of the classes.

    See Also
    --------
    DistributedLogisticRegression : Probabilities, by Newton's method.
    skdist.merge : One model out of several, fitted apart.

    Notes
    -----
    Costs what :class:`DistributedRidge` costs with as many targets as there are classes. The matrix
    of targets is made shard by shard.

    `fit_shard` keeps the sums: the merged model is the fit on all rows. With
    ``class_weight="balanced"`` every place balances its own rows, which `report_` says.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdist import DistributedRidgeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DistributedRidgeClassifier(n_shards=3).fit(X, y)
    >>> model.coef_.shape, round(model.score(X, y), 2)
    ((3, 4), 0.85)
    """

    _parameter_constraints = {
        **RidgeClassifier._parameter_constraints,
        **SHARDING,
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=None,
        tol=1e-4,
        class_weight=None,
        solver="auto",
        positive=False,
        random_state=None,
        n_shards=None,
        n_jobs=None,
    ):
        super().__init__(
            alpha=alpha,
            fit_intercept=fit_intercept,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            class_weight=class_weight,
            solver=solver,
            positive=positive,
            random_state=random_state,
        )
        self.n_shards = n_shards
        self.n_jobs = n_jobs

    def _fit(self, X, y, sample_weight, *, shard=False, classes=None):
        super()._fit(X, y, sample_weight, shard=shard, classes=classes)
        check_none_lacking(self.classes_, classes, self.solver)

    def _encode(self, X, y, sample_weight, classes=None):
        if is_multilabel(y):
            return self._encode_labels(X, y, sample_weight, classes)
        balance = {"class_weight": self.class_weight, "balance_by_weight": False}
        rows = super()._encode(X, y, sample_weight, Intake(classify=True, **balance))
        rows = knowing(rows, classes)
        give_binarizer(self, binarizer().fit(rows.classes))
        return rows

    def _encode_labels(self, X, y, sample_weight, classes):
        """Rows that have several labels each, or none: a target for every column of y."""
        if classes is not None:
            raise ValueError(
                f"classes={classes} was passed with y of shape {np.shape(y)}: where rows have "
                "several labels, all places have the same columns of y. Leave classes out."
            )
        labels = binarizer()
        targets = dense(labels.fit_transform(y))
        if self.class_weight is not None:
            own = compute_sample_weight(self.class_weight, y)
            given = check_sample_weight(sample_weight, targets, dtype=np.float64)
            sample_weight = own * given
        rows = super()._encode(X, targets, sample_weight)
        give_binarizer(self, labels)
        return rows

    def _n_targets(self, rows):
        if rows.classes is None:
            return n_targets(rows)
        return 1 if len(rows.classes) <= 2 else len(rows.classes)

    def _take_sums(self, models):
        """Become what the sums of all models say, each brought to the classes of all."""
        first = models[0]._sums
        if any(model._sums.y_ndim == 2 for model in models):
            check_same_labels(models)
            give_binarizer(self, models[0]._label_binarizer)
            return super()._take_sums(models)
        classes = reduce(np.union1d, (model.classes_ for model in models))
        sums = reduce(add, (with_classes(m._sums.sums, m.classes_, classes) for m in models))
        give_binarizer(self, binarizer().fit(classes))
        kept = replace(first, sums=sums)
        self._expose_sums(kept)
        return kept

    def _merges_exactly(self):
        return self.class_weight != "balanced"

    def _expose(self, found, dtype, y_ndim, is_sparse):
        """scikit-learn's attributes; an intercept for each target, also for one."""
        super()._expose(found, dtype, 2, is_sparse)


def binarizer():
    """Targets of 1 and -1."""
    return LabelBinarizer(pos_label=1, neg_label=-1)


def check_same_labels(models):
    """Raise unless the rows of all models have several labels each, and the same ones."""
    for number, model in enumerate(models):
        if model._sums.y_ndim != 2 or len(model.classes_) != len(models[0].classes_):
            raise ValueError(
                f"Model {number} was not fitted to the several labels of model 0: these are "
                f"{len(models[0].classes_)} columns of y. Merge models of the same columns."
            )


def is_multilabel(y):
    """Whether y has several columns; a Dask collection's are refused where it is encoded."""
    if is_dask(y):
        return False
    shape = shape_of(y)
    return len(shape) == 2 and shape[1] > 1
