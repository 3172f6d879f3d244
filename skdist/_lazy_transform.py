# SPDX-License-Identifier: BSD-3-Clause
"""Dask collections transformed: made where the rows are, when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from skdist._columns import is_sparse, meta_of, plain_texts
from skdist._on_collections import Method
from skdist._sklearn import output_container
from skdist.sharding import as_frame, as_nameless, has_names, is_dask, lazily


@dataclass(frozen=True)
class Transform(Method):
    """The same of a partition, whose texts are what scikit-learn takes for texts."""

    def __call__(self, model: Any, X: Any) -> Any:
        return super().__call__(model, plain_texts(X))


@dataclass(frozen=True)
class TransformBack(Method):
    """The same of a copy, since scikit-learn's encoders write to what they transform back."""

    def __call__(self, model: Any, X: Any) -> Any:
        return super().__call__(model, X if is_sparse(X) else np.array(X))


class TransformsLazily:
    """Mixin in front of all other classes of a transformer without an inverse."""

    def transform(self, X, **options):
        """Transform, as scikit-learn's class does.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
        **options : dict
            What scikit-learn's class takes besides.

        Returns
        -------
        X_out : {ndarray, sparse matrix, dataframe} of shape (n_samples, n_features_out)
            Of a Dask collection: a collection that is not computed yet, cut as X is. Of a dataframe
            it is one with the same index, whose columns are `get_feature_names_out`; what is fitted
            to it remembers no names, as of an array, but after ``set_output(transform="pandas")``.
            What was fitted travels once to every worker.
        """
        if is_dask(X):
            return self._lazily(X)
        return super().transform(X, **options)

    def fit_transform(self, X, y=None, **fit_params):
        """Fit to X, and transform it.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
        y : None
            Without effect.
        **fit_params : dict
            What `fit` takes besides.

        Returns
        -------
        X_out : {ndarray, sparse matrix, dataframe} of shape (n_samples, n_features_out)
        """
        if is_dask(X):
            return self.fit(X, y, **fit_params).transform(X)
        return super().fit_transform(X, y, **fit_params)

    def _lazily(self, X):
        """The transformed collection."""
        check_is_fitted(self)
        self._check_columns(X)
        container, is_array = output_container(self), getattr(X, "columns", None) is None
        if container == "polars":
            raise ValueError(
                "X is a Dask collection, whose parts cannot be polars dataframes. Ask for pandas "
                "ones, or for set_output(transform='default')."
            )
        names = self._names_out(X)
        out = lazily(Transform("transform"), self, X, names, self._like(X))
        if container == "pandas":
            return as_frame(out, names) if is_array else out
        return out if is_array else as_nameless(out)

    def _check_columns(self, X):
        """Raise for columns that are not those of the fit."""
        validate_data(self, meta_of(X, has_names(X)), reset=False, skip_check_array=True)

    def _names_out(self, X):
        """Names of the columns that X becomes, also where the fit remembered none."""
        names = getattr(X, "columns", None)
        if names is None or "feature_names_in_" in vars(self):
            return self.get_feature_names_out()
        return self.get_feature_names_out(np.array(list(map(str, names)), object))

    def _like(self, X):
        """What `transform` gives for a row, where made up rows would not tell; None elsewhere."""
        return None


class TransformsOnCollections(TransformsLazily):
    """The same of one with an inverse."""

    def inverse_transform(self, X, **options):
        """Undo `transform`, as scikit-learn's class does.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape \
                (n_samples, n_features_out)
        **options : dict
            What scikit-learn's class takes besides.

        Returns
        -------
        X_out : {ndarray, sparse matrix, dataframe} of shape (n_samples, n_features)
            Of a Dask collection: a collection, see `transform`.
        """
        if is_dask(X):
            return self._lazily_back(X)
        return super().inverse_transform(X, **options)

    def _lazily_back(self, X):
        """The collection as it was before `transform`."""
        check_is_fitted(self)
        names = vars(self).get("feature_names_in_")
        if names is None:
            names = np.array([f"x{j}" for j in range(self.n_features_in_)], object)
        return lazily(TransformBack("inverse_transform"), self, X, names, self._like_back(X))

    def _like_back(self, X):
        """What `inverse_transform` gives for a row; None where made up rows tell."""
        return None
