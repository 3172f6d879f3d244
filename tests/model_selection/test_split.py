# SPDX-License-Identifier: BSD-3-Clause
import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.model_selection
from hypothesis import given
from hypothesis import strategies as st

from skdist import DistributedLogisticRegression
from skdist.model_selection import train_test_split
from skdist.model_selection._draw import ROUNDED, Draw, Shares

N = 1_003
ROWS = np.arange(N)
CUTS = (100, 0, 400, 3, 500)


def array():
    return da.from_array(ROWS[:, None] * np.ones(3), chunks=(CUTS, 2))


def series(values=ROWS):
    """A Dask series cut like the array; it does not know its lengths."""
    stops = np.cumsum(CUTS)
    parts = [pd.Series(values[b - n : b], name="y") for b, n in zip(stops, CUTS, strict=True)]
    return dd.from_delayed([dask.delayed(p) for p in parts], meta=parts[0][:0])


def unknown(values):
    """The same array, which does not know its chunks any more."""
    return values[values[:, 0] >= 0] if values.ndim == 2 else values[values >= 0]


@pytest.mark.parametrize("how", [{}, {"test_size": 0.1}, {"train_size": 7, "test_size": 3}])
def test_in_memory_it_is_scikit_learns(how):
    X, y = sp.csr_array(np.eye(20)), pd.Series(np.arange(20) % 2)
    ours = train_test_split(X, y, random_state=3, stratify=y, **how)
    theirs = sklearn.model_selection.train_test_split(X, y, random_state=3, stratify=y, **how)
    for a, b in zip(ours, theirs, strict=True):
        assert type(a) is type(b)
        np.testing.assert_array_equal(a.toarray() if sp.issparse(a) else a, sp_dense(b))


def sp_dense(values):
    return values.toarray() if sp.issparse(values) else values


@pytest.mark.parametrize(
    ("how", "n_train", "n_test"),
    [
        ({}, 752, 251),
        ({"test_size": 0.2}, 802, 201),
        ({"test_size": 10}, 993, 10),
        ({"train_size": 0.3}, 300, 703),
        ({"train_size": 1, "test_size": 2}, 1, 2),
        ({"train_size": 0.5, "test_size": 0.25}, 501, 251),
    ],
)
def test_known_chunks_give_scikit_learns_numbers(how, n_train, n_test):
    X_train, X_test, y_train, y_test = train_test_split(array(), series(), random_state=0, **how)
    assert (X_train.shape, X_test.shape) == ((n_train, 3), (n_test, 3))
    train, test = X_train.compute()[:, 0], X_test.compute()[:, 0]
    assert [len(b) for b in dask.compute(*X_test.to_delayed().ravel())] == list(X_test.chunks[0])
    assert len(train) == n_train and len(test) == n_test
    assert not set(train) & set(test)
    np.testing.assert_array_equal(y_train.compute(), train)
    np.testing.assert_array_equal(y_test.compute(), test)
    theirs = sklearn.model_selection.train_test_split(ROWS, random_state=0, **how)
    assert list(map(len, theirs)) == [n_train, n_test]


def test_every_partition_gives_its_share_to_within_a_row():
    _, test = train_test_split(array(), test_size=0.3, random_state=1)
    for n, own in zip(test.chunks[0], CUTS, strict=True):
        assert abs(n - 0.3 * own) < 1


def test_unknown_lengths_round_in_each_partition():
    X = unknown(array())
    X_train, X_test = train_test_split(X, test_size=0.3, random_state=1)
    blocks = dask.compute(*X_test.to_delayed().ravel())
    for block, own in zip(blocks, CUTS, strict=True):
        assert abs(len(block) - 0.3 * own) < 1
        assert block.shape[1] == 3
    both = np.concatenate([X_train.compute(), X_test.compute()])[:, 0]
    np.testing.assert_array_equal(np.sort(both), ROWS)
    with pytest.raises(ValueError, match="unknown"):
        len(X_test)


