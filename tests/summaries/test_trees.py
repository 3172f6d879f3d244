# SPDX-License-Identifier: BSD-3-Clause
"""Laws of the mergeable values."""

import pickle
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdist.summaries import Trees

NAMES = [field.name for field in fields(Trees)]
DTYPES = {
    "offsets": np.int64,
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
    for name in NAMES:
        x, y = getattr(a, name), getattr(b, name)
        assert x.dtype == y.dtype == DTYPES[name], name
        np.testing.assert_array_equal(x, y, err_msg=name)


def random_trees(n_nodes, n_values, seed):
    """Arrays of the right kinds; merging looks at nothing else."""
    rng = np.random.default_rng(seed)
    total = sum(n_nodes)
    draw = {
        name: rng.integers(0, 100, total).astype(dtype)
        for name, dtype in DTYPES.items()
        if name not in ("offsets", "value")
    }
    offsets = np.cumsum([0, *n_nodes]).astype(np.int64)
    return Trees(offsets=offsets, value=rng.random((total, n_values)), **draw)


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
    assert_same(Trees.concatenate([a, b, c]), a + b + c)


@given(forests())
def test_no_trees_are_the_identity(a):
    assert_same(a + Trees.empty(3), a)
    assert_same(Trees.empty(3) + a, a)


@given(forests(), forests())
def test_merge_mutates_nothing_and_shares_no_memory(a, b):
    copies = [pickle.loads(pickle.dumps(part)) for part in (a, b)]
    merged = a + b
    for name in NAMES:
        getattr(merged, name)[...] = 1
    assert_same(a, copies[0])
    assert_same(b, copies[1])


@given(forests(), forests())
def test_trees_of_a_merge_are_the_trees_merged(a, b):
    merged = a + b
    assert merged.n_trees == a.n_trees + b.n_trees
    assert merged.n_nodes == a.n_nodes + b.n_nodes
    singles = [a[t] for t in range(a.n_trees)] + [b[t] for t in range(b.n_trees)]
    for t, single in enumerate(singles):
        assert_same(merged[t], single)
    assert_same(Trees.concatenate([Trees.empty(3), *singles]), merged)


def test_index_counts_from_the_end_and_ends():
    trees = random_trees([3, 1], 2, 0)
    assert_same(trees[-1], trees[1])
    for index in (2, -3):
        with pytest.raises(IndexError, match=rf"index {index}.*2 trees"):
            trees[index]
    assert [tree.n_nodes for tree in trees] == [3, 1]


def test_widths_must_agree():
    with pytest.raises(ValueError, match=r"\[2, 3\] values per node"):
        Trees.empty(2) + Trees.empty(3)


def test_nothing_to_concatenate():
    with pytest.raises(ValueError, match="at least one"):
        Trees.concatenate([])


def test_is_frozen():
    with pytest.raises(FrozenInstanceError):
        Trees.empty(2).value = np.zeros((0, 3))


def test_nbytes_counts_every_array():
    assert random_trees([3, 2], 2, 0).nbytes == 3 * 8 + 5 * (4 + 4 + 4 + 4 + 1 + 8 + 4 + 8 + 16)


def test_pickles():
    trees = random_trees([3, 5], 2, 0)
    assert_same(pickle.loads(pickle.dumps(trees)), trees)
