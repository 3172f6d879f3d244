# SPDX-License-Identifier: BSD-3-Clause
"""Plans of pipelines and column transformers, held against what then happened."""

import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import skdist
from skdist.preprocessing import DistributedOneHotEncoder, DistributedStandardScaler

N = 60_000
RNG = np.random.default_rng(0)
KINDS = np.array(["ash", "elm", "oak", "yew"], object)
FRAME = pd.DataFrame(RNG.normal(size=(N, 10)), columns=[f"x{j}" for j in range(10)])
FRAME["kind"] = KINDS[RNG.integers(4, size=N)]
Y = pd.Series((FRAME["x0"] + 0.5 * RNG.normal(size=N) > 0).astype(int), name="y")
NUMBERS = [f"x{j}" for j in range(10)]


def by_column():
    return skdist.DistributedColumnTransformer(
        [
            ("kind", DistributedOneHotEncoder(), ["kind"]),
            ("size", DistributedStandardScaler(), NUMBERS),
            ("same", "passthrough", ["x1"]),
        ],
        sparse_threshold=0,
    )


def whole():
    return Pipeline([("columns", by_column()), ("model", skdist.DistributedLogisticRegression())])


def within_a_factor_of_2(guess, true):
    return true / 2 <= guess <= 2 * true


def test_of_a_pipeline_there_is_one_for_each_part():
    plan = skdist.plan(whole(), FRAME, Y)
    assert list(plan.parts) == ["columns.kind", "columns.size", "model"]
    assert [part.shape.n_features for part in plan.parts.values()] == [1, 10, 4 + 10 + 1]
    assert plan.parts["model"].method == "newton" and plan.parts["model"].shape.n_classes == 2
    assert plan.fits and plan.rounds[0] == sum(p.rounds[0] for p in plan.parts.values())
    text = str(plan)
    assert "Pipeline: 3 parts" in text and "\nmodel: DistributedLogisticRegression: newton" in text
    assert "first 1,000 rows" in plan.why[0]


def test_rounds_and_bytes_are_what_then_happens(dask_client):
    rows = dd.from_pandas(FRAME, npartitions=4), dd.from_pandas(Y.to_frame(), npartitions=4)["y"]
    with dask_client.as_current():
        plan, model = skdist.plan(whole(), *rows), whole().fit(*rows)
    bills = [model["columns"].report_, model["model"].report_]
    rounds = sum(bill.rounds for bill in bills)
    moved = sum(bill.bytes_down + bill.bytes_up for bill in bills)
    assert plan.rounds[0] <= rounds <= plan.rounds[1]
    assert plan.bytes_moved[0] / 2 <= moved <= 2 * plan.bytes_moved[1]
    assert plan.n_shards == 4 and plan.shape.is_collection


def test_memory_of_streamed_parts():
    rows = dd.from_pandas(FRAME, npartitions=4)
    model = by_column()
    plan, report = skdist.plan(model, rows), model.fit(rows).report_
    assert within_a_factor_of_2(plan.driver_memory, report.memory["driver"])
    assert plan.bytes_moved == (0, 0)


def test_steps_of_scikit_learn_run_here():
    plan = skdist.plan(
        make_pipeline(StandardScaler(), skdist.DistributedRidge(n_shards=3)), FRAME[NUMBERS], Y
    )
    own, model = plan.parts.values()
    assert own.sketch.local and own.rounds == (0, 0) and "scikit-learn's" in own.why[0]
    assert model.n_shards == 3


def test_columns_of_scikit_learn_and_unions():
    union = FeatureUnion([("a", DistributedStandardScaler()), ("b", "passthrough")])
    columns = ColumnTransformer([("union", union, NUMBERS[:4])])
    plan = skdist.plan(make_pipeline(columns, skdist.DistributedRidge()), FRAME, Y)
    assert list(plan.parts) == ["columntransformer.union.a", "distributedridge"]
    assert plan.parts["distributedridge"].shape.n_features == 8


def test_sparse_parts_have_the_entries_that_they_have():
    model = make_pipeline(DistributedOneHotEncoder(), skdist.DistributedRidge(solver="sparse_cg"))
    plan = skdist.plan(model, FRAME[["kind", "kind"]].to_numpy(), Y)
    shape = plan.parts["distributedridge"].shape
    assert shape.is_sparse and shape.entries == 2 * N and shape.n_features == 8


def test_what_would_gather_a_collection_is_refused():
    rows = da.from_array(FRAME[NUMBERS].to_numpy(), chunks=(20_000, -1))
    with pytest.raises(TypeError, match="StandardScaler, the step 'standardscaler', would gather"):
        skdist.plan(make_pipeline(StandardScaler(), skdist.DistributedRidge()), rows)


def test_what_does_not_fit_is_said_of_the_whole():
    wide = np.zeros((4, 300_000), np.float32)
    model = skdist.DistributedLogisticRegression(solver="newton", n_shards=1, n_jobs=1)
    plan = skdist.plan(make_pipeline(DistributedStandardScaler(), model), wide, [0, 1, 0, 1])
    assert not plan.fits and plan.parts["distributedstandardscaler"].fits


def test_nothing_is_changed():
    model = whole()
    with joblib.parallel_config(n_jobs=1):
        skdist.plan(model, FRAME, Y)
    assert "report_" not in vars(model["model"])
    assert "transformers_" not in vars(model["columns"])
