# SPDX-License-Identifier: BSD-3-Clause
"""Whole pipelines on a Dask dataframe read from parquet, of which nothing is gathered."""

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask.callbacks import Callback
from numpy.testing import assert_allclose
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from skdist import (
    DistributedColumnTransformer,
    DistributedLogisticRegression,
    DistributedMinMaxScaler,
    DistributedOneHotEncoder,
    DistributedOrdinalEncoder,
    DistributedPCA,
    DistributedRandomForestClassifier,
    DistributedRidge,
    DistributedSGDClassifier,
    DistributedSimpleImputer,
    DistributedStandardScaler,
)

N, FILES = 1_200, 5
NUMBERS, TEXTS = ["height", "age"], ["kind", "site"]


def trees():
    rng = np.random.default_rng(0)
    kind = rng.choice(np.array(["ash", "oak", "elm", None], object), N, p=[0.5, 0.3, 0.15, 0.05])
    height = rng.normal(10.0, 3.0, N)
    y = height + 4.0 * (kind == "oak") + rng.normal(size=N)
    return pd.DataFrame(
        {
            "height": np.where(rng.random(N) < 0.1, np.nan, height),
            "kind": kind,
            "age": rng.integers(1, 99, N),
            "site": pd.Categorical(rng.choice(["north", "south"], N)),
            "y": y,
            "tall": np.where(y > 11.0, "tall", "small"),
        }
    )


