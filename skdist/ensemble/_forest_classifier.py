# SPDX-License-Identifier: BSD-3-Clause
"""What forests of classes do besides: classes that trees have not seen, and probabilities."""

from __future__ import annotations

import numpy as np

from skdist._shard_classes import all_classes
from skdist._whole_fit import whole_fit
from skdist.ensemble._export import place_classes
from skdist.ensemble._forest import DistributedForest


class DistributedForestClassifier(DistributedForest):
    """The classifiers' part of the mixin."""

    @whole_fit
    def fit_shard(self, X, y, sample_weight=None, classes=None):
        """Fit the rows that are here, for a later :func:`skdist.merge`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All classes there are, where these rows may lack some. `merge` unites classes anyhow;
            with them given, `predict_proba` has all columns before the merge too.

        Returns
        -------
        self
        """
        self.fit(X, y, sample_weight)
        if classes is not None:
            self._know_classes(classes)

    def _know_classes(self, classes):
        """Add columns for classes that the trees have not seen."""
        if self.n_outputs_ > 1:
            raise ValueError("classes cannot be given for y with several outputs.")
        classes = all_classes(self.classes_, classes)
        trees, where = self._as_trees(), np.searchsorted(classes, self.classes_)
        if self._trees is None:
            self._seeds = [tree.random_state for tree in self._estimators]
        if "oob_decision_function_" in vars(self):
            votes = np.zeros((len(self.oob_decision_function_), len(classes)))
            votes[:, where] = self.oob_decision_function_
            self.oob_decision_function_ = votes
        self._trees, self._estimators = place_classes(trees, self.classes_, classes), None
        self._cache = {}
        self.classes_, self.n_classes_ = classes, len(classes)

    def predict_proba(self, X):
        """Class probabilities: the mean of the trees', (n_samples, n_classes).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), or a list of such arrays
            Columns in the order of `classes_`.
        """
        rows = self._validate_X_predict(X)
        if self._uses_kernel(rows):
            return self._mean_vote(rows)
        with self._workers_of_scikit_learn(rows):
            return super().predict_proba(X)  # which looks for the names of the columns again

    def _expose_oob(self, votes, y):
        from sklearn.metrics import accuracy_score

        score = self.oob_score if callable(self.oob_score) else accuracy_score
        self.oob_decision_function_ = votes
        self.oob_score_ = score(y, np.argmax(votes, axis=1))
