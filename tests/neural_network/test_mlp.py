# SPDX-License-Identifier: BSD-3-Clause
"""One shard is scikit-learn, whatever the parameters are; what differs is an error or is said."""

import pickle

import numpy as np
import pytest
from network_problems import digits, numbers, one_blas_thread, parameters
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_matrix, csr_matrix
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skdist import DistributedMLPClassifier, DistributedMLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
X, Y, X_TEST, Y_TEST = digits()
X, Y = X[:600], Y[:600]
WEIGHT = np.random.default_rng(0).random(600) + 0.5
CURVES = ("loss_curve_", "validation_scores_")
STATE = (
    "n_iter_",
    "t_",
    "loss_",
    "best_loss_",
    "best_validation_score_",
    "n_layers_",
    "n_outputs_",
)

PARAMETERS = {
    "adam": {},
    "two layers": {"hidden_layer_sizes": (20, 10), "batch_size": 64},
    "no layer": {"hidden_layer_sizes": ()},
    "adam's own": {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-4, "learning_rate_init": 0.01},
    "penalty": {"alpha": 1.0, "activation": "logistic"},
    "in order": {"shuffle": False, "activation": "identity"},
    "early": {"early_stopping": True, "n_iter_no_change": 2, "activation": "tanh"},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.1},
    "plain momentum": {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.3, "n_iter_no_change": 1},
}


def assert_same(ours, theirs):
    assert_array_equal(parameters(ours), parameters(theirs))
    for own, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_,
                          strict=True):  # fmt: skip
        assert own.dtype == other.dtype
    for name in STATE:
        assert vars(ours).get(name) == vars(theirs).get(name), name
    for name in CURVES:
        assert_array_equal(vars(ours).get(name), vars(theirs).get(name))


def both(make_ours, make_theirs, X, y, weight=None, **parameters):
    parameters = {"max_iter": 8, "random_state": 0, **parameters}
    with one_blas_thread():
        theirs = make_theirs(**parameters).fit(X, y, weight)
    return make_ours(**parameters, n_shards=1).fit(X, y, weight), theirs


@DTYPES
@pytest.mark.parametrize("name", PARAMETERS)
def test_law_2_one_shard_is_scikit_learn(name, dtype):
    data = X.astype(dtype)
    how = PARAMETERS[name]
    ours, theirs = both(DistributedMLPClassifier, MLPClassifier, data, Y, **how)
    assert_same(ours, theirs)
    assert ours.report_.exact
    assert ours.report_.strategy == "local"
    assert_array_equal(ours.predict_proba(X_TEST), theirs.predict_proba(X_TEST))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_law_2_with_weights(early_stopping):
    how = {"early_stopping": early_stopping}
    assert_same(*both(DistributedMLPClassifier, MLPClassifier, X, Y, WEIGHT, **how))


@DTYPES
def test_law_2_of_two_classes_and_of_several_labels(dtype):
    labels = np.array(["no", "yes"])[(Y > 4).astype(int)]
    for y in (labels, make_multilabel_classification(600, random_state=0)[1]):
        pair = both(
            DistributedMLPClassifier, MLPClassifier, X.astype(dtype), y, early_stopping=True
        )
        assert_same(*pair)
        assert_array_equal(pair[0].predict(X_TEST), pair[1].predict(X_TEST))


@DTYPES
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_law_2_of_regression(dtype, loss, early_stopping):
    Z, y = numbers(dtype=dtype)
    y = np.abs(y) if loss == "poisson" else y
    how = {"loss": loss, "early_stopping": early_stopping}
    ours, theirs = both(DistributedMLPRegressor, MLPRegressor, Z, y, **how)
    assert_array_equal(parameters(ours), parameters(theirs))
    assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    assert_array_equal(ours.predict(Z), theirs.predict(Z))


def test_law_2_of_several_outputs():
    Z, y = numbers()
    targets = np.column_stack([y, Z[:, 0]])
    assert_same(*both(DistributedMLPRegressor, MLPRegressor, Z, targets, hidden_layer_sizes=(9,)))


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_law_2_of_lbfgs(weight):
    ours, theirs = both(DistributedMLPClassifier, MLPClassifier, X, Y, weight, solver="lbfgs")
    assert_allclose(parameters(ours), parameters(theirs), rtol=1e-6, atol=1e-8)
    assert (ours.n_iter_, ours.report_.method) == (theirs.n_iter_, "lbfgs")


@pytest.mark.parametrize("container", [csr_matrix, csc_matrix])
def test_law_2_of_sparse_rows(container):
    ours, theirs = both(DistributedMLPClassifier, MLPClassifier, container(X), Y)
    assert_allclose(parameters(ours), parameters(theirs), rtol=1e-6, atol=1e-8)


