# SPDX-License-Identifier: BSD-3-Clause
"""Predictions for Dask collections: made where the rows are, when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.utils.metaestimators import available_if

from skdist.sharding import is_dask, lazily


@dataclass(frozen=True)
class Method:
    """``(model, X) -> model.name(X)``."""

    name: str

    def __call__(self, model: Any, X: Any) -> Any:
        return getattr(model, self.name)(X)


def inherited(name: str) -> Callable[[Any], bool]:
    """Whether the class behind the mixin has a method; scikit-learn's error says why if not."""

    def check(model: Any) -> bool:
        getattr(super(OnCollections, model), name)
        return True

    return check


class OnCollections:
    """Mixin in front of all other classes of an estimator."""

    def predict(self, X):
        """Predict, as scikit-learn's class does.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Of a Dask collection: a collection that is not computed yet, cut as X is, and with the
            index of a dataframe. The model travels once to every worker.
        """
        if is_dask(X):
            return lazily(Method("predict"), self, X)
        return super().predict(X)

    @available_if(inherited("score"))
    def score(self, X, y, sample_weight=None):
        """The share of right answers, or R^2, as scikit-learn's class has it.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Of a Dask collection, one that is cut alike.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        score : float
            Of a Dask collection by sums over its partitions, of which a few numbers come here.
        """
        if is_dask(X):
            from skdist.metrics import mean_score

            return mean_score(self, y, self.predict(X), sample_weight)
        return super().score(X, y, sample_weight)


class ClassesOnCollections(OnCollections):
    """The same for classifiers."""

    @available_if(inherited("decision_function"))
    def decision_function(self, X):
        """Scores of the classes, as scikit-learn's class gives them.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)

        Returns
        -------
        z : ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
            Of a Dask collection: a collection, see `predict`.
        """
        return self._of_classes("decision_function", X)

    @available_if(inherited("predict_proba"))
    def predict_proba(self, X):
        """Probabilities of the classes, in the order of `classes_`.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Of a Dask collection: a collection, see `predict`; of a dataframe its columns are the
            classes.
        """
        return self._of_classes("predict_proba", X)

    @available_if(inherited("predict_log_proba"))
    def predict_log_proba(self, X):
        """Logarithms of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
        """
        return self._of_classes("predict_log_proba", X)

    def _of_classes(self, name, X):
        if is_dask(X):
            return lazily(Method(name), self, X, self.classes_)
        return getattr(super(), name)(X)
