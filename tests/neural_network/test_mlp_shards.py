# SPDX-License-Identifier: BSD-3-Clause
"""Networks of several shards: their quality, their report, what happens when they diverge."""

import numpy as np
import pytest
from network_problems import digits, numbers, parameters
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.datasets import make_classification, make_multilabel_classification

from skdist import DistributedMLPClassifier, DistributedMLPRegressor
from skdist.neural_network._mlp_strategy import chosen_sync, default_n_shards

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y, X_TEST, Y_TEST = digits()
WEIGHT = np.random.default_rng(0).random(len(Y)) + 0.5


def classifier(n_shards=2, **given):
    return DistributedMLPClassifier(**{"random_state": 0, "n_shards": n_shards, **given})


# Merged gradients.


@pytest.mark.parametrize(("dtype", "close"), [(np.float32, 1e-5), (np.float64, 1e-10)])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_law_4_merged_gradients_do_not_depend_on_shards(dtype, close, weight):
    data = X.astype(dtype)
    how = {"sync": "gradient", "max_iter": 2, "batch_size": 56}  # 50 steps
    one = classifier(1, **how).fit(data, Y, weight)
    for n_shards in (2, 5):
        several = classifier(n_shards, **how).fit(data, Y, weight)
        assert np.abs(parameters(several) - parameters(one)).max() < close
        assert_allclose(several.loss_curve_, one.loss_curve_, rtol=1e-4)
        assert (several.report_.strategy, several.report_.exact) == ("gradient", True)
    assert np.abs(one.coefs_[0] - classifier(1, max_iter=1).fit(data, Y).coefs_[0]).max() > 0.01


def test_merged_gradients_hold_out_the_same_rows():
    how = {"sync": "gradient", "max_iter": 4, "early_stopping": True}
    one, three = (classifier(m, **how).fit(X, Y) for m in (1, 3))
    assert_allclose(three.validation_scores_, one.validation_scores_)
    assert_allclose(parameters(three), parameters(one), atol=1e-8)


@pytest.mark.parametrize("n_shards", [2, 5])
def test_lbfgs_does_not_depend_on_shards(n_shards):
    one, several = (classifier(m, solver="lbfgs", max_iter=20).fit(X, Y) for m in (1, n_shards))
    assert_allclose(several.loss_, one.loss_, rtol=1e-5)
    assert several.report_.exact
    assert several.report_.rounds >= 20
    losses = several.report_.extra["history"]
    assert losses[-1] < losses[0] / 10


# Local steps.


@pytest.mark.parametrize("n_shards", [2, 4])
def test_local_steps_on_like_shards_are_as_good_as_one_machine(n_shards):
    def mean_score(n_shards):
        how = {"hidden_layer_sizes": (64,), "max_iter": 40, "sync": "local"}
        fits = (classifier(n_shards, **how, random_state=s) for s in range(2))
        return np.mean([fit.fit(X, Y).score(X_TEST, Y_TEST) for fit in fits])

    assert mean_score(n_shards) >= mean_score(1) - 0.01


def test_local_steps_are_as_good_on_rows_like_letters():
    """As many classes and columns as the set of letters has; there, see the user guide."""
    Z, y = make_classification(
        8_000, 16, n_informative=12, n_redundant=0, n_classes=26, n_clusters_per_class=1,
        random_state=0,
    )  # fmt: skip

    def mean_score(n_shards):
        how = {"hidden_layer_sizes": (64,), "max_iter": 25, "sync": "local"}
        fits = (classifier(n_shards, **how, random_state=s) for s in range(2))
        return np.mean([fit.fit(Z[:6400], y[:6400]).score(Z[6400:], y[6400:]) for fit in fits])

    assert mean_score(4) >= mean_score(1) - 0.01


def test_the_order_of_rows_in_memory_does_not_matter():
    order = np.argsort(Y, kind="stable")
    model = classifier(3, sync="local", max_iter=40).fit(X[order], Y[order])
    assert model.score(X_TEST, Y_TEST) > 0.93
    assert max(shard.skew for shard in model.report_.shards) < 0.1


def test_label_sorted_shards_at_160_rounds():
    order = np.argsort(Y, kind="stable")
    how = {"max_iter": 40, "hidden_layer_sizes": (64,)}
    one = classifier(1, **how).fit(X, Y).score(X_TEST, Y_TEST)
    sorted_ = classifier(4, **how, sync="local", shuffle=False, batch_size=40, local_steps=3)
    with pytest.warns(UserWarning, match="Shuffle the rows first"):
        sorted_.fit(X[order], Y[order])
    assert len(sorted_.report_.extra["history"]) <= 160
    assert min(shard.skew for shard in sorted_.report_.shards) > 0.5
    assert sorted_.score(X_TEST, Y_TEST) > one - 0.06


