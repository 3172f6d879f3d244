# SPDX-License-Identifier: BSD-3-Clause
"""Ordinary least squares: scikit-learn's optimum, rank and singular values on any rows."""

import numpy as np
import pytest
import sklearn.linear_model as sk
from least_squares_problems import CONTAINERS, assert_same_fit, rows_and_targets
from scipy.sparse import csr_array, random_array

from skdist import DistributedLinearRegression

RNG = np.random.default_rng(0)


def both(X, y, weight=None, container=np.asarray, dtype=np.float64, **parameters):
    """Ours and scikit-learn's, the latter on dense float64."""
    ours = DistributedLinearRegression(n_shards=5, **parameters)
    theirs = sk.LinearRegression(**parameters)
    return ours.fit(container(X.astype(dtype)), y, weight), theirs.fit(X, y, weight)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_targets", [1, 3])
def test_the_optimum(n_targets, fit_intercept, weighted, container, dtype):
    X, y, weight = rows_and_targets(n_targets)
    weight = weight if weighted else None
    ours, theirs = both(X, y, weight, CONTAINERS[container], dtype, fit_intercept=fit_intercept)
    assert_same_fit(ours, theirs, dtype)
    assert ours.report_.exact and ours.report_.method == "moments"
    assert 0 <= ours.report_.certificate < 1e-18 * np.sum(np.square(y))
    assert ("rank_" in vars(ours)) == (container == "dense")
    if container == "dense":
        assert ours.rank_ == theirs.rank_
        np.testing.assert_allclose(ours.singular_, theirs.singular_, rtol=1e-5)
    predicted = ours.predict(CONTAINERS[container](X.astype(dtype)))
    np.testing.assert_allclose(predicted, theirs.predict(X), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_targets", [1, 3])
def test_positive(n_targets, fit_intercept, weighted):
    X, y, weight = rows_and_targets(n_targets)
    weight = weight if weighted else None
    ours, theirs = both(X, y, weight, positive=True, fit_intercept=fit_intercept)
    assert_same_fit(ours, theirs)
    assert (ours.coef_ == 0).any() and ours.coef_.min() == 0 and "rank_" not in vars(ours)
    with pytest.raises(TypeError, match="Sparse data was passed"):
        DistributedLinearRegression(positive=True).fit(csr_array(X), y)


BASE = RNG.normal(2.0, 1.0, (120, 5))
HARD = {
    "collinear": np.column_stack([BASE, BASE[:, 0] + BASE[:, 1], 2 * BASE[:, 2]]),
    "constant": np.column_stack([BASE, np.full(120, 5.0), np.zeros(120)]),
    "wide": RNG.normal(1.0, 1.0, (40, 70)),
    "one row": RNG.normal(size=(1, 3)),
    "two rows": RNG.normal(size=(2, 3)),
    "scales": BASE * [1e-8, 1e8, 1.0, 1e4, 1e-4],
    "small": BASE * 1e-8,
    "large": BASE * 1e8,
}


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_shards", [1, 7])
def test_hard_rows(kind, fit_intercept, n_shards):
    X = HARD[kind]
    y = X @ RNG.normal(size=X.shape[1]) + 1.0
    n_shards = min(n_shards, len(X))
    ours = DistributedLinearRegression(n_shards=n_shards, fit_intercept=fit_intercept).fit(X, y)
    theirs = sk.LinearRegression(fit_intercept=fit_intercept).fit(X, y)
    assert ours.rank_ == theirs.rank_
    assert ours.singular_.shape == theirs.singular_.shape
    top = max(theirs.singular_.max(), 1e-300)
    np.testing.assert_allclose(ours.singular_ / top, theirs.singular_ / top, atol=1e-12)
    spread = np.maximum(np.abs(X).max(axis=0), 1e-300)
    size = np.abs(theirs.coef_ * spread).max()
    np.testing.assert_allclose(ours.coef_ * spread, theirs.coef_ * spread, atol=1e-8 * size)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-7, atol=1e-8)


