# SPDX-License-Identifier: BSD-3-Clause
"""Machines of several places merge through their support vectors."""

import numpy as np
import pytest
from kernel_problems import (
    MACHINES,
    classes_problem,
    dual_value,
    fitted,
    ours,
    outputs,
    problem_of,
    targets_problem,
    theirs,
)
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

import skdist

machines = pytest.mark.parametrize("name", MACHINES)


def pieces(name, n=3, container=np.asarray, **parameters):
    """Machines of every n-th row."""
    X, y, weight = problem_of(name)
    weight = np.ones(len(X)) if name == "NuSVC" else weight
    own = [np.arange(k, len(X), n) for k in range(n)]
    return [
        ours(name, **parameters).fit_shard(
            container(X[rows]), None if y is None else y[rows], sample_weight=weight[rows]
        )
        for rows in own
    ]


def whole(name, container=np.asarray, **parameters):
    X, y, weight = problem_of(name)
    weight = np.ones(len(X)) if name == "NuSVC" else weight
    return fitted(ours(name, **parameters), container(X), y, weight)


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
@machines
def test_a_merge_is_near_the_fit_of_all_rows(name, container):
    X = problem_of(name)[0]
    parts, full = pieces(name, container=container), whole(name, container)
    merged = skdist.merge(parts)
    apart = [np.abs(outputs(m, X) - outputs(full, X)).mean() for m in (merged, *parts)]
    assert apart[0] < 0.5 * min(apart[1:])
    assert merged.report_.method == "merge"
    assert not merged.report_.exact
    assert "approximate" in merged.report_.why[0]
    assert 0 < merged.report_.extra["kept_fraction"] <= 1
    assert merged.shape_fit_ == X.shape


@machines
def test_law_1_merging_is_associative_and_changes_nothing(name):
    X = problem_of(name)[0]
    a, b, c = pieces(name)
    before = [outputs(m, X) for m in (a, b, c)]
    at_once = skdist.merge([a, b, c])
    for merged in (
        skdist.merge([skdist.merge([a, b]), c]),
        skdist.merge([a, skdist.merge([b, c])]),
    ):
        np.testing.assert_allclose(outputs(merged, X), outputs(at_once, X), atol=1e-6)
    for model, expected in zip((a, b, c), before, strict=True):
        np.testing.assert_array_equal(outputs(model, X), expected)


@machines
def test_a_merge_of_one_is_that_one(name):
    X = problem_of(name)[0]
    (own,) = pieces(name, n=1, tol=1e-5)
    scale = np.abs(outputs(own, X)).max()
    merged = skdist.merge([own])
    np.testing.assert_allclose(outputs(merged, X), outputs(own, X), atol=1e-3 * scale)


def test_the_width_of_the_kernel_is_that_of_all_rows():
    X, y, _ = classes_problem(3)
    shift = np.arange(len(X)) < len(X) // 2
    X = np.where(shift[:, None], 3.0 * X + 5.0, X)
    parts = [ours("SVC").fit_shard(X[rows], y[rows]) for rows in (shift, ~shift)]
    assert skdist.merge(parts)._gamma == pytest.approx(1 / (X.shape[1] * X.var()), rel=1e-12)


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0}])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_gap_on_all_rows_bounds_what_is_lacking(n_classes, class_weight):
    X, y, weight = classes_problem(n_classes)
    own = [np.arange(k, len(X), 2) for k in range(2)]
    parameters = {"class_weight": class_weight, "gamma": 0.1}
    parts = [ours("SVC", **parameters).fit_shard(X[r], y[r], weight[r]) for r in own]
    merged = skdist.merge(parts, X, y, weight)
    full = fitted(ours("SVC", **parameters), X, y, weight)
    lacking = dual_value(full) - dual_value(merged)
    assert 0 <= lacking <= merged.report_.certificate
    assert merged.report_.certificate < 0.2 * dual_value(full)
    assert merged.report_.extra["gap"] == merged.report_.certificate


def test_the_gap_of_the_fit_itself_is_the_reported_one():
    X, y, weight = classes_problem(3)
    own = ours("SVC").fit_shard(X, y, weight)
    merged = skdist.merge([own], X, y, weight)
    assert merged.report_.certificate == pytest.approx(own.report_.certificate, rel=0.5, abs=0.05)
    X, y, weight = targets_problem()
    own = ours("SVR").fit_shard(X, y, weight)
    merged = skdist.merge([own], X, y, weight)
    assert merged.report_.certificate == pytest.approx(own.report_.certificate, rel=0.5, abs=0.05)


