# SPDX-License-Identifier: BSD-3-Clause
"""What forests of numbers do besides: mean predictions."""

from __future__ import annotations

from skdist.ensemble._forest import DistributedForest


class DistributedForestRegressor(DistributedForest):
    """The regressors' part of the mixin."""

    def fit_shard(self, X, y, sample_weight=None):
        """Fit the rows that are here, for a later :func:`skdist.merge`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        return self.fit(X, y, sample_weight)

    def predict(self, X):
        """Mean prediction of the trees, (n_samples,) or (n_samples, n_outputs).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        rows = self._validate_X_predict(X)
        if self._uses_kernel(rows):
            return self._mean_vote(rows)[:, 0]
        with self._workers_of_scikit_learn(rows):
            return super().predict(X)  # which looks for the names of the columns again

    def _expose_oob(self, votes, y):
        from sklearn.metrics import r2_score

        score = self.oob_score if callable(self.oob_score) else r2_score
        self.oob_prediction_ = votes[:, 0]
        self.oob_score_ = score(y, self.oob_prediction_)
