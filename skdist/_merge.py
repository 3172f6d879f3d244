# SPDX-License-Identifier: BSD-3-Clause
"""Models fitted at different places become one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch
from importlib import import_module
from typing import Any

# Where the classes of a package are merged: a family registers itself when it is imported, and is
# imported by name, since families know this file and not the other way round.
_FAMILIES = {
    "sklearn.decomposition": ("skdist.decomposition",),
    "sklearn.ensemble": ("skdist.ensemble",),
    "sklearn.impute": ("skdist.impute",),
    "sklearn.linear_model": ("skdist.linear_model",),
    "sklearn.neural_network": ("skdist.neural_network",),
    "sklearn.preprocessing": ("skdist.preprocessing",),
    "skorch": ("skdist.neural_network._merge_torch",),
    "sklearn.svm": ("skdist.linear_model", "skdist.svm"),  # LinearSVC, SVC
}


def merge(models: Iterable[Any], X: Any = None, y: Any = None, sample_weight: Any = None) -> Any:
    """One fitted estimator out of several.

    Merging is associative and changes none of the models. Models that merge sums become what one
    fit on all rows would have given; forests merge by concatenation,

        f(x) = sum_m n_m mean_t f_{m,t}(x) / sum_m n_m        (n_m rows behind model m)

    which is approximate: trees of one place know that place alone. So are linear models, but for
    those of squared losses: logistic models and GLMs of `fit_shard` merge by curvature H_m,

        w = (sum_m H_m + R)^-1 sum_m (H_m w_m - g_m)     (g_m: gradient of the loss, R: penalty)

    and linear models that kept no curvature, scikit-learn's among them, by averaging. Kernel
    machines are optimised anew over the support vectors of all models, which is approximate: a row
    that one place dropped may have been one.

    Parameters
    ----------
    models : iterable of fitted estimators
        Of one kind: models of skdist and of scikit-learn may be mixed, classifiers and regressors
        may not. They may have seen different classes: the merged model knows their union.
    X : array-like of shape (n_samples, n_features), default=None
        Rows to check the merged model on, and to refit it to if that helps. Of forests the values
        of all leaves are refitted to these rows, if that lowers the loss on them, each row judged
        by leaves its own contribution is taken out of; `report_` tells the decision. Of SVC and
        SVR `report_` tells the duality gap, if these are all rows.
    y : array-like of shape (n_samples,), default=None
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    model : fitted estimator
        Of skdist's class, with the parameters of the first model.

    Raises
    ------
    ValueError
        If there are no models, or they do not fit together: kinds, numbers of features, names of
        features, outputs.
    TypeError
        If models of this class cannot be merged.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> import skdist
    >>> X, y = load_iris(return_X_y=True)
    >>> here = skdist.DistributedRandomForest(random_state=0).fit_shard(X[:100], y[:100])
    >>> there = skdist.DistributedRandomForest(random_state=1).fit_shard(X[50:], y[50:])
    >>> both = skdist.merge([here, there])
    >>> both.classes_
    array([0, 1, 2])
    >>> len(both.estimators_)
    200
    """
    models = list(models)
    if not models:
        raise ValueError("merge got no models; pass at least one fitted estimator.")
    if (X is None) != (y is None):
        given, lacking = ("y", "X") if X is None else ("X", "y")
        raise ValueError(f"merge got {given} without {lacking}; pass both, or neither.")
    import_families(models[0])
    return merge_models(models[0], models, X, y, sample_weight)


def import_families(model: Any) -> None:
    """Import the families of a model, so that they have told how such models become one."""
    for cls in type(model).__mro__:
        for package, families in _FAMILIES.items():
            for family in families if cls.__module__.startswith(package) else ():
                import_module(family)


@singledispatch
def merge_models(first: Any, models: list[Any], X: Any, y: Any, sample_weight: Any) -> Any:
    """Merge models of the class of the first; families register theirs."""
    raise TypeError(
        f"merge got a {type(first).__name__}, which cannot be merged; it takes skdist's estimators "
        "and scikit-learn's random forests, extra trees, linear models, kernel machines and "
        "scalers."
    )
