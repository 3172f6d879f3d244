# SPDX-License-Identifier: BSD-3-Clause
"""The same machine whatever runs it, however the rows are cut; rows of Dask collections."""

from itertools import pairwise

import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from kernel_problems import (
    MACHINES,
    MortalSVC,
    classes_problem,
    dual_value,
    fitted,
    ours,
    outputs,
    problem_of,
)
from scipy.sparse import csr_matrix

from skdist.sharding import shard_rows

machines = pytest.mark.parametrize("name", MACHINES)
TASKS = {**dict.fromkeys(MACHINES, 3), "two classes": 2}
OTHERS = [task for task in TASKS if task != "SVC"]


def problem(task):
    """The machine's name, X, y and weights."""
    name = "SVC" if task == "two classes" else task
    X, y, weight = problem_of(name, TASKS[task])
    return name, X, y, np.ones(len(X)) if name == "NuSVC" else weight


def fit(task, **parameters):
    name, X, y, weight = problem(task)
    return fitted(ours(name, **{"n_shards": 3, **parameters}), X, y, weight)


@pytest.fixture(scope="module")
def serial():
    """Machines found in this thread, by task."""
    with joblib.parallel_config(n_jobs=1):
        return {task: fit(task) for task in TASKS}


@pytest.mark.parametrize("task", TASKS)
def test_law_3_the_same_machine_on_every_backend(backend, task, serial):
    own, expected = fit(task), serial[task]
    np.testing.assert_array_equal(own.support_, expected.support_)
    if backend == "dask":
        np.testing.assert_allclose(own.dual_coef_, expected.dual_coef_, rtol=1e-9)
    else:
        np.testing.assert_array_equal(own.dual_coef_, expected.dual_coef_)
        np.testing.assert_array_equal(own.intercept_, expected.intercept_)


@pytest.mark.parametrize("n_jobs", [1, 2, 5, -1])
@pytest.mark.parametrize("task", ["SVC", "two classes", "SVR"])
def test_law_3_the_same_machine_for_any_n_jobs(task, n_jobs, serial):
    own = fit(task, n_jobs=n_jobs)
    np.testing.assert_array_equal(own.dual_coef_, serial[task].dual_coef_)


@pytest.mark.parametrize("n_shards", [1, 2, 8])
@pytest.mark.parametrize("task", TASKS)
def test_law_4_the_number_of_shards_does_not_change_the_optimum(task, n_shards, serial):
    _, X, y, _ = problem(task)
    own = fit(task, n_shards=n_shards)
    assert own.n_shards_ == n_shards
    assert dual_value(own, y) == pytest.approx(dual_value(serial[task], y), rel=1e-5)
    expected = outputs(serial[task], X)
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(outputs(own, X), expected, atol=1e-3 * scale)


@pytest.mark.parametrize("task", TASKS)
def test_law_4_the_order_of_the_rows_does_not_change_the_optimum(task, serial):
    name, X, y, weight = problem(task)
    order = np.random.default_rng(0).permutation(len(X))
    y_there = None if y is None else y[order]
    own = fitted(ours(name, n_shards=3), X[order], y_there, weight[order])
    expected = outputs(serial[task], X)
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(outputs(own, X), expected, atol=2e-3 * scale)


@pytest.mark.parametrize("task", TASKS)
def test_predictions_are_the_same_for_any_n_jobs(task, serial):
    _, X, _, _ = problem(task)
    rows = np.tile(X, (4, 1))
    expected = serial[task].set_params(n_jobs=1).predict(rows)
    np.testing.assert_array_equal(serial[task].set_params(n_jobs=3).predict(rows), expected)
    serial[task].set_params(n_jobs=None)


def test_what_travelled_is_reported(process_backend):
    report = fit("SVC").report_
    _, X, _, _ = problem("SVC")
    assert report.bytes_down > X.nbytes
    assert 0 < report.bytes_up
    assert report.rounds > 3


