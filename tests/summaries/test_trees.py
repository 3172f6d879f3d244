# SPDX-License-Identifier: BSD-3-Clause
"""Laws of the mergeable values."""

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdist.summaries import Tree, Trees

DTYPES = {
    "feature": np.int32,
    "threshold": np.float32,
    "left": np.int32,
    "right": np.int32,
    "missing_left": np.bool_,
    "impurity": np.float64,
    "n_samples": np.int32,
    "weight": np.float64,
    "value": np.float64,
}


def assert_same(a, b):
    assert a.n_values == b.n_values
    for one, other in zip(a.each, b.each, strict=True):
        for name, x, y in zip(Tree._fields, one, other, strict=True):
            assert x.dtype == y.dtype == DTYPES[name], name
            np.testing.assert_array_equal(x, y, err_msg=name)


def random_trees(n_nodes, n_values, seed):
    """Arrays of the right kinds; merging looks at nothing else."""
    rng = np.random.default_rng(seed)
    return Trees(tuple(random_tree(n, n_values, rng) for n in n_nodes), n_values)


def random_tree(n_nodes, n_values, rng):
    columns = (rng.integers(0, 100, n_nodes).astype(dtype) for dtype in DTYPES.values())
    return Tree(*columns)._replace(value=rng.random((n_nodes, n_values)))


def forests(n_values=3):
    return st.builds(
        random_trees,
        st.lists(st.integers(1, 7), max_size=4),
        st.just(n_values),
        st.integers(0, 2**32 - 1),
    )


@given(forests(), forests(), forests())
def test_merge_is_associative(a, b, c):
    assert_same((a + b) + c, a + (b + c))


@given(forests())
def test_no_trees_are_the_identity(a):
    assert_same(a + Trees.empty(3), a)
    assert_same(Trees.empty(3) + a, a)


@given(forests(), forests())
def test_merge_copies_no_node(a, b):
    copies = [pickle.loads(pickle.dumps(part)) for part in (a, b)]
    merged = a + b
    assert list(map(id, merged.each)) == list(map(id, [*a.each, *b.each]))
    assert_same(a, copies[0])
    assert_same(b, copies[1])


@given(forests(), forests())
def test_a_merge_counts_the_trees_and_nodes_of_both(a, b):
    merged = a + b
    assert merged.n_trees == a.n_trees + b.n_trees
    assert merged.n_nodes == a.n_nodes + b.n_nodes == sum(tree.n_nodes for tree in merged.each)


def test_widths_must_agree():
    with pytest.raises(ValueError, match="with 2 and with 3 values per node"):
        Trees.empty(2) + Trees.empty(3)


def test_is_frozen():
    with pytest.raises(FrozenInstanceError):
        Trees.empty(2).n_values = 3


def test_nbytes_counts_every_array():
    assert random_trees([3, 2], 2, 0).nbytes == 5 * (4 + 4 + 4 + 4 + 1 + 8 + 4 + 8 + 16)


def test_pickles():
    trees = random_trees([3, 5], 2, 0)
    assert_same(pickle.loads(pickle.dumps(trees)), trees)
