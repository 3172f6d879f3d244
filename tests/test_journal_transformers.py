# SPDX-License-Identifier: BSD-3-Clause
"""Transformers that are interrupted and fitted again: the same, of the rounds that were left."""

import contextlib

import dask.array as da
import numpy as np
import pytest
from journal_problems import Rounds, X, model_of
from sklearn.pipeline import make_pipeline

import skdist
from skdist.sharding import running_fit

MISSING = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)
KINDS = np.array(["ash", "elm", "oak"])[np.digitize(X, [-0.5, 0.5])].astype(object)

# name -> (transformer, rows)
TRANSFORMERS = {
    "standard": lambda: (skdist.DistributedStandardScaler(n_shards=4), X),
    "min and max": lambda: (skdist.DistributedMinMaxScaler(n_shards=4), X),
    "largest": lambda: (skdist.DistributedMaxAbsScaler(n_shards=4), X),
    "ordinal": lambda: (skdist.DistributedOrdinalEncoder(n_shards=4), KINDS),
    "one hot": lambda: (skdist.DistributedOneHotEncoder(n_shards=4), KINDS),
    "mean": lambda: (skdist.DistributedSimpleImputer(n_shards=4), MISSING),
    "median": lambda: (skdist.DistributedSimpleImputer(n_shards=4, strategy="median"), MISSING),
    "axes": lambda: (skdist.DistributedPCA(3, n_shards=4), X),
}


def interrupt():
    raise KeyboardInterrupt


def watched(name, folder=None, last=None):
    """The transformer, and the numbers of the rounds that were run; interrupted before one."""
    watcher = Rounds(last, interrupt)
    transformer, rows = TRANSFORMERS[name]()
    with skdist.config_context(journal=folder), running_fit([watcher]):
        return transformer.fit(rows), watcher.numbers


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_an_interrupted_fit_goes_on_where_it_was(name, tmp_path):
    plain, rounds = watched(name)
    assert rounds
    with contextlib.suppress(KeyboardInterrupt):
        watched(name, tmp_path, rounds[-1])
    (kept,) = skdist.journals(tmp_path)
    assert (kept.finished, kept.rounds) == (False, len(rounds) - 1)
    again, left = watched(name, tmp_path)
    assert left == rounds[-1:]
    assert model_of(again) == model_of(plain)
    read, none = watched(name, tmp_path)
    assert none == []
    assert model_of(read) == model_of(plain)
    assert read.report_.why[-1].endswith("were read from the journal, 0 were computed.")


def test_weights_are_among_what_is_recognised(tmp_path):
    weight = np.arange(len(X), dtype=float)
    scaler = skdist.DistributedStandardScaler(n_shards=4)
    with skdist.config_context(journal=tmp_path):
        plain = scaler.fit(X).mean_
        weighted = scaler.fit(X, sample_weight=weight).mean_
    np.testing.assert_allclose(plain, X.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(weighted, np.average(X, axis=0, weights=weight), atol=1e-12)
    assert len(skdist.journals(tmp_path)) == 2


def columns():
    return skdist.DistributedColumnTransformer(
        [
            ("scaled", skdist.DistributedStandardScaler(n_shards=4), [0, 1, 2]),
            ("ranged", skdist.DistributedMinMaxScaler(n_shards=4), [3, 4, 5]),
        ]
    )


def rounds_and_output(transformer, rows, folder, last=None):
    watcher = Rounds(last, interrupt)
    with skdist.config_context(journal=folder), running_fit([watcher]):
        return transformer.fit(rows).transform(rows), watcher.numbers


def test_of_columns_each_transformer_has_a_journal(tmp_path):
    out, _ = rounds_and_output(columns(), X, tmp_path)
    again, rounds = rounds_and_output(columns(), X, tmp_path)
    np.testing.assert_array_equal(again, out)
    assert rounds == []
    names = {kept.estimator.rpartition(".")[2] for kept in skdist.journals(tmp_path)}
    assert names == {"DistributedStandardScaler", "DistributedMinMaxScaler"}


def test_of_columns_of_a_collection_each_transformer_has_a_journal(tmp_path):
    rows = da.from_array(X, chunks=(150, -1))
    transformer = skdist.DistributedColumnTransformer(
        [
            ("scaled", skdist.DistributedStandardScaler(), [0, 1, 2]),
            ("ranged", skdist.DistributedMinMaxScaler(), [3, 4, 5]),
        ]
    )
    plain, _ = rounds_and_output(transformer, rows, None)
    rounds_and_output(transformer, rows, tmp_path)
    again, rounds = rounds_and_output(transformer, rows, tmp_path)
    np.testing.assert_array_equal(np.asarray(again), np.asarray(plain))
    assert rounds == []
    assert len(skdist.journals(tmp_path)) == 2


def test_a_pipeline_goes_on_behind_the_transformers_that_were_done(tmp_path):
    def pipeline():
        model = skdist.DistributedLogisticRegression(n_shards=4)
        return make_pipeline(skdist.DistributedStandardScaler(n_shards=4), model)

    y = (X[:, 0] > 0).astype(int)
    with skdist.config_context(journal=tmp_path):
        plain = pipeline().fit(X, y)
        again = pipeline().fit(X, y)
    assert model_of(again[-1]) == model_of(plain[-1])
    assert all(" 0 were computed" in step.report_.why[-1] for _, step in again.steps)
