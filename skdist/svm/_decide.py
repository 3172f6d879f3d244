# SPDX-License-Identifier: BSD-3-Clause
"""Fitted kernel machines: their functions on new rows, blocks of them side by side on threads."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdist._estimator import ShardedClassifierFit, ShardedFit
from skdist._on_collections import Method
from skdist._sklearn import num_samples, ovr_decision_function
from skdist.sharding import for_row_blocks, is_dask, lazily, one_blas_thread
from skdist.solvers.one_vs_one import pairs_of
from skdist.summaries import dense

BLOCK_KERNELS = ("linear", "poly", "rbf", "sigmoid")
LEAST_ROWS = 256  # per thread
FEW_VALUES = 30_000  # of the kernel: so many are done by libsvm before numba is loaded


class KernelPrediction(ShardedFit):
    """Mixin: values of the machine's functions by blocks of the kernel matrix."""

    def _has_block_kernel(self):
        """Whether the kernel is one of those that skdist computes."""
        return isinstance(self.kernel, str) and self.kernel in BLOCK_KERNELS

    def _by_blocks(self, X):
        """Whether blocks pay, of a fitted machine and rows of any kind."""
        check_is_fitted(self)
        if is_dask(X) or not self._has_block_kernel():
            return False
        return num_samples(X) * len(self.support_) > FEW_VALUES

    def _values(self, X):
        """f(x) of each row, (n, number of functions)."""
        X = self._validate_for_predict(X)
        functions = self._functions()
        values = np.empty((X.shape[0], functions.n_functions))

        def write(start, stop):
            functions.values(X[start:stop], values[start:stop])

        with one_blas_thread():
            functions.prepare()
            for_row_blocks(write, X.shape[0], least=LEAST_ROWS, n_jobs=self.n_jobs)
        values += self._intercept_
        return values

    def _functions(self):
        """The expansions, as kernels compute them."""
        from skdist.kernels.decision_function import Expansions
        from skdist.kernels.kernel_function import KernelFunction

        kernel = KernelFunction(self.kernel, float(self._gamma), self.degree, float(self.coef0))
        return Expansions(kernel, self.support_vectors_, dense(self._dual_coef_), self._counts())

    def _counts(self):
        """Support vectors of each class."""
        return (len(self.support_),)


class ClassPrediction(KernelPrediction, ShardedClassifierFit):
    """The same for classes, of which each pair has a function."""

    def _counts(self):
        return tuple(self._n_support.tolist())

    def decision_function(self, X):
        """How far each row is on which side of which function.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)

        Returns
        -------
        z : ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes), or
            (n_samples, n_classes * (n_classes - 1) / 2) for ``decision_function_shape="ovo"``
            Of two classes above 0 for the second; of pairs above 0 for the first. Of a Dask
            collection: a collection, see `predict`.
        """
        check_is_fitted(self)
        n_classes = len(self.classes_)
        if is_dask(X) and n_classes > 2 and self.decision_function_shape == "ovo":
            names = [f"{self.classes_[i]}, {self.classes_[j]}" for i, j in pairs_of(n_classes)]
            return lazily(Method("decision_function"), self, X, names)
        if not self._by_blocks(X):
            return super().decision_function(X)
        values = self._values(X)
        if n_classes == 2:
            return -values.ravel()
        if self.decision_function_shape == "ovr":
            return ovr_decision_function(values < 0, -values, n_classes)
        return values

    def predict(self, X):
        """The class that wins most pairs, the first of those that win as many.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Of a Dask collection: a collection that is not computed yet, cut as X is.

        Raises
        ------
        ValueError
            For ``break_ties=True`` with ``decision_function_shape="ovo"``.
        """
        # Ties are broken by the decision function, which is ours again.
        if not self._by_blocks(X) or self.break_ties:
            return super().predict(X)
        from skdist.kernels.decision_function import votes

        return self.classes_.take(votes(self._values(X), len(self.classes_)))