def test_unknown_lengths_are_right_on_average():
    draws = [
        sum(
            Draw(Shares(ROUNDED // 4, 3 * (ROUNDED // 4), ROUNDED), seed, "test").lengths([10] * 50)
        )
        for seed in range(100)
    ]
    # 125 rows, with a standard deviation of 3.5 rows, and of 0.35 rows for the mean of 100.
    assert abs(np.mean(draws) - 125) < 1.5
    assert 2.0 < np.std(draws) < 5.0


def test_the_same_seed_is_the_same_split_and_another_is_another():
    def drawn(seed):
        return train_test_split(array(), random_state=seed)[1].compute()[:, 0].tolist()

    assert drawn(5) == drawn(5) != drawn(6)
    a, b = np.random.RandomState(5), np.random.RandomState(5)
    assert drawn(a) == drawn(b) != drawn(a)


def test_a_row_does_not_depend_on_other_partitions():
    first = train_test_split(unknown(array()), random_state=0)[1]
    again = train_test_split(unknown(array())[:, :2], random_state=0)[1]
    np.testing.assert_array_equal(first.blocks[4].compute()[:, 0], again.blocks[4].compute()[:, 0])


@pytest.mark.parametrize("known", [True, False])
def test_classes_are_split_in_proportion(known):
    labels = np.where(ROWS % 10 == 0, "rare", np.where(ROWS % 2, "odd", "even"))
    X, y = array() if known else unknown(array()), series(labels)
    parts = train_test_split(X, y, stratify=y, test_size=0.3, random_state=2)
    X_train, X_test, y_train, y_test = [part.compute() for part in parts]
    assert len(X_train) == len(y_train) and len(X_test) == len(y_test)
    assert (labels[X_test[:, 0].astype(int)] == y_test).all()
    if known:
        assert len(y_test) == 301
    stops = np.cumsum(CUTS)
    for stop, n in zip(stops, CUTS, strict=True):
        own = labels[stop - n : stop]
        drawn = y_test[(X_test[:, 0] >= stop - n) & (X_test[:, 0] < stop)]
        for label in set(own):
            assert abs((drawn == label).sum() - 0.3 * (own == label).sum()) < 1


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=6),
    st.integers(0, 2**31),
    st.integers(1, 99),
    st.integers(1, 99),
)
def test_parts_never_overlap_and_totals_are_exact(lengths, seed, test, train):
    lengths, of = [*lengths, 2], sum(lengths) + 2
    test = max(1, test * (of - 1) // 100)
    train = max(1, train * (of - test) // 100)
    starts = tuple(int(b - n) for b, n in zip(np.cumsum(lengths), lengths, strict=True))
    shares, drawn = Shares(test, train, of, starts), [0, 0]
    for k, n in enumerate(lengths):
        classes = np.arange(n) % 3
        parts = [Draw(shares, seed, part)(k, n, classes) for part in ("test", "train")]
        assert not set(parts[0]) & set(parts[1])
        assert all((np.diff(rows) > 0).all() for rows in parts)
        drawn = [a + len(b) for a, b in zip(drawn, parts, strict=True)]
    assert drawn == [test, train]


def test_without_shuffling_the_first_rows_are_to_train_on():
    X_train, X_test, _, y_test = train_test_split(array(), series(), shuffle=False)
    np.testing.assert_array_equal(X_train.compute()[:, 0], ROWS[:752])
    np.testing.assert_array_equal(y_test.compute(), ROWS[752:])
    assert X_test.shape == (251, 3)


def test_frames_keep_what_they_are():
    frame = pd.DataFrame({"a": np.arange(40.0), "b": pd.Categorical(["u", "v"] * 20)})
    train, test = train_test_split(dd.from_pandas(frame, npartitions=4), random_state=0)
    assert test.dtypes.equals(frame.dtypes) and train.divisions == (0, 10, 20, 30, 39)
    both = pd.concat([train.compute(), test.compute()]).sort_index()
    pd.testing.assert_frame_equal(both, frame)


def test_sparse_blocks_stay_sparse():
    X = array().rechunk((CUTS, 3)).map_blocks(sp.csr_matrix, dtype=float)
    _, test = train_test_split(X, random_state=0)
    blocks = dask.compute(*test.to_delayed().ravel())
    assert all(sp.issparse(block) for block in blocks)
    assert sum(block.shape[0] for block in blocks) == 251


def test_a_model_is_fitted_on_one_part_and_scored_on_the_other():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(3_000, 4))
    frame = pd.DataFrame(Z, columns=list("abcd")).assign(y=Z[:, 0] + 0.1 * Z[:, 1] > 0)
    rows = dd.from_pandas(frame, npartitions=6)
    X, y = rows[list("abcd")], rows["y"]
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    model = DistributedLogisticRegression().fit(X_train, y_train)
    assert model.n_shards_ == 6
    assert model.score(X_test, y_test) > 0.95


@pytest.mark.parametrize(
    ("args", "how", "message"),
    [
        ((unknown(array()),), {"test_size": 10}, r"test_size=10 .*compute_chunk_sizes"),
        ((series(),), {"train_size": 1.5}, r"train_size=1.5 .* between 0 and 1"),
        ((array(),), {"test_size": 2_000}, "smaller than the number of samples"),
        ((array(),), {"test_size": 0.9, "train_size": 0.2}, "The sum of test_size and train_size"),
        ((series(),), {"test_size": 0.9, "train_size": 0.2}, "The sum of test_size and train_size"),
        ((series(),), {"shuffle": False}, "shuffle=False .* count the rows"),
        ((array(),), {"shuffle": False, "stratify": series()}, "Stratified .* shuffle=False"),
        ((array(), da.ones(N, chunks=500)), {}, r"dask.Array of 5 .* dask.Array of 3"),
    ],
)
def test_what_is_refused(args, how, message):
    with pytest.raises(ValueError, match=message):
        train_test_split(*args, **how)


def test_rows_in_memory_and_collections_do_not_mix():
    for args, how in [
        ((array(), ROWS), {}),
        ((array(),), {"stratify": ROWS}),
        ((ROWS, series()), {}),
    ]:
        with pytest.raises(TypeError, match="A Dask collection and a ndarray were given"):
            train_test_split(*args, **how)


def test_unknown_lengths_that_differ_are_found_when_they_are_computed():
    X, y = unknown(array()), unknown(da.from_array(ROWS, chunks=((100, 0, 401, 2, 500),)))
    parts = train_test_split(X, y, random_state=0)
    with pytest.raises(ValueError, match=r"Partition [23] of one collection has (401|2) rows"):
        parts[2].compute()