def test_places_that_know_different_classes():
    X, y, _ = classes_problem(4)
    here, there = np.isin(y, [0, 1, 3]), np.isin(y, [1, 2])
    parts = [ours("SVC", gamma=0.1).fit_shard(X[rows], y[rows]) for rows in (here, there)]
    merged = skdist.merge(parts)
    np.testing.assert_array_equal(merged.classes_, [0, 1, 2, 3])
    assert merged.score(X, y) > max(part.score(X, y) for part in parts)


@pytest.mark.parametrize("name", ["SVC", "NuSVC"])
def test_places_of_one_class_keep_all_their_rows(name):
    X, y, _ = classes_problem(3)
    parameters = {"gamma": 0.1, "tol": 1e-5}
    parts = [
        ours(name, **parameters).fit_shard(X[y == k], y[y == k], classes=[0, 1, 2])
        for k in range(3)
    ]
    for k, part in enumerate(parts):
        np.testing.assert_array_equal(part.predict(X), k)
        assert len(part.support_) == 0
    merged, full = skdist.merge(parts), fitted(ours(name, **parameters), X, y)
    np.testing.assert_allclose(outputs(merged, X), outputs(full, X), atol=1e-2)


def test_classes_that_are_not_among_those_told_are_refused():
    X, y, _ = classes_problem(3)
    with pytest.raises(ValueError, match=r"classes=\[0, 1\] lacks \[2\]"):
        ours("SVC").fit_shard(X, y, classes=[0, 1])


@pytest.mark.parametrize("name", ["SVC", "OneClassSVM"])
@pytest.mark.parametrize("gamma", ["scale", 0.1])
def test_machines_of_scikit_learn_tell_labels_by_what_they_have_learned(name, gamma):
    X, y, _ = problem_of(name)
    own = [np.arange(k, len(X), 2) for k in range(2)]
    labels = [None if y is None else y[rows] for rows in own]
    plain = [fitted(theirs(name, gamma=gamma), X[r], t) for r, t in zip(own, labels, strict=True)]
    kept = [ours(name, gamma=gamma).fit_shard(X[r], t) for r, t in zip(own, labels, strict=True)]
    merged, expected = skdist.merge(plain), skdist.merge(kept)
    assert type(merged) is type(kept[0])
    scale = np.abs(outputs(expected, X)).max()
    np.testing.assert_allclose(outputs(merged, X), outputs(expected, X), atol=0.02 * scale)


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_regression_without_targets_is_averaged_by_rows(container):
    X, y, _ = targets_problem()
    a, b = (
        fitted(theirs("SVR", gamma=0.1), container(X[s]), y[s])
        for s in (slice(100), slice(100, None))
    )
    merged = skdist.merge([a, b])
    expected = (100 * a.predict(container(X)) + 200 * b.predict(container(X))) / 300
    np.testing.assert_allclose(merged.predict(container(X)), expected)
    assert merged.report_.strategy == "average"
    again = skdist.merge([merged, a])
    expected = (300 * merged.predict(container(X)) + 100 * a.predict(container(X))) / 400
    np.testing.assert_allclose(again.predict(container(X)), expected)


@pytest.mark.parametrize(
    "parameters, match",
    [
        ({"kernel": "linear"}, "kernel"),
        ({"C": 2.0}, "C of model 0"),
        ({"gamma": 0.3}, "gamma"),
    ],
)
def test_machines_that_do_not_fit_together_are_refused(parameters, match):
    X, y, _ = classes_problem(2)
    parts = [ours("SVC").fit_shard(X, y), ours("SVC", **parameters).fit_shard(X, y)]
    with pytest.raises(ValueError, match=match):
        skdist.merge(parts)


def test_what_cannot_be_merged_says_why():
    X, y, _ = classes_problem(2)
    with pytest.raises(ValueError, match="one kind"):
        skdist.merge([ours("SVC").fit_shard(X, y), ours("NuSVC").fit_shard(X, y)])
    with pytest.raises(ValueError, match="one kind"):
        skdist.merge([ours("SVC").fit_shard(X, y), LinearSVC().fit(X, y)])
    with pytest.raises(ValueError, match="precomputed"):
        skdist.merge([fitted(theirs("SVC", kernel="precomputed"), X @ X.T, y)])
    with pytest.raises(ValueError, match="fit_shard"):
        skdist.merge([fitted(theirs("NuSVC"), X, y)])
    with pytest.raises(ValueError, match="for SVC and SVR"):
        skdist.merge([ours("NuSVC").fit_shard(X, y)], X, y)
    plain = fitted(theirs("SVR"), X, y)
    with pytest.raises(ValueError, match="fit_shard"):
        skdist.merge([plain], X, y)
    other = fitted(theirs("SVR"), 2.0 * X, y)
    with pytest.raises(ValueError, match=r"width of the kernel \(gamma\)"):
        skdist.merge([plain, other])
    with pytest.raises(ValueError, match="which no model has seen"):
        skdist.merge([ours("SVC").fit_shard(X, y)], X, y + 5)
