# SPDX-License-Identifier: BSD-3-Clause
"""The histogram forest is the replicated forest, wherever rows are and subtrees are grown."""

import operator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from forest_problems import assert_same_tree, assert_same_trees, binned, column, state
from hypothesis import given, settings
from hypothesis import strategies as st

from skdist.kernels.node_split import ENTROPY, POISSON
from skdist.sharding import replicate, shard_rows
from skdist.solvers.binned_forest import block_size, concatenate, fixed_point
from skdist.solvers.histogram_forest import histogram_forest
from skdist.solvers.replicated_forest import replicated_forest
from skdist.solvers.tree_handoff import FEWEST_GROUPS

RNG = np.random.default_rng(0)
N, SEEDS = 700, (3, 11, 2**31)
X = RNG.normal(size=(N, 6))
X_NAN = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
X_NAN[:, 5] = np.nan
RARE = np.hstack([RNG.random((N, 9)) < 0.01, X[:, :1]]).astype(float)
Y = X[:, 0] + X[:, 1] * X[:, 2] + RNG.normal(size=N)
Y2, Y5, COUNTS = Y > 0, np.digitize(Y, [-1.5, -0.5, 0.5, 1.5]), np.round(np.exp(Y))
STEPS = np.digitize(Y, [-2.5, 2.5])  # most rows have the same y: nodes are pure early
W = RNG.random(N) + 0.1
W[::7] = 0.0

# name: X, y, sample weight, number of classes (0: regression), bootstrap, rules
CASES: dict[str, Any] = {
    "binary": (X, Y2, None, 2, True, {}),
    "binary, every row": (X, Y2, None, 2, False, {}),
    "five classes": (X, Y5, None, 5, True, {}),
    "a class that is absent": (X, Y2 * 2, None, 3, True, {}),
    "regression": (X, Y, None, 0, True, {}),
    "regression, few values": (X, STEPS, None, 0, True, {}),
    "poisson": (X, COUNTS, None, 0, True, {"criterion": POISSON, "min_samples_leaf": 5}),
    "entropy, missing": (X_NAN, Y5, None, 5, True, {"criterion": ENTROPY}),
    "regression, missing": (X_NAN, Y, None, 0, True, {"min_samples_leaf": 5}),
    "drawn by weight": (X, Y5, W, 5, True, {"balanced": True}),
    "weighted": (X, Y5, W, 5, False, {"min_weight_fraction_leaf": 0.02}),
    "weighted regression": (X, Y, W, 0, False, {"min_decrease": 1e-3}),
    "five rows a leaf": (X, Y2, None, 2, True, {"min_samples_leaf": 5, "min_decrease": 0.001}),
    "depth 3": (X_NAN, Y5, None, 5, True, {"max_depth": 3}),
    "depth 3, regression": (X_NAN, Y, None, 0, True, {"max_depth": 3}),
    "depth 0, regression": (X, Y, None, 0, True, {"max_depth": 0}),
    "random splits": (X_NAN, Y5, None, 5, True, {"random_splits": True}),
    "random splits, regression": (X, Y, None, 0, False, {"random_splits": True}),
    "mostly constant features": (RARE, Y2, None, 2, True, {"max_features": 1}),
    "all features": (X, Y5, None, 5, True, {"max_features": 6}),
    "constant features": (np.ones((N, 3)), Y2, None, 2, True, {"max_features": 1}),
}


def binned_shards(name, n_shards, n_jobs=1):
    """The rows of a case as shards on that many workers, and the problem."""
    X, y, weight, n_classes, bootstrap, changes = CASES[name]
    shards = shard_rows(
        X.astype(np.float32),
        y.astype(float),
        weight,
        n_shards=n_shards,
        n_jobs=n_jobs,
        align=block_size(N),
    )
    problem, layout = state(shards, n_classes, bootstrap=bootstrap)
    problem = replace(problem, rules=problem.rules._replace(**changes))
    if changes.get("criterion") == POISSON:
        problem = replace(problem, fixed_point=fixed_point((0.0, y.max()), N, False, True))
    return shards.map_shards(binned, problem, layout), problem


def payload(shard):
    return shard.X


@cache
def replicated(name):
    shards, problem = binned_shards(name, 2)
    rows = replicate(concatenate(shards.map(payload)), n_jobs=1)
    return replicated_forest(rows, problem, SEEDS)


def assert_is_replicated(trees, name):
    expected = replicated(name)
    assert expected.n_trees == len(SEEDS)
    for tree, own in zip(trees.each, expected.each, strict=True):
        assert [array.dtype for array in tree] == [array.dtype for array in own]
        if CASES[name][3] == 0:
            np.testing.assert_allclose(tree.impurity, own.impurity, rtol=1e-9, atol=1e-12)
            tree = tree._replace(impurity=own.impurity)
        assert_same_tree(tree, own)


