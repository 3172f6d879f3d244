# SPDX-License-Identifier: BSD-3-Clause
"""Small forest problems for the tests of the solvers, cut into shards wherever a test wants."""

import operator
from dataclasses import replace
from functools import reduce
from itertools import pairwise

import numpy as np

from skdist.kernels.node_split import GINI, SQUARED_ERROR, Rules
from skdist.sharding import Shard
from skdist.solvers.binned_forest import (
    ForestProblem,
    bin_shard,
    concatenate,
    fixed_point,
    lay_blocks,
    n_values,
)
from skdist.solvers.quantile_bins import quantile_bins
from skdist.solvers.replicated_forest import MemoryPool, grow_whole_tree
from skdist.summaries import Trees


class SerialShards:
    """What a solver asks of a ShardedDataset, in this process, with shards of any size."""

    def __init__(self, parts):
        self.parts, self.rows, self.n_shards = parts, [p.rows for p in parts], len(parts)
        self.n_samples = self.rows[-1].stop

    def map(self, function, *broadcast):
        return [function(part, *broadcast) for part in self.parts]

    def map_reduce(self, function, *broadcast, merge=operator.add):
        return reduce(merge, self.map(function, *broadcast))

    map_tree_reduce = map_reduce

    def map_shards(self, function, *broadcast):
        values = self.map(function, *broadcast)
        return SerialShards(
            [
                replace(part, X=value, y=None, sample_weight=None)
                for part, value in zip(self.parts, values, strict=True)
            ]
        )

    def note(self, state=None, **values):
        """Nobody watches."""

    time_is_up = False


def cut(X, y, weight=None, at=()):
    """Shards that begin at row 0 and at the rows `at`; two equal ones have an empty one between."""
    X, bounds = np.ascontiguousarray(X, np.float32), [0, *at, len(X)]
    parts = [
        Shard(X[a:b], y[a:b], None if weight is None else weight[a:b], range(a, b), 0, k)
        for k, (a, b) in enumerate(pairwise(bounds))
    ]
    return SerialShards([replace(part, n_shards=len(parts)) for part in parts])


def state(shards, n_classes, *, bootstrap=True, min_samples_leaf=1, max_features=2):
    """The problem of gini or squared error trees on all rows of `shards`."""
    rules = Rules(
        criterion=GINI if n_classes else SQUARED_ERROR,
        n_classes=n_classes,
        balanced=False,
        random_splits=False,
        max_features=max_features,
        max_depth=2**31 - 1,
        min_samples_split=2,
        min_samples_leaf=min_samples_leaf,
        min_weight_fraction_leaf=0.0,
        min_decrease=-np.inf,
    )
    n, layout = shards.n_samples, lay_blocks(shards.rows)
    given, y = shards.map(weights_of), np.concatenate(shards.map(targets_of))
    weighted = given[0] is not None
    total, mass = n, layout.sizes()
    if weighted:
        w = np.concatenate(given)
        starts = np.concatenate([[0], np.cumsum(mass).astype(int)])
        total, mass = w.sum(), np.array([w[a:b].sum() for a, b in pairwise(starts)])
    y_range = None if n_classes else (float(y.min()), float(y.max()))
    unit = fixed_point(y_range, total, weighted and not bootstrap, False)
    problem = ForestProblem(rules, quantile_bins(shards), unit, n if bootstrap else 0, mass)
    return problem, layout


def weights_of(shard):
    return shard.sample_weight


def targets_of(shard):
    return shard.y


def binned(shard, problem, layout):
    """The shard's rows as a BinnedShard; for `map_shards`."""
    return bin_shard(shard, problem, layout.first[shard.index], layout.starts(shard.index))


def grow(shards, problem, layout, seeds):
    """Trees that see all rows."""
    rows = concatenate(shards.map(binned, problem, layout))
    pool = MemoryPool()
    each = tuple(grow_whole_tree(rows, seed, problem, pool) for seed in seeds)
    return Trees(each, n_values(problem))


def assert_same_trees(a, b):
    assert a.n_values == b.n_values
    for one, other in zip(a.each, b.each, strict=True):
        assert_same_tree(one, other)


def assert_same_tree(a, b):
    for name, x, y in zip(a._fields, a, b, strict=True):
        np.testing.assert_array_equal(x, y, err_msg=name)


def column(trees, name):
    """One column of the nodes of all trees, tree after tree."""
    return np.concatenate([getattr(tree, name) for tree in trees.each])
