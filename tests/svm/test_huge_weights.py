# SPDX-License-Identifier: BSD-3-Clause
"""Machines with nu share out the weights: of huge ones rounding is above `tol`, and fits end."""

import numpy as np
import pytest

import skdist

random = np.random.default_rng(0)
X = random.normal(size=(120, 3))
Y = (X[:, 0] + 0.3 * random.normal(size=120) > 0).astype(int)
ONES = np.ones(120)

# scikit-learn's fits of weights of 1e13 and more go on for ever, as max_iter=-1 allows.
MACHINES = {
    "nu svc": lambda: (skdist.DistributedNuSVC(n_shards=2), Y),
    "nu svr": lambda: (skdist.DistributedNuSVR(n_shards=2), X[:, 0]),
    "one class": lambda: (skdist.DistributedOneClassSVM(n_shards=2), None),
}


@pytest.mark.parametrize("weight", [1e13, 1e25])
def test_of_weights_of_a_nu_svc_ratios_alone_count(weight):
    model, y = MACHINES["nu svc"]()
    values = model.fit(X, y, sample_weight=weight * ONES).decision_function(X)
    expected = model.fit(X, y).decision_function(X)
    np.testing.assert_allclose(values, expected, atol=2e-3)


@pytest.mark.parametrize("weight", [1e13, 1e25])
def test_a_support_grows_with_the_weights(weight):
    model, y = MACHINES["one class"]()
    values = model.fit(X, y, sample_weight=weight * ONES).decision_function(X) / weight
    expected = model.fit(X, y).decision_function(X)
    np.testing.assert_allclose(values, expected, atol=2e-3)


def test_a_few_heavy_rows_are_all_that_counts():
    weight = np.where(np.arange(120) % 7 == 0, 1e25, 1.0)
    heavy = weight > 1.0
    model, y = MACHINES["nu svc"]()
    values = model.fit(X, y, sample_weight=weight).decision_function(X)
    model.gamma = model._gamma  # which "scale" takes from all rows
    expected = model.fit(X[heavy], y[heavy]).decision_function(X)
    np.testing.assert_allclose(values, expected, atol=2e-3)


@pytest.mark.parametrize("name", MACHINES)
def test_what_float64_cannot_hold_is_refused(name):
    model, y = MACHINES[name]()
    with pytest.raises(ValueError, match=r"share out .*e.* to the multipliers.* Divide"):
        model.fit(X, y, sample_weight=1e300 * ONES)
    assert "report_" not in vars(model)


def test_regression_is_refused_where_coefficients_are_lost_in_rounding():
    model, y = MACHINES["nu svr"]()
    with pytest.raises(ValueError, match=r"coefficients are differences of these.* or C, by"):
        model.fit(X, y, sample_weight=1e14 * ONES)
    plain = model.fit(X, y).predict(X)
    scaled = model.set_params(C=1e-10).fit(X, y, sample_weight=1e10 * ONES).predict(X)
    np.testing.assert_allclose(scaled, plain, atol=2e-3)
