# SPDX-License-Identifier: BSD-3-Clause
"""Pairs of classes as tasks: their rows, their order, and what becomes of them."""

from functools import partial

import numpy as np
import pytest
from kernel_problems import classes_problem
from scipy.sparse import csr_matrix

from skdist.kernels.kernel_function import KernelFunction
from skdist.sharding import shard_rows
from skdist.solvers.dual_problem import classification
from skdist.solvers.memo import Memo
from skdist.solvers.one_vs_one import (
    ClassRows,
    PairFit,
    PairRows,
    RowsOfPair,
    one_vs_one,
    pairs_of,
)
from skdist.solvers.smo_here import smo_here

X, Y, WEIGHT = classes_problem(4)
KERNEL = KernelFunction("rbf", gamma=0.1)


def formulate(pair, sign, weight):
    return classification(sign, weight)


def solve(pair, rows, problem):
    return smo_here(rows.X, KERNEL, problem, tol=1e-6)


def shards(n_shards=3, container=np.asarray, weight=WEIGHT):
    return shard_rows(container(X), Y.astype(float), weight, n_shards=n_shards, n_jobs=1)


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_the_rows_of_a_pair(container):
    weights = np.array([1.0, 2.0, 3.0, 0.5])
    extract = RowsOfPair(weights, Memo(1.0))
    parts = shards(container=container).map(extract, (1, 3))
    rows = parts[0] + parts[1] + parts[2]
    own = np.concatenate([np.flatnonzero((Y == c) & (WEIGHT > 0)) for c in (1, 3)])
    np.testing.assert_array_equal(rows.rows, own)
    np.testing.assert_array_equal(rows.sign, np.where(Y[own] == 1, 1.0, -1.0))
    np.testing.assert_array_equal(rows.weight, weights[Y[own]] * WEIGHT[own])
    dense = rows.X.toarray() if container is csr_matrix else rows.X
    np.testing.assert_array_equal(dense, X[own])


def test_each_pair_is_the_problem_of_its_rows():
    found = one_vs_one(
        shards(),
        PairFit(formulate, solve),
        class_weight=np.ones(4),
        n_rows=np.bincount(Y),
        cache_size=1.0,
    )
    assert len(found) == 6
    for (i, j), expansion in zip(pairs_of(4), found, strict=True):
        own = np.flatnonzero(np.isin(Y, [i, j]) & (WEIGHT > 0))
        problem = classification(np.where(Y[own] == i, 1.0, -1.0), WEIGHT[own])
        expected = smo_here(X[own], KERNEL, problem, tol=1e-6)
        assert expansion.dual == pytest.approx(expected.dual, rel=1e-9)
        assert expansion.offset == pytest.approx(expected.offset, abs=1e-5)
        assert expansion.n_rows == len(own)
        assert set(expansion.rows) <= set(own)
        assert np.all(np.diff(expansion.rows) > 0)
        assert np.all(np.sign(expansion.coef) == np.where(Y[expansion.rows] == i, 1, -1))


def remember(order, pair, sign, weight):
    order.append(pair)
    return classification(sign, weight)


def test_the_longest_come_first():
    order, n_rows = [], [10, 40, 20, 30]
    fit = PairFit(partial(remember, order), solve)
    one_vs_one(shards(), fit, class_weight=np.ones(4), n_rows=n_rows, cache_size=1.0)
    assert order == [(1, 3), (1, 2), (0, 1), (2, 3), (0, 3), (0, 2)]


def test_f_is_divided_by_the_width_of_the_margin_where_asked():
    class Solution:
        alpha, offset, width = np.array([1.0, 1.0, 0.0]), 3.0, 2.0
        primal = dual = gap = violation = cache_hits = 0.0
        n_iter = n_blocks = rows_computed = 1
        converged = True

    first = ClassRows(X[:1], np.ones(1), np.array([7]))
    rows = PairRows(first, ClassRows(X[1:3], np.ones(2), np.array([4, 9])))
    for unit_width, scale in ((False, 1.0), (True, 2.0)):
        found = PairFit(formulate, lambda *_: Solution, unit_width)((0, 1), rows)
        np.testing.assert_array_equal(found.rows, [4, 7])
        np.testing.assert_array_equal(found.coef, np.array([-1.0, 1.0]) / scale)
        assert found.offset == 3.0 / scale


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_pair_of_one_class_is_a_constant(sign):
    some, none = (ClassRows(X[:n], np.ones(n), np.arange(n)) for n in (3, 0))
    rows = PairRows(some, none) if sign > 0 else PairRows(none, some)
    found = PairFit(formulate, None)((0, 1), rows)
    assert (-found.offset, len(found.rows), found.converged) == (sign, 0, True)
