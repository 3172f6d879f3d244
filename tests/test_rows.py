# SPDX-License-Identifier: BSD-3-Clause
"""What `fit` gets becomes the same shards of numbers, whatever container it came in."""

import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_matrix, csr_array, issparse
from sklearn.linear_model import LinearRegression, LogisticRegression

from skdist._rows import Intake, bytes_of, default_n_shards, encode_rows

CLASSES = Intake(classify=True)
TARGETS = Intake()


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return X, np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)], rng.uniform(0.5, 2.0, 60)


def together(rows):
    """All shards' X, y and weights again."""
    shards = rows.shards.map(_itself)
    X = np.concatenate([s.X.toarray() if issparse(s.X) else s.X for s in shards])
    y = np.concatenate([s.y for s in shards])
    weights = [s.sample_weight for s in shards]
    return X, y, None if weights[0] is None else np.concatenate(weights)


def _itself(shard):
    return shard


CONTAINERS = {
    "array": np.asarray,
    "fortran": np.asfortranarray,
    "list": np.ndarray.tolist,
    "csr": csr_array,
    "csc": csc_matrix,
    "pandas": lambda X: pd.DataFrame(X, columns=["a", "b", "c"]),
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container_gives_the_same_rows(container, data):
    X, y, w = data
    rows = encode_rows(LogisticRegression(), container(X), y, w, intake=CLASSES, n_shards=4)
    found, codes, weight = together(rows)
    np.testing.assert_array_equal(found, X)
    np.testing.assert_array_equal(rows.classes[codes.astype(int)], y)
    np.testing.assert_array_equal(weight, w)
    assert (rows.n_samples, rows.n_features, rows.shards.n_shards) == (60, 3, 4)
    assert rows.is_sparse == (container in (csr_array, csc_matrix))
    assert rows.total_weight == pytest.approx(w.sum())


def test_a_dask_array_stays_cut_as_it_is_on_every_backend(backend, data):
    X, y, w = data
    cut = [dask.array.from_array(a, chunks=(25, *a.shape[1:])) for a in (X, y, w)]
    rows = encode_rows(LogisticRegression(), *cut, intake=CLASSES)
    found, codes, weight = together(rows)
    np.testing.assert_array_equal(found, X)
    np.testing.assert_array_equal(rows.classes[codes.astype(int)], y)
    np.testing.assert_array_equal(weight, w)
    assert [len(r) for r in rows.shards.rows] == [25, 25, 10]


def test_a_dask_frame_keeps_its_columns_names(data):
    X, _, _ = data
    frame = dask.dataframe.from_pandas(pd.DataFrame(X, columns=["a", "b", "c"]), npartitions=2)
    model = LinearRegression()
    rows = encode_rows(model, frame[["a", "b"]], frame["c"], intake=TARGETS)
    found, y, _ = together(rows)
    np.testing.assert_array_equal(found, X[:, :2])
    np.testing.assert_array_equal(y, X[:, 2])
    assert model.feature_names_in_.tolist() == ["a", "b"]


@pytest.mark.parametrize("as_dask", [False, True])
@pytest.mark.parametrize("by_weight", [False, True])
def test_balanced_classes_weigh_the_same(as_dask, by_weight, data):
    X, y, w = data
    if as_dask:
        X, y, w = (dask.array.from_array(a, chunks=(20, *a.shape[1:])) for a in (X, y, w))
    intake = Intake(classify=True, class_weight="balanced", balance_by_weight=by_weight)
    _, codes, weight = together(encode_rows(LogisticRegression(), X, y, w, intake=intake))
    own = weight if by_weight else weight / data[2]
    sums = np.bincount(codes.astype(int), own)
    assert sums[0] == pytest.approx(sums[1])


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
def test_float32_is_kept_and_other_numbers_become_float64(dtype, data):
    X, y, _ = data
    expected = "f4" if dtype == "f4" else "f8"
    rows = encode_rows(LogisticRegression(), X.astype(dtype), y, intake=CLASSES)
    assert rows.dtype == expected
    lazy = dask.array.from_array(X.astype(dtype), chunks=(30, 3))
    target = dask.array.from_array(y, chunks=30)
    rows = encode_rows(LogisticRegression(), lazy, target, intake=CLASSES)
    assert rows.dtype == expected
    assert together(rows)[0].dtype == expected


def test_several_targets(data):
    X, _, _ = data
    intake = Intake(multi_output=True)
    rows = encode_rows(LinearRegression(), X, X[:, :2], intake=intake, n_shards=3)
    np.testing.assert_array_equal(together(rows)[1], X[:, :2])
    assert rows.total_weight == 60


def test_rows_are_dealt_in_a_drawn_order(data):
    X, y, w = data

    def deal(seed, n_shards):
        return together(
            encode_rows(
                LogisticRegression(),
                X,
                y,
                w,
                intake=CLASSES,
                n_shards=n_shards,
                shuffle_seed=seed,
            )
        )

    dealt, again, other = deal(0, 3), deal(0, 3), deal(1, 3)
    np.testing.assert_array_equal(dealt[0], again[0])
    assert (dealt[0] != other[0]).any()
    assert (dealt[0] != X).any()
    order = np.lexsort(dealt[0].T)
    np.testing.assert_array_equal(dealt[0][order], X[np.lexsort(X.T)])
    np.testing.assert_array_equal(dealt[2][order], w[np.lexsort(X.T)])
    np.testing.assert_array_equal(deal(0, 1)[0], X)


def test_the_default_number_of_shards():
    found = [default_n_shards(n) for n in (1, 4_095, 8_192, 16_384, 65_536, 100_000, 10**9)]
    assert found == [1, 1, 2, 4, 4, 6, 64]


def test_wide_rows_are_cut_finer():
    """No shard has more than 128 MiB; and none less than a row."""
    rows, columns = 20_000, 10_000
    assert default_n_shards(rows) == 4
    assert default_n_shards(rows, 8 * rows * columns) == 12
    assert default_n_shards(10**9, 8 * 10**9 * 30) == 1_789
    assert default_n_shards(3, 10**12) == 3


def test_the_fit_cuts_as_the_default_says(monkeypatch):
    monkeypatch.setattr("skdist._rows.MOST_BYTES", 10_000)
    for wide in (np.ones((50, 100)), csr_array(np.ones((50, 100)))):
        encoded = encode_rows(LinearRegression(), wide, np.arange(50.0), intake=Intake())
        assert encoded.shards.n_shards == np.ceil(bytes_of(wide) / 10_000) > 1


def refuse_negative(y):
    if len(y) and y.min() < 0:
        raise ValueError("y is negative")


@pytest.mark.parametrize("as_dask", [False, True])
def test_bad_rows_are_refused(as_dask, data):
    X, y, w = data
    y = (y == "yes").astype(float)

    def encode(X=X, y=y, w=w, **settings):
        if as_dask:
            chunks = (20,)
            X, y, w = (dask.array.from_array(a, chunks=chunks + np.shape(a)[1:]) for a in (X, y, w))
        encode_rows(LinearRegression(), X, y, w, intake=Intake(**settings))

    with pytest.raises(ValueError, match="contains NaN"):
        encode(X=np.where(X > 1, np.nan, X))
    with pytest.raises(ValueError, match="infinity"):
        encode(y=np.where(y > 0, np.inf, y))
    with pytest.raises(ValueError, match="negative values"):
        encode(w=-w)
    with pytest.raises(ValueError, match=r"0 for all rows|at least one non-zero"):
        encode(w=np.zeros(60))
    with pytest.raises(ValueError, match="y is negative"):
        encode(y=-y, check_y=refuse_negative)
    with pytest.raises(ValueError, match="Unknown label type"):
        encode(y=X[:, 0], classify=True)


def test_y_is_required(data):
    with pytest.raises(ValueError, match="requires y to be passed"):
        encode_rows(LinearRegression(), data[0], None, intake=TARGETS)


def test_more_shards_than_rows(data):
    with pytest.raises(ValueError, match="n_shards=61"):
        encode_rows(LogisticRegression(), data[0], data[1], intake=CLASSES, n_shards=61)


def test_a_partition_with_other_columns(data):
    X = dask.array.from_array(data[0], chunks=(30, 3))
    odd = X.map_blocks(lambda block: block[:, :2], dtype=X.dtype, chunks=X.chunks)
    target = dask.array.from_array(data[2], chunks=30)
    with pytest.raises(ValueError, match="has 2 columns, the collection 3"):
        encode_rows(LinearRegression(), odd, target, intake=TARGETS)
