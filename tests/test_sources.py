# SPDX-License-Identifier: BSD-3-Clause
"""Rows where they are stored: files, object storage, arrays on disk. Every family fits them there.

All sources hold the same rows in the same partitions, one of which is empty, and one of which
lacks a class, so that a model of any of them is the model of the rows in memory, cut alike.
"""

import contextlib

import dask
import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
import zarr
from object_storage import s3_server
from sklearn.base import clone, is_classifier

import skdist
from skdist.model_selection import train_test_split

CUTS = (150, 200, 0, 170, 180)
N = sum(CUTS)
NAMES = list("abc")
STOPS = np.cumsum(CUTS)
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(N, 3)).round(6)
LABELS = (ROWS[:, 0] + 0.5 * ROWS[:, 1] > 0).astype(np.int64) + (ROWS[:, 2] > 1.2)
LABELS[150:350] = np.minimum(LABELS[150:350], 1)
NUMBERS = ROWS @ [1.0, -2.0, 0.5]
FRAME = pd.DataFrame(ROWS, columns=NAMES).assign(label=LABELS, number=NUMBERS)


def pieces(frame=FRAME):
    """The partitions, in memory."""
    return [frame.iloc[stop - n : stop] for stop, n in zip(STOPS, CUTS, strict=True)]


def columns(frame):
    return frame[NAMES], frame["label"]


@pytest.fixture(scope="module")
def storage():
    with s3_server() as options:
        for k, piece in enumerate(pieces()):
            piece.to_parquet(f"s3://rows/table/{k}.parquet", storage_options=options)
        yield options


def from_parquet(folder, request):
    for k, piece in enumerate(pieces()):
        piece.to_parquet(folder / f"{k}.parquet")
    return columns(dd.read_parquet(folder))


def from_s3(folder, request):
    options = request.getfixturevalue("storage")
    return columns(dd.read_parquet("s3://rows/table", storage_options=options))


def from_csv(folder, request):
    for k, piece in enumerate(pieces()):
        piece.to_csv(folder / f"{k}.csv", index=False)
    return columns(dd.read_csv(str(folder / "*.csv"), dtype=FRAME.dtypes.to_dict()))


def from_zarr(folder, request):
    for name, values in (("X", ROWS), ("y", LABELS)):
        chunks = (70, *values.shape[1:])
        stored = zarr.create_array(
            folder / name, shape=values.shape, dtype=values.dtype, chunks=chunks
        )
        stored[...] = values
    X, y = da.from_zarr(folder / "X"), da.from_zarr(folder / "y")
    return X.rechunk((CUTS, 2)), y.rechunk((CUTS,))


def from_npy_stack(folder, request):
    for name, values in (("X", ROWS), ("y", LABELS)):
        da.to_npy_stack(folder / name, da.from_array(values, chunks=(CUTS, *values.shape[1:])))
    return da.from_npy_stack(folder / "X"), da.from_npy_stack(folder / "y")


def of_unknown_chunks(folder, request):
    X, y = here()
    return X[X[:, 0] > -np.inf], y[X[:, 0] > -np.inf]


def mixed(folder, request):
    X, _ = here()
    return X, dd.from_delayed([dask.delayed(p["label"]) for p in pieces()], meta=FRAME["label"][:0])


def of_sparse_blocks(folder, request):
    X, y = here()
    return X.map_blocks(sp.csr_matrix, dtype=X.dtype), y


def here():
    return da.from_array(ROWS, chunks=(CUTS, 3)), da.from_array(LABELS, chunks=(CUTS,))


SOURCES = [
    from_parquet, from_s3, from_csv, from_zarr, from_npy_stack, of_unknown_chunks, mixed,
    of_sparse_blocks,
]  # fmt: skip


@pytest.fixture(params=["streamed", "on the cluster"])
def place(request):
    """Where partitions are computed."""
    with contextlib.ExitStack() as stack:
        if request.param == "on the cluster":
            stack.enter_context(request.getfixturevalue("dask_client").as_current())
        else:
            stack.enter_context(joblib.parallel_config(backend="threading", n_jobs=2))
        yield request.param


