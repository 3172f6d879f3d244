# SPDX-License-Identifier: BSD-3-Clause
"""How a PCA is fitted by sums: which solvers merge, and what their axes mean for scikit-learn."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.extmath import svd_flip
from sklearn.utils.validation import check_is_fitted

from skdist._estimator import Stopwatch
from skdist._on_collections import Method
from skdist._rows import Intake, shards_of_products
from skdist._sklearn import infer_dimension
from skdist._transformer import NumberTransformer, TypedSums
from skdist._whole_fit import all_or_nothing
from skdist.sharding import is_dask, lazily
from skdist.solvers.column_summaries import factor_of_columns, products_of_columns
from skdist.solvers.least_squares import merged_products
from skdist.solvers.principal_axes import axes_of_factor, axes_of_moments
from skdist.summaries import TriangularFactor

TRUNCATED = ("arpack", "randomized")
# Where scikit-learn's "auto" takes the covariance: at most so many features, and rows for each.
TALL = (1_000, 10)


class AxesBySums(NumberTransformer):
    """Mixin in front of PCA."""

    _intake = Intake()

    def _why_alone(self, X, sample_weight, keep):
        if self.svd_solver in TRUNCATED:
            return f"svd_solver={self.svd_solver!r} has no sums that merge."
        why = super()._why_alone(X, sample_weight, keep)
        if why or is_dask(X) or keep:
            return why
        if self.svd_solver == "full":
            return "svd_solver='full' of rows in memory is scikit-learn's."
        if self.svd_solver == "auto" and not is_tall(X):
            return "scikit-learn's 'auto' does not take the covariance of rows of this shape."
        return ""

    def _default_n_shards(self, X):
        return shards_of_products(*X.shape)

    def _sum_up(self, shards, keep):
        summarize = factor_of_columns if self.svd_solver == "full" else products_of_columns
        return merged_products(shards, self.n_features_in_, summed_with_dtype, summarize)

    def _take(self, sums):
        is_factor = type(sums.sums) is TriangularFactor
        found = axes_of_factor(sums.sums) if is_factor else axes_of_moments(sums.sums)
        self._fit_svd_solver = "full" if is_factor else "covariance_eigh"
        k = self._n_kept(found)
        n, d = found.n_rows, len(found.mean)
        _, axes = svd_flip(None, found.axes, u_based_decision=False)
        rest = found.variance[k:]
        self.noise_variance_ = sums.dtype.type(rest.mean() if k < min(n, d) else 0.0)
        self.n_samples_, self.n_components_ = n, k
        self.mean_ = found.mean.astype(sums.dtype)
        self.components_ = axes[:k].astype(sums.dtype)
        self.explained_variance_ = found.variance[:k].astype(sums.dtype)
        with np.errstate(invalid="ignore"):  # of a single row there is no variance
            ratio = found.variance / found.variance.sum()
        self.explained_variance_ratio_ = ratio[:k].astype(sums.dtype)
        self.singular_values_ = np.sqrt(found.variance[:k] * (n - 1)).astype(sums.dtype)

    def _n_kept(self, found):
        """How many axes `n_components` asks for."""
        n, d, asked = found.n_rows, len(found.mean), self.n_components
        most = min(n, d)
        if asked is None:
            return most
        if asked == "mle":
            if n < d:
                raise ValueError(
                    "n_components='mle' is only supported if n_samples >= n_features, but there "
                    f"are {n} rows of {d}."
                )
            return infer_dimension(found.variance, n)
        if not 0 <= asked <= most:
            raise ValueError(
                f"n_components={asked} must be between 0 and min(n_samples, n_features)={most} "
                f"with svd_solver={self._fit_svd_solver!r}"
            )
        if 0 < asked < 1.0:
            share = np.cumsum(found.variance / found.variance.sum())
            return int(np.searchsorted(share, asked, side="right")) + 1
        return int(asked)

    def fit_transform(self, X, y=None):
        """Fit to X, and transform it.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
        y : None
            Without effect.

        Returns
        -------
        X_out : {ndarray, dataframe, Dask collection} of shape (n_samples, n_components)
        """
        why = self._why_alone(X, None, False)
        if not why or is_dask(X):
            return self.fit(X).transform(X)
        watch = Stopwatch()
        with all_or_nothing(self, X=X):
            out = super().fit_transform(X)
            self._sums = None
            self._report_alone(why, watch)
        return out

    def score_samples(self, X):
        """Log-likelihood of each row, as scikit-learn's class has it.

        Parameters
        ----------
        X : {array-like, dataframe, Dask collection} of shape (n_samples, n_features)

        Returns
        -------
        ll : ndarray of shape (n_samples,)
            Of a Dask collection: a collection that is not computed yet.
        """
        if is_dask(X):
            check_is_fitted(self)
            return lazily(Method("score_samples"), self, X)
        return super().score_samples(X)

    def score(self, X, y=None):
        """Mean log-likelihood of the rows, as scikit-learn's class has it.

        Parameters
        ----------
        X : {array-like, dataframe, Dask collection} of shape (n_samples, n_features)
        y : None
            Without effect.

        Returns
        -------
        ll : float
        """
        if is_dask(X):
            return float(self.score_samples(X).mean().compute())
        return super().score(X)

    def get_feature_names_out(self, input_features=None):
        """Names of the components: "pca0", "pca1", ..., as scikit-learn's class names them.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Without effect.

        Returns
        -------
        names : ndarray of shape (n_components,)
        """
        names = super().get_feature_names_out(input_features)
        return np.array([f"pca{k}" for k in range(len(names))], object)


def summed_with_dtype(shard, summarize):
    """What `summarize` gives, and the dtype of the rows."""
    return TypedSums(summarize(shard), shard.X.dtype)


def is_tall(X):
    """Whether scikit-learn's "auto" takes the covariance."""
    shape = np.shape(X)
    if len(shape) != 2:  # scikit-learn's fit says what is wrong
        return False
    n, d = shape
    return not issparse(X) and d <= TALL[0] and n >= TALL[1] * d