@pytest.mark.parametrize("handoff_rows", [1, 50, 10**9])
@pytest.mark.parametrize("name", CASES)
def test_the_forest_is_the_replicated_one(name, handoff_rows):
    shards, problem = binned_shards(name, 3)
    trees = histogram_forest(shards, problem, SEEDS, handoff_rows=handoff_rows)
    assert_is_replicated(trees, name)


@pytest.mark.parametrize("name", ["regression", "poisson", "regression, missing"])
def test_a_forest_grown_where_all_rows_meet_has_the_same_bits(name):
    shards, problem = binned_shards(name, 3)
    trees = histogram_forest(shards, problem, SEEDS, handoff_rows=N + 1)
    assert_same_trees(trees, replicated(name))


@settings(max_examples=25)
@given(
    st.sampled_from(sorted(CASES)),
    st.integers(1, 7),
    st.integers(1, N + 1),
    st.sampled_from([1, 30_000, 300_000, 1 << 28]),
)
def test_neither_shards_nor_sizes_change_it(name, n_shards, handoff_rows, round_bytes):
    shards, problem = binned_shards(name, n_shards)
    trees = histogram_forest(
        shards, problem, SEEDS, handoff_rows=handoff_rows, round_bytes=round_bytes
    )
    assert_is_replicated(trees, name)


@pytest.mark.parametrize("name", ["entropy, missing", "regression", "random splits"])
def test_every_backend_grows_it(backend, name):
    shards, problem = binned_shards(name, 3, n_jobs=None)
    assert_is_replicated(histogram_forest(shards, problem, SEEDS, handoff_rows=60), name)


def test_the_forest_is_all_there():
    """What the others are compared with has trees of many nodes, missing values on both sides."""
    trees = replicated("entropy, missing")
    assert trees.n_nodes > 300
    assert 0 < column(trees, "missing_left").sum() < trees.n_nodes
    assert not np.array_equal(trees.each[0].feature, trees.each[1].feature)
    assert replicated("constant features").n_nodes == len(SEEDS)
    assert [tree.n_nodes for tree in replicated("depth 0, regression").each] == [1, 1, 1]


@dataclass
class Watched:
    """A data set that writes down what its rounds send up."""

    shards: Any
    sizes: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)

    @property
    def n_shards(self):
        return self.shards.n_shards

    def map_reduce(self, summarize, *broadcast, merge=operator.add):
        summaries = self.shards.map(summarize, *broadcast)
        self.sizes.append(sum(sum(np.asarray(part).nbytes for part in s) for s in summaries))
        return self.shards.map_reduce(summarize, *broadcast, merge=merge)

    def note(self, **values):
        assert all(value >= 0 for value in values.values())

    def group_reduce(self, extract, groups, *broadcast, merge, finish):
        groups = list(groups)
        self.groups.append(len(groups))
        return self.shards.group_reduce(extract, groups, *broadcast, merge=merge, finish=finish)


def test_rounds_send_what_they_may():
    budget = 300_000
    few, many = (Watched(binned_shards("five classes", 4)[0]) for _ in range(2))
    problem = binned_shards("five classes", 4)[1]
    histogram_forest(few, problem, SEEDS, handoff_rows=50, round_bytes=1 << 28)
    histogram_forest(many, problem, SEEDS, handoff_rows=50, round_bytes=budget)
    assert max(few.sizes) > 2 * budget  # the limit is one
    assert max(many.sizes) <= budget
    assert len(many.sizes) > len(few.sizes)


def test_one_round_per_level_and_one_to_finish():
    shards, problem = binned_shards("five classes", 4)
    watched = Watched(shards)
    before = shards.cost.rounds
    trees = histogram_forest(watched, problem, SEEDS, handoff_rows=200)
    levels = len(watched.sizes) - 1  # the first round counts the roots' rows
    assert levels == max(depth_of(tree, 200) for tree in trees.each)
    assert len(watched.groups) == 1
    assert len(SEEDS) <= watched.groups[0] <= len(SEEDS) * -(-FEWEST_GROUPS // len(SEEDS))
    assert shards.cost.rounds - before == 2 * (levels + 1) + 1  # Watched runs each map twice


def depth_of(tree, least_rows):
    """Levels of a tree that have a node of that many rows which is not pure."""
    depth = np.ones(tree.n_nodes, int)
    for t in np.flatnonzero(tree.left >= 0):
        depth[tree.left[t]] = depth[tree.right[t]] = depth[t] + 1
    return depth[(tree.n_samples >= least_rows) & (tree.impurity > 0)].max()


def test_nothing_is_handed_over_where_no_node_is_small():
    watched = Watched(binned_shards("depth 3", 3)[0])
    histogram_forest(watched, binned_shards("depth 3", 3)[1], SEEDS, handoff_rows=1)
    assert watched.groups == []