def test_tol_says_which_singular_values_count():
    X = np.column_stack([BASE, BASE[:, 0] + 1e-4 * RNG.normal(size=120)])
    y = X @ np.arange(6.0)
    for tol, rank in ((1e-6, 6), (1e-2, 5)):
        ours, theirs = both(X, y, tol=tol)
        assert ours.rank_ == theirs.rank_ == rank
        assert_same_fit(ours, theirs, rtol=1e-6)


def test_collinear_rows_take_a_second_round():
    report = DistributedLinearRegression(n_shards=3).fit(HARD["collinear"], BASE[:, 0]).report_
    assert report.method == "tsqr" and "triangular factors" in report.why[0]
    first = DistributedLinearRegression(n_shards=3).fit(BASE, BASE[:, 0]).report_
    assert report.rounds == first.rounds + 1


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_very_many_sparse_columns(n_targets, fit_intercept):
    X = random_array((60, 4200), density=0.02, rng=np.random.default_rng(0), format="csr")
    y = X[:, :9] @ RNG.normal(size=(9, n_targets)) + RNG.normal(size=(60, n_targets)) + 2.0
    y = y[:, 0] if n_targets == 1 else y
    ours = DistributedLinearRegression(n_shards=3, tol=1e-12, fit_intercept=fit_intercept)
    ours.fit(X, y)
    theirs = sk.LinearRegression(fit_intercept=fit_intercept, tol=1e-10).fit(X.toarray(), y)
    assert ours.report_.method == "cg" and ours.report_.extra["converged"]
    assert_same_fit(ours, theirs, rtol=1e-7)
    with pytest.warns(UserWarning, match="Conjugate gradients stopped after"):
        DistributedLinearRegression(tol=0.0).fit(X[:5], y[:5])


def test_very_many_dense_columns_are_scikit_learns():
    X, y = RNG.normal(size=(9, 4097)), RNG.normal(size=9)
    ours = DistributedLinearRegression().fit(X, y)
    np.testing.assert_array_equal(ours.coef_, sk.LinearRegression().fit(X, y).coef_)
    assert ours.report_.strategy == "local" and ours.n_shards_ == 1


def test_refitting_forgets_the_rank():
    X, y, _ = rows_and_targets()
    model = DistributedLinearRegression().fit(X, y)
    assert "rank_" not in vars(model.fit(csr_array(X), y))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"y": None}, "requires y to be passed"),
        ({"y": [1.0, np.nan] * 80}, "contains NaN"),
        ({"X": np.full((160, 6), np.inf)}, "contains infinity"),
        ({"sample_weight": np.zeros(160)}, "non-zero number"),
        ({"sample_weight": -np.ones(160)}, "weights must be 0 or more"),
        ({"sample_weight": np.ones(3)}, "inconsistent|shape"),
        ({"y": [1.0, 2.0]}, "inconsistent numbers of samples"),
    ],
)
def test_bad_input_leaves_nothing_half_fitted(change, error):
    X, y, _ = rows_and_targets()
    model = DistributedLinearRegression()
    with pytest.raises(ValueError, match=error):
        model.fit(**{"X": X, "y": y, **change})
    assert vars(model) == model.get_params()
    model.fit(X, y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=error):
        model.fit(**{"X": X, "y": y, **change})
    assert vars(model) == before


def test_more_shards_than_rows():
    with pytest.raises(ValueError, match="n_shards"):
        DistributedLinearRegression(n_shards=4).fit(BASE[:3], BASE[:3, 0])


def test_law_4_order_and_cut_do_not_matter():
    X, y, weight = rows_and_targets(2)
    whole = DistributedLinearRegression(n_shards=1).fit(X, y, weight)
    order = np.argsort(y[:, 0])
    for n_shards in (2, 40, 160):
        model = DistributedLinearRegression(n_shards=n_shards)
        assert_same_fit(model.fit(X[order], y[order], weight[order]), whole, rtol=1e-12)


def test_law_6_a_weight_is_a_repetition_and_none_is_no_row():
    X, y, _ = rows_and_targets()
    counts = RNG.integers(0, 3, len(X))
    one = DistributedLinearRegression(n_shards=3).fit(X, y, counts.astype(float))
    twice = DistributedLinearRegression(n_shards=3).fit(X.repeat(counts, 0), y.repeat(counts))
    assert_same_fit(one, twice, rtol=1e-12)