@pytest.mark.parametrize("name", ["SVC", "SVR"])
def test_a_cascade_ends_at_the_same_optimum(backend, name):
    X, y, weight = problem_of(name, n_classes=2)
    own, expected = (
        fitted(ours(name, strategy=strategy, n_shards=3), X, y, weight)
        for strategy in ("cascade", "parallel")
    )
    assert own.report_.strategy == "cascade"
    assert dual_value(own, y) == pytest.approx(dual_value(expected, y), rel=1e-5)
    assert own.report_.extra["violation"] <= own.tol


def test_a_cascade_of_shards_that_lack_a_class_or_all_rows():
    X, y, _ = classes_problem(2)
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    expected = fitted(ours("SVC", n_shards=4), X, y)
    own = fitted(ours("SVC", strategy="cascade", n_shards=4), X, y)
    assert dual_value(own) == pytest.approx(dual_value(expected), rel=1e-5)
    there = fitted(ours("SVC", strategy="cascade"), collection(X, "array"), collection(y, "array"))
    assert dual_value(there) == pytest.approx(dual_value(expected), rel=1e-5)


@pytest.mark.parametrize(
    "noise, kind, strategy",
    [(0.0, "array", "cascade"), (0.0, "sparse", "cascade"), (3.0, "array", "parallel")],
)
def test_a_pilot_tells_whether_partitions_would_drop_rows(noise, kind, strategy):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8_200, 3))
    y = X[:, 0] + noise * rng.normal(size=len(X)) > 0
    machine = ours("SVC", strategy="auto", C=0.1)
    own = fitted(machine, collection(X, kind), collection(y, "array"))
    assert own.report_.strategy == strategy
    assert "of a pilot's rows are support vectors" in own.report_.why[0]
    assert own.report_.extra["violation"] <= own.tol
    here = fitted(machine.set_params(n_shards=2), X, y)
    assert here.report_.strategy == "parallel"
    assert dual_value(own) == pytest.approx(dual_value(here), rel=1e-5)


def test_few_rows_are_one_task_and_one_shard_has_no_cascade():
    X, y, _ = classes_problem(2)
    assert fitted(ours("SVC", strategy="auto"), X, y).report_.strategy == "one task"
    X, y = np.tile(X, (40, 1)), np.tile(y, 40)
    own = fitted(ours("SVC", strategy="auto", C=0.01, n_shards=1), X, y)
    assert own.report_.strategy == "parallel"


@pytest.mark.parametrize("name", ["NuSVC", "NuSVR", "OneClassSVM"])
def test_with_nu_there_is_no_cascade(name):
    X, y, _ = problem_of(name)
    with pytest.raises(ValueError, match="The 'strategy' parameter"):
        ours(name, strategy="cascade").fit(X, y)


# Shards that lack something.


def test_sorted_labels_and_shards_of_one_row():
    X, y, _ = classes_problem(3)
    order = np.argsort(y, kind="stable")
    expected = fitted(ours("SVC", n_shards=1), X[order], y[order])
    own = fitted(ours("SVC", n_shards=len(X)), X[order], y[order])
    assert dual_value(own) == pytest.approx(dual_value(expected), rel=1e-5)


# Rows of Dask collections.


CUTS = (0, 90, 90, 170, None)  # the second partition is empty


def collection(rows, kind):
    """Rows of an array in the partitions above."""
    if kind == "frame":
        names = [f"x{j}" for j in range(rows.shape[1])] if rows.ndim == 2 else "y"
        make = pd.DataFrame if rows.ndim == 2 else pd.Series
        key = {"columns" if rows.ndim == 2 else "name": names}
        parts = [make(rows[a:b], **key) for a, b in pairwise(CUTS)]
        return dd.from_map(lambda part: part, parts)
    stops = [*CUTS[1:-1], len(rows)]
    sizes = tuple(np.diff([0, *stops]).tolist())
    whole = da.from_array(rows, chunks=(sizes, *((n,) for n in rows.shape[1:])))
    return whole.map_blocks(csr_matrix) if kind == "sparse" and rows.ndim == 2 else whole