@pytest.mark.parametrize("source", SOURCES)
def test_a_model_of_any_source_is_that_of_the_rows(source, place, tmp_path, request):
    X, y = source(tmp_path, request)
    model = skdist.DistributedLogisticRegression(tol=1e-8).fit(X, y)
    whole = skdist.DistributedLogisticRegression(tol=1e-8).fit(ROWS, LABELS)
    assert model.n_shards_ == 5
    assert [len(shard.rows) for shard in model.report_.shards] == list(CUTS)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-6)
    np.testing.assert_array_equal(model.predict(X).compute(), whole.predict(ROWS))
    assert model.score(X, y) == pytest.approx(whole.score(ROWS, LABELS))


FAMILIES = {
    "logistic": lambda: skdist.DistributedLogisticRegression(),
    "ridge": lambda: skdist.DistributedRidge(),
    "SGD": lambda: skdist.DistributedSGDClassifier(max_iter=3, tol=None, random_state=0),
    "forest": lambda: skdist.DistributedRandomForestClassifier(5, random_state=0),
    "SVC": lambda: skdist.DistributedSVC(),
    "MLP": lambda: skdist.DistributedMLPClassifier(4, max_iter=2, tol=0.0, random_state=0),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_fits_files_in_object_storage(family, place, storage):
    X, y = columns(dd.read_parquet("s3://rows/table", storage_options=storage))
    model = FAMILIES[family]().fit(X, y)
    # The same cut of the same rows, in memory: they have names only in one of the two.
    frame = dd.from_delayed([dask.delayed(p) for p in pieces()], meta=FRAME[:0])
    twin = FAMILIES[family]().fit(*columns(frame))
    assert model.n_shards_ == 5
    assert list(model.feature_names_in_) == NAMES
    np.testing.assert_allclose(model.predict(X).compute(), twin.predict(FRAME[NAMES]), atol=1e-9)


def test_a_net_fits_files_in_object_storage(place, storage):
    table = dd.read_parquet("s3://rows/table", columns=[*NAMES, "label"], storage_options=storage)
    rows = table.astype(np.float32).to_dask_array()

    def fitted(X, y):
        torch.manual_seed(0)
        net = skdist.DistributedNeuralNetClassifier(
            torch.nn.Sequential(torch.nn.Linear(3, 3)),
            criterion=torch.nn.CrossEntropyLoss,
            max_epochs=1,
            train_split=None,
            verbose=0,
        )
        return net.fit(X, y)

    # Of columns of a frame skorch makes arguments of the module, by name.
    model = fitted(rows[:, :3], rows[:, 3].astype(np.int64))
    X, y = here()
    twin = fitted(X.astype(np.float32), y)
    X = ROWS.astype(np.float32)
    np.testing.assert_allclose(model.predict_proba(X), twin.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", ["category", "string", "datetime64[ns]"])
def test_columns_that_are_no_numbers_are_refused_with_advice(family, dtype):
    values = pd.Series(["1999-01-01"] * N).astype(dtype)
    frame = dd.from_pandas(FRAME.assign(b=values), npartitions=2)
    with pytest.raises(ValueError, match=r"not numbers: 'b' \((category|str|datetime)") as error:
        FAMILIES[family]().fit(*columns(frame))
    assert "DistributedOneHotEncoder" in str(error.value)


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "float32[pyarrow]"])
def test_numbers_of_any_kind_are_numbers(dtype):
    frame = FRAME.assign(b=(FRAME["b"] > 0).astype(dtype))
    model = skdist.DistributedLogisticRegression().fit(
        *columns(dd.from_pandas(frame, npartitions=2))
    )
    twin = FRAME.assign(b=(FRAME["b"] > 0).astype(float))
    whole = skdist.DistributedLogisticRegression().fit(*columns(twin))
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["string", "category", object])
def test_labels_may_be_strings(dtype, tmp_path):
    labels = pd.Series(np.array(["u", "v", "w"])[LABELS]).astype(dtype)
    for k, piece in enumerate(pieces(FRAME.assign(label=labels))):
        piece.to_parquet(tmp_path / f"{k}.parquet")
    X, y = columns(dd.read_parquet(tmp_path))
    model = skdist.DistributedLogisticRegression().fit(X, y)
    assert model.classes_.tolist() == ["u", "v", "w"]
    assert set(model.predict(X).compute()) == {"u", "v", "w"}
    numbered = skdist.DistributedLogisticRegression().fit(*here())
    assert model.score(X, y) == numbered.score(*here())


