# SPDX-License-Identifier: BSD-3-Clause
"""Losses and slopes are scikit-learn's."""

import numpy as np
import pytest
from numba import njit
from scipy.special import expit, huber
from sklearn.linear_model import SGDClassifier

from skdist.kernels.sgd_losses import LOSSES, loss_and_slope

EPSILON = 0.3
POINTS = np.linspace(-3.0, 3.0, 241)  # holds the kinks

FORMULAS = {
    "log_loss": lambda y, p: (np.logaddexp(0.0, -y * p), -y * expit(-y * p)),
    "squared_error": lambda y, p: (0.5 * (y - p) ** 2, p - y),
    "huber": lambda y, p: (huber(EPSILON, y - p), np.clip(p - y, -EPSILON, EPSILON)),
}


@njit
def at(loss, y, p):
    a, f, slope = loss_and_slope(loss, y, p, EPSILON)
    return a + np.log(f), slope


def scikit_learns(name):
    """scikit-learn's loss object, whose y is 0 or 1 for the log loss."""
    return SGDClassifier(loss=name, epsilon=EPSILON)._get_loss_function(name)


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - FORMULAS.keys()))
def test_losses_of_stochastic_gradient_descent(name):
    theirs = scikit_learns(name)
    for y in (-1.0, 1.0, 0.4):
        for p in POINTS:
            value, slope = at(LOSSES[name], y, p)
            assert value == pytest.approx(theirs.py_loss(p, y), abs=1e-14)
            if abs(abs(y - p) - EPSILON) > 1e-9:  # at the kink either slope will do
                assert slope == pytest.approx(theirs.py_dloss(p, y), abs=1e-14)


@pytest.mark.parametrize("name", FORMULAS)
def test_losses_that_other_models_have_too(name):
    for y in (-1.0, 1.0):
        found = np.array([at(LOSSES[name], y, p) for p in POINTS])
        np.testing.assert_allclose(found.T, FORMULAS[name](y, POINTS), atol=1e-14)


def test_no_loss_is_left_out():
    assert set(LOSSES) == set(SGDClassifier.loss_functions)


@pytest.mark.parametrize("p", [800.0, -800.0])
def test_the_log_loss_far_out(p):
    assert at(LOSSES["log_loss"], 1.0, p) == (max(-p, 0.0), 0.0 if p > 0 else -1.0)