# All machines take their rows from the shards as SVC does, which is tried with all kinds of them.
@pytest.mark.parametrize(
    ("task", "kind"),
    [*(("SVC", kind) for kind in ("array", "sparse", "frame")), *((t, "array") for t in OTHERS)],
)
def test_rows_of_a_collection(place, task, kind, serial):
    if place == "streamed" and task not in ("two classes", "SVC"):
        pytest.skip("where partitions are computed is the business of sharding")
    name, X, y, weight = problem(task)
    there = [None if rows is None else collection(rows, kind) for rows in (X, y, weight)]
    own = fitted(ours(name), *there)
    assert own.n_shards_ == 4
    assert own.shape_fit_ == X.shape
    expected = outputs(serial[task], X)
    rows = pd.DataFrame(X, columns=own.feature_names_in_) if kind == "frame" else X
    found = outputs(own, csr_matrix(X) if kind == "sparse" else rows)
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, atol=2e-3 * scale)


@pytest.mark.parametrize("kind", ["array", "frame"])
def test_one_class_on_rows_of_a_collection(kind):
    X, _, _ = problem_of("OneClassSVM")
    own = fitted(ours("OneClassSVM"), pd.DataFrame(X, columns=[f"x{j}" for j in range(5)]), None)
    own = own if kind == "frame" else fitted(ours("OneClassSVM"), X, None)
    rows = collection(X, kind).compute()
    for method in ("predict", "decision_function", "score_samples"):
        found = getattr(own, method)(collection(X, kind))
        np.testing.assert_allclose(found.compute(), getattr(own, method)(rows), rtol=1e-9)


def test_pairs_of_a_collection_have_names():
    X, y, _ = classes_problem(3)
    own = ours("SVC", decision_function_shape="ovo")
    own = fitted(own, pd.DataFrame(X, columns=[f"x{j}" for j in range(5)]), y)
    found = own.decision_function(collection(X, "frame"))
    assert list(found.columns) == ["0, 1", "0, 2", "1, 2"]
    expected = own.decision_function(collection(X, "frame").compute())
    np.testing.assert_allclose(found.compute(), expected, rtol=1e-9)


def test_the_whole_of_a_collection_never_comes_to_the_driver(dask_client, monkeypatch):
    X, y, _ = classes_problem(2, n=2_000, d=40)
    X = np.where(np.arange(len(y))[:, None] % 20 == 0, X, X + 4.0 * (2 * y - 1)[:, None])
    with dask_client.as_current():
        own = fitted(ours("SVC", gamma=1e-3), collection(X, "array"), collection(y, "array"))
    assert own.report_.extra["support_fraction"] < 0.3
    assert own.report_.bytes_up < X.nbytes / 2 + 8 * len(X) * 3 * own.report_.rounds


def test_a_precomputed_kernel_of_a_collection_is_refused():
    X, y, _ = classes_problem(2)
    square = collection(X @ X.T, "array")
    with pytest.raises(TypeError, match="compute"):
        ours("SVC", kernel="precomputed").fit(square, collection(y, "array"))


@machines
def test_weights_of_a_collection_below_0_are_0(name):
    X, y, weight = problem_of(name)
    weight = np.ones(len(X)) if name == "NuSVC" else np.where(weight == 0, -1.0, weight)
    there = [None if rows is None else collection(rows, "array") for rows in (X, y, weight)]
    own, expected = fitted(ours(name), *there), fitted(ours(name, n_shards=4), X, y, weight)
    np.testing.assert_allclose(outputs(own, X), outputs(expected, X), atol=1e-2)


def test_shards_are_of_sharding():
    """What the tests above rely on: partitions of no rows are shards."""
    assert [len(rows) for rows in shard_rows(collection(np.eye(200), "array"), n_shards=None).rows][
        1
    ] == 0


# A worker dies in the middle of a fit.


def test_law_3_a_worker_that_dies_on_the_way(process_backend, tmp_path):
    X, y, weight = classes_problem(2)
    calm, hit = (
        fitted(MortalSVC(folder, n_shards=3, strategy="parallel"), X, y, weight)
        for folder in ("", str(tmp_path))
    )
    assert hit.report_.retries > 0
    np.testing.assert_array_equal(hit.support_, calm.support_)
    np.testing.assert_allclose(hit.dual_coef_, calm.dual_coef_, rtol=1e-4, atol=1e-6)
