# SPDX-License-Identifier: BSD-3-Clause
"""What machines of one function share: regression, and the support of a distribution."""

from __future__ import annotations

import numpy as np

from skdist.solvers.kernel_expansion import expansion_of
from skdist.svm._kernel_machine import KernelMachine
from skdist.svm._report import Solved
from skdist.svm._strategies import solve_over_shards


class OneFunction(KernelMachine):
    """Mixin: one problem on all shards."""

    def _solve(self, rows, targets, kernel):
        problem = self._formulate(targets)
        solution, strategy, why = solve_over_shards(
            rows.shards, kernel, problem, self.strategy, self._limits, far=targets.far
        )
        found = expansion_of(problem, solution, np.arange(rows.n_samples))
        return Solved([found], strategy, why)


class KernelRegressor(OneFunction):
    """Mixin in front of SVR and NuSVR."""

    def predict(self, X):
        """f(x).

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Of a Dask collection: a collection that is not computed yet, cut as X is.
        """
        return self._values(X).ravel() if self._by_blocks(X) else super().predict(X)
