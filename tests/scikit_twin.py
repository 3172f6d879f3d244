# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's estimator that one of ours stands for."""

import sklearn.decomposition
import sklearn.ensemble
import sklearn.impute
import sklearn.linear_model
import sklearn.neural_network
import sklearn.preprocessing
import sklearn.svm


def theirs(estimator):
    """scikit-learn's class with the parameters of `estimator` that it knows and that were set.

    A default of ours that scikit-learn's class does not know ("auto") is its own default there.
    """
    name = type(estimator).__name__.removeprefix("Distributed")
    homes = (
        sklearn.decomposition,
        sklearn.ensemble,
        sklearn.impute,
        sklearn.linear_model,
        sklearn.neural_network,
        sklearn.preprocessing,
        sklearn.svm,
    )
    reference = next(getattr(home, name) for home in homes if hasattr(home, name))
    known, default = reference().get_params(deep=False), type(estimator)().get_params(deep=False)
    given = estimator.get_params(deep=False)
    return reference(**{name: given[name] for name in known if given[name] != default[name]})