@pytest.mark.parametrize(
    "given",
    [
        {"solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "sgd", "learning_rate_init": 0.1, "learning_rate": "invscaling", "power_t": 0.1},
        {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "tol": 1e-2},
        {"activation": "tanh", "hidden_layer_sizes": (30, 20)},
        {"early_stopping": True, "max_iter": 60},
        {"batch_size": 32, "shuffle": False},
    ],
)
@pytest.mark.parametrize("sync", ["local", "gradient"])
def test_every_parameter_works_on_several_shards(given, sync):
    model = classifier(3, **{"max_iter": 30, "sync": sync, **given}).fit(X, Y)
    assert model.score(X_TEST, Y_TEST) > 0.9
    assert model.n_iter_ == len(model.loss_curve_)
    assert model.t_ == model.n_iter_ * (1260 if model.early_stopping else 1400)


@pytest.mark.parametrize("sync", ["local", "gradient"])
def test_targets_of_every_kind(sync):
    labels = make_multilabel_classification(len(Y), n_features=64, random_state=0)
    several = classifier(2, sync=sync, max_iter=40, early_stopping=True).fit(*labels)
    assert several.predict(labels[0]).shape == labels[1].shape
    assert several.report_.shards == ()
    two = classifier(2, sync=sync, max_iter=20).fit(X, np.array(["a", "b"])[(Y > 4).astype(int)])
    assert two.score(X, np.array(["a", "b"])[(Y > 4).astype(int)]) > 0.9
    Z, y = numbers()
    how = {"random_state": 0, "n_shards": 3, "sync": sync, "max_iter": 60, "batch_size": 50}
    for targets in (y, np.column_stack([y, Z[:, 0]])):
        regression = DistributedMLPRegressor(**how, early_stopping=True).fit(Z, targets)
        assert regression.score(Z, targets) > 0.7
    counts = DistributedMLPRegressor(**how, loss="poisson").fit(Z, np.exp(y))
    assert counts.predict(Z).min() > 0


@pytest.mark.parametrize("sync", ["local", "gradient"])
def test_law_6_a_weight_is_so_many_rows_and_none_is_no_row(sync):
    twice = np.hstack([np.arange(300), np.arange(300)])
    how = {"batch_size": 10_000, "max_iter": 5, "sync": sync, "shuffle": False, "solver": "sgd"}
    with pytest.warns(UserWarning, match="clipped"):
        rows = classifier(1, **how).fit(X[twice], Y[twice])
        weights = classifier(1, **how).fit(X[:300], Y[:300], np.full(300, 2.0))
        none = np.where(np.arange(400) < 300, 2.0, 0.0)
        zeros = classifier(1, **how).fit(X[:400], Y[:400], none)
    assert_allclose(parameters(weights), parameters(rows), atol=1e-10)
    assert_allclose(parameters(zeros), parameters(rows), atol=1e-10)


@pytest.mark.parametrize("sync", ["local", "gradient"])
def test_sparse_rows(sync):
    how = {"sync": sync, "max_iter": 5}
    dense, sparse = classifier(3, **how).fit(X, Y), classifier(3, **how).fit(csr_matrix(X), Y)
    assert_allclose(parameters(sparse), parameters(dense), atol=1e-8)


@pytest.mark.parametrize("sync", ["local", "gradient"])
def test_passes_and_fits_that_go_on(sync):
    model = classifier(3, sync=sync)
    for _ in range(30):
        model.partial_fit(X, Y, classes=range(10))
    assert model.score(X_TEST, Y_TEST) > 0.9
    assert model.t_ == 30 * len(Y)
    warm = classifier(3, sync=sync, warm_start=True, max_iter=10)
    first = warm.fit(X, Y).loss_
    assert warm.fit(X, Y).loss_ < first
    assert len(warm.loss_curve_) == 20


def test_shards_may_lack_classes_and_fit_shard_may_be_told_of_them():
    some = Y < 3
    model = classifier(2, max_iter=30).fit_shard(X[some], Y[some], classes=range(10))
    assert model.classes_.tolist() == list(range(10))
    assert model.score(X_TEST[Y_TEST < 3], Y_TEST[Y_TEST < 3]) > 0.9
    with pytest.raises(ValueError, match="lacks"):
        classifier().fit_shard(X, Y, classes=range(5))


# Defaults, and the report.


def test_defaults_are_functions_of_shapes():
    assert default_n_shards(8_000, 203_530, 200, "adam") == 2
    assert default_n_shards(80_000, 203_530, 200, "adam") == 4
    assert default_n_shards(8_000, 10_000, 200, "adam") == 1
    assert default_n_shards(1_000, 10_000_000, 200, "adam") == 1  # of too few batches
    assert default_n_shards(100_000, 10, 200, "lbfgs") == 6
    assert chosen_sync("auto", "adam", 2, 200_000, 200) == "local"
    assert chosen_sync("auto", "adam", 2, 10_000_000, 2_000) == "gradient"
    assert chosen_sync("gradient", "adam", 2, 200_000, 200) == "gradient"
    assert chosen_sync("gradient", "adam", 1, 200_000, 200) == "local"
    assert chosen_sync("local", "lbfgs", 3, 200_000, 200) == "gradient"


def test_large_problems_are_spread_by_default():
    Z, y = make_classification(4_000, 500, n_informative=20, random_state=0)
    model = DistributedMLPClassifier((600,), max_iter=1, random_state=0)
    assert model.fit(Z.astype(np.float32), y).n_shards_ == 2
    assert model.report_.strategy == "average"


def test_the_report_of_averages():
    report = (
        classifier(3, sync="local", max_iter=4, local_steps=1, batch_size=100).fit(X, Y).report_
    )
    assert (report.method, report.strategy, report.exact) == ("adam", "average", False)
    assert report.extra["local_steps"] == 1
    assert report.extra["rate_factor"] == 3.0
    history = report.extra["history"]
    assert len(history) == 4 * 5
    assert [one.n_pass for one in history] == sorted([1, 2, 3, 4] * 5)
    assert all(one.n_steps == 1 for one in history)
    assert all(1 / 3 - 1e-6 <= one.agreement <= 1 + 1e-6 for one in history)
    assert history[-1].loss < history[0].loss
    assert len(report.shards) == 3
    assert "every 1 steps" in report.why[0]
    assert set(report.seconds) == {"prepare", "solve"}


def test_local_steps_by_the_clock_change_nothing_else():
    """The model is that of the H that was measured, whatever it was."""
    how = {"sync": "local", "max_iter": 3, "batch_size": 20}
    measured = classifier(3, local_steps="measured", **how).fit(X, Y)
    h = measured.report_.extra["local_steps"]
    assert 1 <= h <= 24
    assert "as was measured" in measured.report_.why[0]
    told = classifier(3, local_steps=h, **how).fit(X, Y)
    assert_array_equal(parameters(measured), parameters(told))
    assert measured.report_.rounds == told.report_.rounds + 2


def test_the_report_of_merged_gradients():
    report = classifier(3, sync="gradient", max_iter=2).fit(X, Y).report_
    history = report.extra["history"]
    assert [one.n_steps for one in history] == [7, 7]
    assert all(0 < one.agreement <= 1 + 1e-6 for one in history)
    assert "local_steps" not in report.extra


def test_law_5_rounds_of_one_shard_do_not_matter():
    whole = classifier(1, max_iter=3).fit(X, Y)
    pieces = classifier(1, max_iter=3, local_steps=2).fit(X, Y)
    assert_array_equal(parameters(pieces), parameters(whole))
    assert len(pieces.report_.extra["history"]) == 12


# What is no number.


@pytest.mark.parametrize("sync", ["local", "gradient"])
def test_divergence_names_round_and_shard_and_keeps_the_last_good_parameters(sync):
    Z, y = numbers(300)
    Z[-1] = 1e200  # squares overflow
    how = {"n_shards": 3, "sync": sync, "shuffle": False, "random_state": 0, "batch_size": 50}
    model = DistributedMLPRegressor(**how)
    with pytest.raises(ValueError, match=r"non-finite .* pass 1, on shard 2\."):
        model.fit(Z, y)
    assert np.isfinite(parameters(model)).all()
    assert model.n_iter_ == 0
    assert np.isfinite(model.predict(numbers(300)[0])).all()


def test_what_was_learnt_before_it_diverged_is_kept():
    Z, y = numbers(300)
    model = DistributedMLPRegressor(random_state=0, n_shards=2).partial_fit(Z, y)
    good = parameters(model)
    with pytest.raises(ValueError, match="The parameters are those before it"):
        model.partial_fit(1e200 * Z, y)
    assert_array_equal(parameters(model), good)
    model.partial_fit(Z, y)


def test_lbfgs_that_diverges():
    Z, y = numbers(300)
    before = vars(model := DistributedMLPRegressor(solver="lbfgs", n_shards=2)).copy()
    with pytest.raises(ValueError, match="non-finite"):
        model.fit(1e200 * Z, y)
    assert vars(model) == before