def test_law_2_fitted_again_from_where_it_ended():
    ours = DistributedMLPClassifier(random_state=0, warm_start=True, max_iter=3, n_shards=1)
    theirs = MLPClassifier(random_state=0, warm_start=True, max_iter=3)
    for early_stopping in (False, False, True, True):
        ours.set_params(early_stopping=early_stopping).fit(X, Y)
        if early_stopping:  # scikit-learn's class cannot begin with it
            continue
        with one_blas_thread():
            theirs.fit(X, Y)
        assert_same(ours, theirs)
    assert len(ours.loss_curve_) == 12
    assert len(ours.validation_scores_) == 6
    with pytest.raises(ValueError, match="same classes as in the previous call to fit"):
        ours.fit(X, Y % 3)


@DTYPES
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_law_2_of_passes(dtype, solver):
    ours = DistributedMLPClassifier(random_state=0, n_shards=1, solver=solver)
    theirs = MLPClassifier(random_state=0, solver=solver)
    for rows in (slice(0, 300), slice(300, 600), slice(0, 150)):
        ours.partial_fit(X[rows].astype(dtype), Y[rows], classes=range(10))
        with one_blas_thread():
            theirs.partial_fit(X[rows].astype(dtype), Y[rows], classes=range(10))
        assert_same(ours, theirs)
    Z, y = numbers()
    ours, theirs = DistributedMLPRegressor(random_state=0), MLPRegressor(random_state=0)
    for _ in range(3):
        assert_array_equal(parameters(ours.partial_fit(Z, y)), parameters(theirs.partial_fit(Z, y)))


def test_passes_of_several_labels():
    y = make_multilabel_classification(600, random_state=0)[1]
    ours = DistributedMLPClassifier(random_state=0, n_shards=2)
    for _ in range(3):
        ours.partial_fit(X, y, classes=range(y.shape[1]))
    assert ours.predict(X).shape == y.shape


def test_passes_are_of_steps_only():
    assert not hasattr(DistributedMLPClassifier(solver="lbfgs"), "partial_fit")
    with pytest.raises(ValueError, match="does not support early_stopping"):
        DistributedMLPClassifier(early_stopping=True).partial_fit(X, Y, classes=range(10))
    with pytest.raises(ValueError, match="classes"):
        DistributedMLPClassifier().partial_fit(X, Y)


def test_float32_is_kept():
    model = DistributedMLPClassifier(max_iter=2, n_shards=2).fit(X.astype(np.float32), Y)
    assert {a.dtype for a in (*model.coefs_, *model.intercepts_)} == {np.dtype(np.float32)}
    assert model.predict_proba(X.astype(np.float32)).dtype == np.float32


def test_it_can_be_pickled_and_goes_on():
    model = DistributedMLPClassifier(random_state=0, n_shards=2)
    model.partial_fit(X, Y, classes=range(10))
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(parameters(copy.partial_fit(X, Y)), parameters(model.partial_fit(X, Y)))


def test_a_second_fit_is_a_new_one():
    model = DistributedMLPClassifier(random_state=0, max_iter=3)
    first = parameters(model.fit(X, Y))
    assert_array_equal(parameters(model.fit(X, Y)), first)
    assert len(model.loss_curve_) == 3
    assert_array_equal(parameters(clone(model).fit(X, Y)), first)


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_what_scikit_learn_warns_of():
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\)"):
        DistributedMLPClassifier(max_iter=2).fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        DistributedMLPClassifier(max_iter=2, solver="lbfgs").fit(X, Y)
    model = DistributedMLPClassifier(max_iter=2, batch_size=10_000)
    with pytest.warns(UserWarning, match="It is going to be clipped"), pytest.warns(
        ConvergenceWarning
    ):  # fmt: skip
        model.fit(X, Y)


def test_what_is_printed(capsys):
    DistributedMLPClassifier(max_iter=2, verbose=True, early_stopping=True).fit(X, Y)
    printed = capsys.readouterr().out
    assert "Iteration 2, loss = " in printed
    assert "Validation score: " in printed
    assert "[DistributedMLPClassifier] adam, local, 1 shards: " in printed
    DistributedMLPClassifier(max_iter=2, verbose=True, solver="lbfgs").fit(X, Y)
    assert "Evaluation 2, loss = " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_layer_sizes": (5, 0)}, "hidden_layer_sizes must be > 0"),
        ({"local_steps": 5, "sync": "gradient"}, "contradict each other"),
        ({"n_shards": 601}, "n_shards=601 is more than .*n_samples=600"),
        ({"early_stopping": True, "validation_fraction": 0.001}, "set is too small|test_size"),
        ({"sync": "never"}, "The 'sync' parameter"),
        ({"local_steps": 0}, "The 'local_steps' parameter"),
    ],
)  # fmt: skip
def test_errors_leave_the_estimator_as_it_was(parameters, message):
    model = DistributedMLPClassifier(max_iter=2, random_state=0).fit(X, Y)
    before = dict(vars(model.set_params(**parameters)))
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)
    assert vars(model) == before


def test_weights():
    with pytest.raises(ValueError, match="negative values"):
        DistributedMLPClassifier().fit(X, Y, -WEIGHT)
    with pytest.raises(ValueError, match="at least one non-zero"):
        DistributedMLPClassifier().fit(X, Y, np.zeros(600))