ALL = [
    skdist.DistributedElasticNet(0.1),
    skdist.DistributedExtraTreesClassifier(3, random_state=0),
    skdist.DistributedExtraTreesRegressor(3, random_state=0),
    skdist.DistributedHuberRegressor(),
    skdist.DistributedLasso(0.1),
    skdist.DistributedLinearRegression(),
    skdist.DistributedLinearSVC(),
    skdist.DistributedMLPRegressor(hidden_layer_sizes=3, max_iter=2, random_state=0),
    skdist.DistributedNuSVC(nu=0.1),
    skdist.DistributedNuSVR(),
    skdist.DistributedOneClassSVM(),
    skdist.DistributedRandomForestRegressor(3, random_state=0),
    skdist.DistributedRidgeClassifier(),
    skdist.DistributedSGDRegressor(max_iter=3, tol=None, random_state=0),
    skdist.DistributedSVR(),
    skdist.DistributedTweedieRegressor(),
]


AVERAGED = (skdist.DistributedMLPRegressor, skdist.DistributedSGDRegressor)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", ALL, ids=lambda model: type(model).__name__)
def test_an_empty_partition_is_nothing(model):
    X, labels = here()
    y = labels if is_classifier(model) else X[:, 0] ** 2
    found = clone(model).fit(X, y).predict(ROWS)
    full = tuple(n for n in CUTS if n)
    twin = clone(model).fit(X.rechunk((full, 3)), y.rechunk((full,)))
    if isinstance(model, AVERAGED):  # their number is that of the random streams
        assert np.isfinite(found).all()
    else:
        np.testing.assert_allclose(found, twin.predict(ROWS), atol=1e-5)


def test_columns_of_files_are_cut_alike_though_dask_would_read_few_columns_together(tmp_path):
    for k, piece in enumerate(pieces()):
        piece.to_parquet(tmp_path / f"{k}.parquet")
    X, y = columns(dd.read_parquet(tmp_path))
    assert y.optimize().npartitions < y.npartitions == 5
    parts = train_test_split(X, y, random_state=0, test_size=0.2)
    X_train, X_test, y_train, y_test = [part.compute() for part in parts]
    assert len(X_train) + len(X_test) == N and abs(len(X_test) - 0.2 * N) < 5
    pd.testing.assert_series_equal(y_test.reset_index(drop=True), of(X_test).reset_index(drop=True))
    assert len(y_train) == len(X_train)


def of(X):
    """The labels of rows that are known by their values."""
    known = {tuple(row): label for row, label in zip(ROWS, LABELS, strict=True)}
    return pd.Series([known[tuple(row)] for row in X.to_numpy()], name="label")


def test_x_and_y_cut_differently_are_both_named(tmp_path):
    FRAME.to_parquet(tmp_path / "one.parquet")
    X, _ = columns(dd.read_parquet(tmp_path))
    y = dd.from_pandas(FRAME["label"], npartitions=3)
    with pytest.raises(ValueError, match=r"X is cut into 1 partitions .* but y into 3"):
        skdist.DistributedRidge().fit(X, y)


def test_partitions_of_other_lengths_are_named(place):
    X = dd.from_pandas(FRAME[NAMES], npartitions=5)
    y = dd.from_delayed([dask.delayed(p["label"]) for p in pieces()], meta=FRAME["label"][:0])
    with pytest.raises(ValueError, match=r"Partition \d of X has 140 rows but that of y has \d+"):
        skdist.DistributedRidge().fit(X, y)
