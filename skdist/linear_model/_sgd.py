# SPDX-License-Identifier: BSD-3-Clause
"""What the two estimators of stochastic gradient descent share: who fits, and what is left.

One shard in memory is scikit-learn's own compiled loop, bit for bit. Several shards, and the
partitions of a Dask collection, pass side by side and are averaged.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skdist._caller import level_of_caller
from skdist._carried_settings import CarriesSettings
from skdist._columns import shape_of
from skdist._estimator import SHARDING, Stopwatch
from skdist._report import FitReport
from skdist._rows import few_shards
from skdist._sklearn import check_sgd
from skdist._watching import Watched
from skdist._whole_fit import whole_fit
from skdist.linear_model._finite_model import check_finite_model
from skdist.sharding import is_dask, joblib_workers

# Rows below which threads for scikit-learn's fits of one class against the rest do not pay.
SMALL = 2_000
# Arrays that scikit-learn's loop writes to, those of the last fit included.
WRITTEN_TO = (
    "coef_",
    "intercept_",
    "_standard_coef",
    "_standard_intercept",
    "_average_coef",
    "_average_intercept",
)


def n_rows(X):
    """Rows of an array, a frame or nested lists; 0 of what scikit-learn will refuse."""
    return next(iter(shape_of(X)), 0)


class DistributedSGD(CarriesSettings, Watched):
    """Mixin in front of scikit-learn's two classes."""

    _wires = frozenset({"exact", "float32", "share"})  # how its parameters may travel
    _rounds_of_an_iteration = 2

    _parameter_constraints = {
        **SHARDING,
    }

    @whole_fit
    def fit(self, X, y, coef_init=None, intercept_init=None, sample_weight=None):
        """Pass over the rows until the objective, or the score on rows held out, gets no better.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
            float32 is kept; everything else becomes float64, sparse matrices CSR.
        y : array-like of shape (n_samples,)
        coef_init : array-like of the shape of `coef_`, default=None
            Coefficients to start from.
        intercept_init : array-like of the shape of `intercept_`, default=None
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of the steps; of several shards, also the weights of their averages.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For what scikit-learn's class refuses, and when parameters are no numbers any more. The
            estimator is then as it was before.

        Warns
        -----
        ConvergenceWarning
            If the fit ended at `max_iter`.
        UserWarning
            If the partitions of a Dask collection differ so much that averages are poor models.
        """
        self._fit_rows(X, y, coef_init, intercept_init, sample_weight)

    def _fit_rows(self, X, y, coef_init=None, intercept_init=None, sample_weight=None):
        if self._is_one_shard(X):
            start = [None if a is None else np.array(a) for a in (coef_init, intercept_init)]
            with self._scikit_learns_loop(X):
                super().fit(X, y, *start, sample_weight=sample_weight)
            return
        check_sgd(self)
        if self.warm_start and "coef_" in vars(self):
            coef_init = self.coef_ if coef_init is None else coef_init
            intercept_init = self.intercept_ if intercept_init is None else intercept_init
        self._fit_shards(X, y, sample_weight, coef_init=coef_init, intercept_init=intercept_init)
        self._warn_of_parameters()

    def _pass_once(self, X, y, sample_weight, classes=None):
        """`partial_fit`: one pass from where the last one ended."""
        given = {} if classes is None else {"classes": classes}
        if self._is_one_shard(X):
            with self._scikit_learns_loop(X):
                super().partial_fit(X, y, sample_weight=sample_weight, **given)
            return
        if "coef_" not in vars(self):
            check_sgd(self, for_partial_fit=True)
        self._fit_shards(X, y, sample_weight, one_pass=True, **given)

    def _is_one_shard(self, X):
        """Whether scikit-learn's own loop does the fit."""
        if is_dask(X):
            return False
        return (self.n_shards or few_shards(n_rows(X))) == 1

    @contextmanager
    def _scikit_learns_loop(self, X):
        """For a fit of scikit-learn's: on our workers, and on copies of what it will write to."""
        watch = Stopwatch()
        # Together, since some of them are the same array.
        state = {name: vars(self)[name] for name in WRITTEN_TO if name in vars(self)}
        vars(self).update(deepcopy(state))
        with joblib_workers(1 if n_rows(X) < SMALL else self.n_jobs):
            yield
        watch.lap("solve")
        self._weight_of_rows, self.n_shards_ = self.t_ - 1.0, 1
        self.report_ = FitReport(
            method="sgd",
            strategy="local",
            exact=True,
            why=("One shard: scikit-learn's own loop.",),
            seconds=watch.seconds,
            extra={"history": ()},
        )

    def _fit_shards(self, X, y, sample_weight, **how):
        """Shards pass side by side, on our kernels."""
        # Here and not above: small fits never load numba.
        from skdist.linear_model._sgd_shards import descend

        self.report_ = descend(self, X, y, sample_weight, **how)
        check_finite_model(self)
        self._weight_of_rows, self.n_shards_ = self.t_ - 1.0, len(self.report_.shards)
        if self.verbose:
            for line in self.report_.extra["history"]:
                print(f"[{type(self).__name__}] {line}")
        self._print_report()

    def _warn_of_parameters(self):
        """scikit-learn's warnings at the end of a fit."""
        if self.tol is not None and self.n_iter_ == self.max_iter:
            warnings.warn(
                "Maximum number of iteration reached before convergence. Consider increasing "
                "max_iter to improve the fit.",
                ConvergenceWarning,
                stacklevel=level_of_caller(),
            )
        if self.power_t < 0:
            warnings.warn(
                "Negative values for `power_t` are deprecated in version 1.8 and will raise an "
                "error in 1.10. Use values in the range [0.0, inf) instead.",
                FutureWarning,
                stacklevel=level_of_caller(),
            )
