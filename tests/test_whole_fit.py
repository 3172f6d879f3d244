# SPDX-License-Identifier: BSD-3-Clause
"""Methods that fit: all or nothing, and what they tell a journal."""

from functools import partial

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError

import skdist
from skdist._watching import Watched
from skdist._whole_fit import whole_fit
from skdist.solvers.diverged import Diverged

X, Y = np.eye(3), np.array([0, 1, 1])


class Fitted(Watched, BaseEstimator):
    """Runs `go`, and then knows a coefficient."""

    _parameter_constraints = {"go": [callable]}

    def __init__(self, go=lambda: None):
        self.go = go

    @whole_fit
    def fit(self, X, y, sample_weight=None):
        """With targets."""
        self.coef_ = 1.0
        self.go()


def fail(error):
    raise error


def test_it_returns_the_estimator_and_keeps_name_and_signature():
    model = Fitted()
    assert model.fit(X, y=Y) is model
    assert model.coef_ == 1.0
    assert Fitted.fit.__name__ == "fit"
    assert Fitted.fit.__doc__ == "With targets."


def test_parameters_are_validated_first():
    with pytest.raises(InvalidParameterError):
        Fitted(go=0).fit(X, Y)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_what_there_was(error):
    model = Fitted(partial(fail, error("stop")))
    before = dict(vars(model))
    with pytest.raises(error, match="stop"):
        model.fit(X, Y)
    assert vars(model) == before


def test_a_fit_that_diverged_keeps_what_it_has():
    model = Fitted(partial(fail, Diverged("lost")))
    with pytest.raises(Diverged, match="lost"):
        model.fit(X, Y)
    assert model.coef_ == 1.0


def n_fits_known(folder, model, *rows):
    """Fits that a journal tells apart, when this one was among them."""
    with skdist.config_context(journal=folder):
        model.fit(*rows)
    return len(skdist.journals(folder))


def test_a_y_without_effect_is_another_fit_to_no_journal(tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, 2))
    scaler = skdist.DistributedStandardScaler(n_shards=2)
    assert n_fits_known(tmp_path, scaler, rows) == 1
    assert n_fits_known(tmp_path, scaler, rows, np.arange(60)) == 1


def test_another_y_is_another_fit(tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, 2))
    ridge = skdist.DistributedRidge(n_shards=2)
    assert n_fits_known(tmp_path, ridge, rows, np.arange(60.0)) == 1
    assert n_fits_known(tmp_path, ridge, rows, np.arange(60.0)) == 1
    assert n_fits_known(tmp_path, ridge, rows, np.ones(60)) == 2
