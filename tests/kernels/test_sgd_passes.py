# SPDX-License-Identifier: BSD-3-Clause
"""A pass over dense and over sparse rows, a look at losses, and the orders of the rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sgd_problems import named, problems, rows_of, rules, settings

from skdist.kernels.compiling import read_only
from skdist.kernels.sgd_dense import dense_losses, dense_pass
from skdist.kernels.sgd_losses import LOSSES, NO_WEIGHT
from skdist.kernels.sgd_rules import Iterate, shuffled
from skdist.kernels.sgd_sparse import sparse_losses, sparse_pass

X, Y, TARGET = rows_of(3)
N, D = X.shape


def iterate(own_rules, n_problems):
    rng = np.random.default_rng(1)
    paid = np.zeros((n_problems, D if own_rules.l1_ratio > 0 else 0))
    W, b = rng.normal(size=(n_problems, D)), rng.normal(size=n_problems)
    return Iterate(W, b, np.zeros(n_problems), paid, np.full(n_problems, own_rules.eta0))


def one_pass(kernel, X, own_rules, weight=NO_WEIGHT, active=(0, 1, 2), t=1.0, dt=1.0):
    now = iterate(own_rules, 3)
    order = shuffled(np.arange(N), 1, 5, 0, 0)
    arrays = map(read_only, (Y.astype(float), weight, order))
    told = own_rules, classes(), read_only(np.array(active)), now, t, dt
    return (now, *kernel(X, *arrays, *told))


def classes():
    own = problems(3)
    return own._replace(**{name: read_only(getattr(own, name)) for name in own._fields[1:]})


def dense(X):
    return read_only(X)


def sparse(X):
    X = csr_matrix(X)
    return read_only(X.data), read_only(X.indices), read_only(X.indptr)


@pytest.mark.parametrize(
    "setting", list(settings(["log_loss", "hinge"], averages=(False, 1, 100))), ids=named
)
def test_dense_and_sparse_rows_are_the_same_rows(setting):
    own = rules(**setting)
    # The l1 penalty is taken from weights of features that a row has: of all, to compare.
    Z = X + 0.05 if own.l1_ratio > 0.0 else X
    ours, theirs = one_pass(dense_pass, dense(Z), own), one_pass(sparse_pass, sparse(Z), own)
    for a, b in zip(ours[0], theirs[0], strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    for a, b in zip(ours[1:], theirs[1:], strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kernel", ["dense", "sparse"])
def test_float32_rows_are_computed_with_as_float64(kernel):
    take, data = (dense_pass, dense) if kernel == "dense" else (sparse_pass, sparse)
    own = rules()
    now, *_ = one_pass(take, data(X.astype(np.float32)), own)
    assert_array_equal(now.W, one_pass(take, data(X), own)[0].W)


@pytest.mark.parametrize("take", [(dense_pass, dense), (sparse_pass, sparse)], ids=str)
def test_sums_are_those_of_the_iterates(take):
    """Row by row, each pass of one row starting where the last one ended."""
    kernel, data = take
    own = rules(penalty="elasticnet", average=20)
    now, losses, total, count = one_pass(kernel, data(X), own)
    step, sums, met = iterate(own, 3), np.zeros((3, D + 1)), np.zeros(3)
    order = shuffled(np.arange(N), 1, 5, 0, 0)
    for i, r in enumerate(order):
        arrays = map(read_only, (Y.astype(float), NO_WEIGHT, np.array([r])))
        loss, one, n = kernel(
            data(X), *arrays, own, classes(), read_only(np.arange(3)), step, i + 1.0, 1.0
        )
        assert n == (i + 1 >= 20)
        # the iterate is summed before the l1 penalty is taken from it
        met, sums = met + loss, sums + one
    assert_allclose(now.W, step.W, rtol=1e-9, atol=1e-12)
    assert_allclose(total, sums, rtol=1e-9, atol=1e-9)
    assert_allclose(losses, met, rtol=1e-9)
    assert count == N - 19


def test_problems_that_are_not_active_stay(kernel=dense_pass):
    own = rules()
    now, losses, *_ = one_pass(kernel, dense(X), own, active=(0, 2))
    start = iterate(own, 3)
    assert_array_equal(now.W[1], start.W[1])
    assert losses[1] == 0.0
    assert (now.W[[0, 2]] != start.W[[0, 2]]).any(axis=1).all()
    assert_array_equal(now.W[2], one_pass(kernel, dense(X), own)[0].W[2])


def test_weights_are_factors_of_the_steps():
    own = rules(learning_rate="constant", penalty=None)
    half = one_pass(dense_pass, dense(X), own, weight=np.full(N, 0.5))[0]
    smaller = one_pass(dense_pass, dense(X), own._replace(eta0=own.eta0 / 2))[0]
    assert_allclose(half.W, smaller.W, rtol=1e-12)


def test_steps_further_apart_are_later_ones():
    own = rules()
    now, *_ = one_pass(dense_pass, dense(X), own, dt=3.0)
    slow, start = one_pass(dense_pass, dense(X), own)[0], iterate(own, 3)
    assert np.linalg.norm(now.W - start.W) < np.linalg.norm(slow.W - start.W)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weighs", [False, True])
def test_a_look_at_the_losses(loss, weighs):
    rng = np.random.default_rng(2)
    own, W, b = rules(loss), rng.normal(size=(2, 3, D)), rng.normal(size=(2, 3))
    weight = rng.random(N) if weighs else NO_WEIGHT
    rows = np.flatnonzero(rng.random(N) < 0.7)
    told = [*map(read_only, (Y.astype(float), weight, rows)), own, classes()]
    told += [read_only(W), read_only(b), weighs]
    found = dense_losses(dense(X), *told)
    assert_allclose(found, sparse_losses(sparse(X), *told), rtol=1e-12)
    for g in range(2):
        for k in range(3):
            now = Iterate(W[g, k][None], b[g, k][None], np.zeros(1), np.zeros((1, 0)), np.zeros(1))
            each = np.array([loss_of(own, now, r, k) for r in rows])
            assert found[1][g, k] == pytest.approx(each.sum(), rel=1e-9)
            own_weight = weight[rows] if weighs else 1.0
            assert found[0][g, k] == pytest.approx((each * own_weight).sum(), rel=1e-9)


def loss_of(own, now, r, k):
    """Loss of a row, as a pass at steps of size 0 meets it."""
    still = own._replace(eta0=0.0, schedule=1, penalty=0)
    one = classes()._replace(
        positive=read_only(np.array([k])),
        positive_weight=read_only(np.ones(1)),
        negative_weight=read_only(np.ones(1)),
    )
    arrays = map(read_only, (Y.astype(float), NO_WEIGHT, np.array([r])))
    return dense_pass(dense(X), *arrays, still, one, read_only(np.zeros(1, int)), now, 1.0, 1.0)[0][
        0
    ]


def test_orders_are_permutations_that_differ():
    rows = np.flatnonzero(np.arange(1000) % 3)
    orders = [shuffled(rows, 1, *key) for key in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    for i, order in enumerate(orders):
        assert_array_equal(np.sort(order), rows)
        assert all((order != other).any() for other in [rows, *orders[:i]])
    assert_array_equal(shuffled(rows, 1, 0, 0, 0), orders[0])


def test_orders_are_uniform():
    places = np.array([np.argsort(shuffled(np.arange(4), 1, seed, 0, 0)) for seed in range(4000)])
    for row in range(4):
        share = np.bincount(places[:, row], minlength=4) / 4000
        assert_allclose(share, 0.25, atol=0.04)


@pytest.mark.parametrize("run", [1, 4, 16, 1000])
def test_runs_stay_together(run):
    rows = np.arange(103) * 2
    order = shuffled(rows, run, 0, 0, 0)
    assert_array_equal(np.sort(order), rows)
    starts = np.flatnonzero((order // 2) % run == 0)
    for a, b in zip(starts, [*starts[1:], len(order)], strict=True):
        assert_array_equal(np.diff(order[a:b]), 2)