TREES = trees()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of parquet files of unequal lengths."""
    path = tmp_path_factory.mktemp("trees")
    for k, rows in enumerate(np.array_split(np.arange(N), FILES)):
        TREES.iloc[rows[: len(rows) - 7 * k]].to_parquet(path / f"part{k}.parquet")
    return path


@pytest.fixture
def here(folder):
    """All rows, in memory."""
    return pd.concat([pd.read_parquet(path) for path in sorted(folder.iterdir())])


class Largest(Callback):
    """The most rows that any task without a client gave."""

    def __init__(self):
        super().__init__(posttask=self.see)
        self.rows = 0

    def see(self, key, value, *rest):
        if isinstance(value, pd.DataFrame | pd.Series | np.ndarray):
            self.rows = max(self.rows, len(value))


@pytest.fixture(params=["streamed", "on the cluster"])
def place(request):
    """Where it runs; without a client no task sees all rows. Dask reads small files together."""
    if request.param == "streamed":
        with Largest() as largest:
            yield request.param
        assert 0 < largest.rows < 0.6 * N
    else:
        with request.getfixturevalue("dask_client").as_current():
            yield request.param


def by_columns(numbers, texts, cls):
    return cls([("numbers", numbers, NUMBERS), ("texts", texts, TEXTS)])


def ours_of_all(last, texts=None):
    numbers = make_pipeline(DistributedSimpleImputer(), DistributedStandardScaler())
    texts = texts or DistributedOneHotEncoder()
    return make_pipeline(by_columns(numbers, texts, DistributedColumnTransformer), last)


def theirs_of_all(last):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_pipeline(by_columns(numbers, OneHotEncoder(), ColumnTransformer), last)


def test_logistic_regression_of_all_columns(folder, here, place):
    there = dd.read_parquet(folder)
    assert there.npartitions == FILES and not there.known_divisions
    X, y = there[NUMBERS + TEXTS], there["tall"]
    model = ours_of_all(DistributedLogisticRegression()).fit(X, y)
    reference = theirs_of_all(LogisticRegression(tol=1e-10, max_iter=1_000))
    reference.fit(here[NUMBERS + TEXTS], here["tall"])
    assert list(model[:-1].get_feature_names_out()) == list(reference[:-1].get_feature_names_out())
    assert_allclose(model[-1].coef_, reference[-1].coef_, rtol=1e-3, atol=1e-4)
    p = model.predict_proba(X)
    assert list(p.columns) == ["small", "tall"] and p.npartitions == FILES
    assert_allclose(model.score(X, y), reference.score(here[NUMBERS + TEXTS], here["tall"]))


def test_predictions_are_the_same_as_of_rows_in_memory(folder, here):
    X = dd.read_parquet(folder)[NUMBERS + TEXTS]
    model = ours_of_all(DistributedLogisticRegression()).fit(X, dd.read_parquet(folder)["tall"])
    # Dask read missing texts as pandas' NA, which the encoder knows as NaN.
    rows = here[NUMBERS + TEXTS].assign(kind=here.kind.astype(object).where(here.kind.notna()))
    assert_allclose(model.predict_proba(X).compute(), model.predict_proba(rows), rtol=1e-9)
    assert (model.predict(X).compute().to_numpy() == model.predict(rows)).all()


@pytest.mark.parametrize(
    "last",
    [
        DistributedRandomForestClassifier(5, random_state=0),
        DistributedSGDClassifier("log_loss", max_iter=5, tol=None, random_state=0),
    ],
    ids=["forest", "sgd"],
)
def test_classifiers(folder, place, last):
    there = dd.read_parquet(folder)
    X, y = there[NUMBERS + TEXTS], there["tall"]
    texts = make_pipeline(
        DistributedSimpleImputer(strategy="most_frequent"),
        DistributedOrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    )
    model = ours_of_all(last, texts).fit(X, y)
    assert model.score(X, y) > 0.8
    assert model.predict(X).npartitions == FILES


def test_ridge_of_numbers(folder, here, place):
    there = dd.read_parquet(folder, columns=[*NUMBERS, "y"])
    model = make_pipeline(
        DistributedSimpleImputer(strategy="median"), DistributedMinMaxScaler(), DistributedRidge()
    ).fit(there[NUMBERS], there["y"])
    reference = make_pipeline(SimpleImputer(strategy="median"), MinMaxScaler(), Ridge())
    reference.fit(here[NUMBERS], here["y"])
    assert_allclose(model[-1].coef_, reference[-1].coef_, rtol=1e-9)
    assert_allclose(model.score(there[NUMBERS], there["y"]), reference.score(here[NUMBERS], here.y))


def test_arrays_of_unknown_lengths(folder, here, place):
    there = dd.read_parquet(folder, columns=[*NUMBERS, "y", "tall"])
    there = there[there.age > 20]
    X, y = there[NUMBERS].to_dask_array(), there["tall"].astype(object).to_dask_array()
    assert np.isnan(X.shape[0])
    steps = (DistributedSimpleImputer(), DistributedStandardScaler(), DistributedPCA(2))
    model = make_pipeline(*steps, DistributedLogisticRegression()).fit(X, y)
    kept = here[here.age > 20]
    assert model.score(X, y) == pytest.approx(model.score(kept[NUMBERS].to_numpy(), kept.tall))


def test_sparse_blocks_reach_the_classifier(folder, place):
    there = dd.read_parquet(folder)
    X, y = there[["age"]].to_dask_array(), there["tall"].astype(object).to_dask_array()
    encoder = DistributedOneHotEncoder(handle_unknown="ignore")
    model = make_pipeline(encoder, DistributedLogisticRegression()).fit(X, y)
    assert model[-1].coef_.shape == (1, len(model[0].categories_[0]))
    assert 0.4 < model.score(X, y) <= 1.0


def test_a_pipeline_that_would_gather_says_so(folder):
    there = dd.read_parquet(folder)
    X, y = there[NUMBERS + TEXTS], there["tall"]
    numbers = make_pipeline(SimpleImputer(), DistributedStandardScaler())
    model = make_pipeline(
        by_columns(numbers, DistributedOneHotEncoder(), DistributedColumnTransformer),
        DistributedLogisticRegression(),
    )
    with pytest.raises(TypeError, match="SimpleImputer, in the transformer of 'numbers'"):
        model.fit(X, y)
