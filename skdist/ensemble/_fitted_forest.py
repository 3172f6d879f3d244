# SPDX-License-Identifier: BSD-3-Clause
"""Fitted forests: scikit-learn's trees on demand, and prediction row by row in threads."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted, validate_data

from skdist._carried_settings import CarriesSettings
from skdist._estimator import refuse_collection
from skdist._watching import Watched
from skdist.ensemble._export import from_sklearn_trees, to_sklearn_trees
from skdist.ensemble._method import SMALL
from skdist.ensemble._weighed_trees import WeighedTrees
from skdist.sharding import for_row_blocks, joblib_workers, map_in_threads
from skdist.summaries import dense

LEAST_ROWS = 1024  # per thread in predict
MOST_VALUES = 1 << 24  # of X per predicted block, which is copied


class FittedForest(CarriesSettings, Watched):
    """The half of the mixin that reads fitted trees and changes none."""

    def _as_trees(self):
        """The fitted trees as one value."""
        if self._trees is not None:
            return self._trees
        return from_sklearn_trees(self._estimators)

    @property
    def estimators_(self):
        """The trees as scikit-learn's decision trees, built at the first look."""
        fitted = vars(self).get("_estimators")
        if fitted is not None:
            return fitted
        if vars(self).get("_trees") is None:
            raise AttributeError(f"This {type(self).__name__} is not fitted yet.")
        if "estimators" not in self._cache:
            self._cache["estimators"] = to_sklearn_trees(
                self._trees,
                self._make_estimator(append=False),
                self._seeds,
                n_features=self.n_features_in_,
            )
        return self._cache["estimators"]

    @estimators_.setter
    def estimators_(self, trees):
        self._estimators = trees

    def __sklearn_is_fitted__(self):
        return "_cache" in vars(self)

    def __getstate__(self):
        # What the cache holds can be made again: packed nodes, scikit-learn's copy of the trees.
        state = super().__getstate__()
        return {**state, "_cache": {}} if "_cache" in state else state

    def _get_estimators_indices(self):
        """Rows of each tree's sample, with repetitions."""
        if self._trees is None or not self.bootstrap:
            yield from super()._get_estimators_indices()
            return
        from skdist.solvers.binned_forest import draw_rows

        if self._bootstrap is None or self._home is not None:
            raise AttributeError(
                "The trees have not seen samples of the same rows (the forest was merged, or "
                "fitted with strategy='shard'), so there are no estimators_samples_."
            )
        if self._sample_weight is None and self._drawn_by_weight:
            raise AttributeError(
                "The rows were drawn by weights that stayed in a Dask collection, so there are no "
                "estimators_samples_. Fit rows in memory to have them."
            )
        for seed in self._seeds:
            drawn = draw_rows(*self._bootstrap, seed, self._sample_weight)
            yield np.repeat(np.arange(len(drawn), dtype=np.int32), drawn)

    def _validate_X_predict(self, X):
        check_is_fitted(self)
        refuse_collection(X)
        if self._trees is None:
            return super()._validate_X_predict(X)
        return validate_data(
            self,
            X,
            dtype=np.float32,
            order="C",
            accept_sparse="csr",
            reset=False,
            ensure_all_finite=True if issparse(X) else "allow-nan",
        )

    def _uses_kernel(self, X):
        """Whether prediction goes through the packed trees, or scikit-learn's."""
        if self._trees is not None:
            return True
        # Exact trees: packing them and loading numba must pay.
        return self.n_outputs_ == 1 and X.shape[0] * len(self._estimators) >= SMALL

    def _workers_of_scikit_learn(self, X):
        """Small predictions stay in this thread: threads' votes are added in any order."""
        return joblib_workers(1 if X.shape[0] * len(self._estimators) < SMALL else self.n_jobs)

    def _packed_votes(self):
        """The trees as prediction walks them: made by a binned fit, kept, not pickled."""
        from skdist.kernels.packed_trees import pack_votes

        if "votes" not in self._cache:
            trees, weight = self._as_trees(), self._tree_weight
            if weight is not None:
                trees = WeighedTrees(trees, weight).with_weighed_values()
            self._cache["votes"] = map_in_threads(pack_votes, trees.each, n_jobs=self.n_jobs)
        return self._cache["votes"]

    def _mean_vote(self, X):
        """Weighted mean of the trees' values, (n, K)."""
        from skdist.kernels.predict_trees import add_votes

        packed = self._packed_votes()
        votes = np.zeros((X.shape[0], packed[0].votes.shape[1]))

        def add(start, stop):
            for a, b in _pieces(start, stop, X.shape[1]):
                add_votes(packed, dense(X[a:b]), votes[a:b])

        for_row_blocks(add, X.shape[0], least=LEAST_ROWS, n_jobs=self.n_jobs)
        votes /= len(packed)  # the weights' mean is 1
        return votes

    def apply(self, X):
        """Number of the leaf that each row reaches in each tree, (n_samples, n_estimators)."""
        given, X = X, self._validate_X_predict(X)
        if not self._uses_kernel(X):
            with self._workers_of_scikit_learn(X):
                return super().apply(given)
        from skdist.kernels.packed_trees import pack_leaves
        from skdist.kernels.predict_trees import apply

        packed = map_in_threads(pack_leaves, self._as_trees().each, n_jobs=self.n_jobs)
        leaves = np.empty((X.shape[0], len(packed)), np.int64)

        def write(start, stop):
            for a, b in _pieces(start, stop, X.shape[1]):
                apply(packed, dense(X[a:b]), leaves[a:b])

        for_row_blocks(write, X.shape[0], least=LEAST_ROWS, n_jobs=self.n_jobs)
        return leaves


def _pieces(start, stop, n_features):
    """Blocks of rows small enough to be copied."""
    size = max(256, MOST_VALUES // n_features)
    return [(a, min(a + size, stop)) for a in range(start, stop, size)]
