# SPDX-License-Identifier: BSD-3-Clause
"""The laws that every mergeable value obeys, drawn by hypothesis.

A new summary is one entry of ``SUMMARIES``: how to draw it, how to make it from a shard, and
whether its merge commutes and is exact. The last test fails for a public summary without one.
"""

import copy
import operator
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shard_tasks import Weighted, weighted_sum

import skdist.summaries
from skdist.kernels.centred_products import centred_products
from skdist.kernels.column_sums import column_moments, column_ranges
from skdist.losses import Multinomial, SquaredHinge
from skdist.metrics._roc_auc import rank_weights
from skdist.sharding import shard_rows
from skdist.solvers.hinge_interior_point import Doubt, near_rows
from skdist.solvers.hinge_interior_point import margin_sums as hinge_sums
from skdist.solvers.huber_problem import HuberProblem, huber_sums_of
from skdist.solvers.linear_objective import LinearObjective, curvature_of, gradient_of
from skdist.solvers.target_facts import facts_of
from skdist.summaries import (
    ColumnCounts,
    ColumnMoments,
    ColumnRanges,
    EntryMoments,
    HuberSums,
    LossGradient,
    LossGradientHessian,
    MarginRows,
    MarginSums,
    Moments,
    NetworkState,
    QuadraticModel,
    RankWeights,
    SparseMean,
    SupportVectors,
    TargetFacts,
    Tree,
    Trees,
    TriangularFactor,
    WeightedMean,
)

FINITE = st.floats(-1e6, 1e6)


@dataclass(frozen=True)
class Laws:
    """What the laws need to know of a summary."""

    draw: st.SearchStrategy
    empty: Callable[[Any], Any]  # the identity that fits a drawn value
    of_shard: Callable[..., Any]
    commutes: bool = True
    exact: bool = False  # merging rounds nothing: associative to the bit


def weighted(dtype=np.float64):
    total = arrays(dtype, 3, elements=st.floats(-1e6, 1e6, width=32))
    return st.builds(Weighted, total, st.floats(0, 1e3))


@st.composite
def trees(draw):
    """Up to three trees of one leaf or one split; two classes."""
    return sum((one_tree(draw) for _ in range(draw(st.integers(0, 3)))), Trees.empty(2))


def one_tree(draw):
    n_nodes = draw(st.sampled_from([1, 3]))
    values = draw(arrays(np.float64, (n_nodes, 2), elements=st.floats(0, 1)))
    return tree_of(values, draw(st.floats(-10, 10, width=32)))


def tree_of(values, threshold):
    """A root with two leaves where there are three rows of values, else a leaf."""
    n = len(values)
    split = n == 3
    tree = Tree(
        feature=np.array([0, -2, -2] if split else [-2], np.int32),
        threshold=np.array([threshold, -2, -2] if split else [-2], np.float32),
        left=np.array([1, -1, -1] if split else [-1], np.int32),
        right=np.array([2, -1, -1] if split else [-1], np.int32),
        missing_left=np.zeros(n, bool),
        impurity=np.zeros(n),
        n_samples=np.ones(n, np.int32),
        weight=np.ones(n),
        value=values,
    )
    return Trees((tree,), 2)


def stump_of_shard(shard):
    mean = np.asarray(shard.X, dtype=float).mean(axis=0)[:2]
    return tree_of(mean[None, :], 0.0)


def facts():
    """Facts as `facts_of` makes them; a weight of nothing has no mean."""
    y = arrays(np.float64, st.integers(0, 5), elements=st.integers(0, 1))
    return y.map(lambda y: facts_of(y, 1.0 + np.arange(len(y)), 2))


def facts_of_shard(shard, *broadcast):
    return facts_of((shard.X[:, 0] > 0).astype(float), shard.sample_weight, 2)


@st.composite
def some_rows(draw, n_least=0):
    """Rows of three columns and their weights, some of them 0: of no rows at all, too."""
    n = draw(st.one_of(st.just(0), st.integers(n_least, 9)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.normal(5.0, 2.0, (n, 3)), rng.integers(0, 3, n).astype(float)


def moments_of(Z, weight):
    """Two features and a target."""
    return Moments(len(Z), *centred_products(Z[:, :2], Z[:, 2:], weight))


def moments_of_shard(shard):
    return moments_of(shard.X, shard.sample_weight)


def factor_of_shard(shard):
    return TriangularFactor.of_rows(shard.X, shard.sample_weight)


def curvatures(n_outputs=3, n_parameters=2):
    """Any numbers: `+` does not care whether the Grams are positive."""
    grams, gradient = n_outputs * (n_outputs - 1) // 2, (n_outputs, n_parameters)
    triangle = n_parameters * (n_parameters + 1) // 2
    return st.builds(
        LossGradientHessian,
        FINITE,
        arrays(np.float64, gradient, elements=FINITE),
        arrays(np.float64, (grams, triangle), elements=FINITE),
    )


def slopes():
    return st.builds(LossGradient, FINITE, arrays(np.float64, (3, 2), elements=FINITE))


def parabolas():
    return st.builds(
        QuadraticModel,
        arrays(np.float64, (2, 2), elements=FINITE),
        arrays(np.float64, 2, elements=FINITE),
        FINITE,
    )


THREE_CLASSES = LinearObjective(Multinomial(3), n_features=1)
AT = np.array([[0.1, 0.0], [0.2, -1.0], [-0.3, 1.0]])


def of_first_feature(function):
    """`function` of a shard whose y are the classes that its second feature says."""

    def summarize(shard, *broadcast):
        y = np.clip(np.floor(shard.X[:, 1]) + 1.0, 0.0, 2.0)
        return function(replace(shard, X=shard.X[:, :1], y=y), THREE_CLASSES, AT)

    return summarize


def slope_of_shard(shard, *broadcast):
    return of_first_feature(gradient_of)(shard)


def curvature_of_shard(shard, *broadcast):
    return of_first_feature(curvature_of)(shard)


def parabola_of_shard(shard, *broadcast):
    sums = curvature_of_shard(shard)
    w, gradient = AT.ravel(), sums.gradient.ravel()
    return QuadraticModel.expand(w, sums.loss, gradient, sums.hessian)


@st.composite
def means(draw):
    """Means of two numbers; what has no weight has no mean."""
    weight = draw(st.floats(0.01, 1e3) | st.just(0.0))
    mean = arrays(np.float64, 2, elements=FINITE) if weight else st.just(np.zeros(2))
    return WeightedMean(weight, draw(mean))


@st.composite
def ranks(draw):
    """Weights at up to five of six keys."""
    keys = draw(arrays(np.uint64, st.integers(0, 5), elements=st.integers(0, 5)))
    weight = arrays(np.float64, len(keys), elements=st.integers(0, 9))
    return RankWeights.of(keys, draw(weight), draw(weight))


def ranks_of_shard(shard):
    return rank_weights(
        replace(shard, X=shard.X[:, 0], y=shard.X[:, 1] > 0), (False, True), 1, 48, None
    )


@st.composite
def sparse_means(draw):
    """Some of five entries."""
    weight = draw(st.floats(0.01, 1e3) | st.just(0.0))
    vector = draw(arrays(np.float64, 5, elements=st.floats(-1, 1, width=32)))
    return SparseMean.largest(weight, vector, draw(st.integers(0, 5)) if weight else 0)


def largest_of_shard(shard):
    mean = mean_of_shard(shard)
    return SparseMean.largest(mean.weight, mean.mean, len(mean.mean))


def mean_of_shard(shard):
    return WeightedMean(
        shard.sample_weight.sum(), np.average(shard.X, axis=0, weights=shard.sample_weight)
    )


@st.composite
def network_states(draw):
    """Two parameters, a running mean, a moment; a running variance; a counter."""
    weight = draw(st.floats(0.01, 1e3) | st.just(0.0))
    numbers = draw(arrays(np.float64, 6, elements=st.floats(0, 1e3)))
    mean, variance, count = np.split(numbers if weight else np.zeros(6), [4, 5])
    return NetworkState(weight, mean, variance, count, 2)


def network_state_of_shard(shard):
    weight = shard.sample_weight
    mean = np.average(shard.X, axis=0, weights=weight)
    variance = np.average((shard.X[:, 2:] - mean[2]) ** 2, axis=0, weights=weight)
    return NetworkState(weight.sum(), mean, variance, np.array([float(shard.n_rows)]), 2)


@st.composite
def margin_rows(draw):
    """Up to three rows of two columns."""
    n = draw(st.integers(0, 3))
    rows, cost = arrays(np.float64, (n, 2), elements=FINITE), arrays(np.float64, n, elements=FINITE)
    pull = arrays(np.float64, 2, elements=FINITE)
    return MarginRows(draw(rows), draw(cost), draw(pull), draw(FINITE))


def margin_sums():
    return st.builds(MarginSums, FINITE, FINITE, arrays(np.float64, 4, elements=FINITE))


def seen_from_a_plane(function, *arguments):
    """`function` of a shard whose y are the signs of its second feature."""

    def summarize(shard, *broadcast):
        rows = replace(shard, X=shard.X[:, :2], y=(shard.X[:, 1] > 0).astype(float))
        return function(rows, LinearObjective(SquaredHinge(), 2), *arguments)

    return summarize


PLANE = np.array([0.3, 0.4, -0.1])
MARGIN = Doubt(PLANE[None, :], 0.5)


def huber_totals():
    numbers = [arrays(np.float64, size, elements=FINITE) for size in (3, 2, 2, 3)]
    return st.builds(HuberSums, *numbers)


def huber_of_shard(shard, *broadcast):
    rows = replace(shard, X=shard.X[:, :1], y=shard.X[:, 1])
    return huber_sums_of(rows, HuberProblem(1, 1.0), np.array([0.5, 0.1]), 0.4, True)


def entries_of_shard(shard):
    return EntryMoments.of_rows(shard.X)


def support_vectors_of(X, weight):
    """Two classes of three, by the sign of the first feature."""
    y, seen = (X[:, 0] > 5.0).astype(float), np.array([1.0, 3.0] if len(X) % 2 else [2.0, 3.0])
    mass = np.bincount(y.astype(int), weight, 2).astype(float)
    vectors = SupportVectors(X, y, weight, seen, mass, 2.0 * mass, EntryMoments.of_rows(X))
    return vectors.knowing(np.array([1.0, 2.0, 3.0])) if len(X) % 3 else vectors


def support_vectors_of_shard(shard):
    return support_vectors_of(shard.X, shard.sample_weight)


def holed(rows):
    """Rows of which one value in five is missing; and weights."""
    X, weight = rows
    return np.where(X > 6.5, np.nan, X), weight


def column_moments_of(X, weight):
    return ColumnMoments(len(X), *column_moments(X, weight))


def column_moments_of_shard(shard):
    return column_moments_of(*holed((shard.X, shard.sample_weight)))


def column_ranges_of_shard(shard):
    return ColumnRanges(shard.n_rows, *column_ranges(shard.X))


def two_columns(X):
    """Of numbers and of objects, both with values that are missing."""
    numbers = np.where(X[:, 0] > 6.5, np.nan, np.round(X[:, 0]))
    names = np.array(["ash", "oak", None, np.nan], object)
    return ColumnCounts.of_columns([numbers, names[np.round(X[:, 1]).astype(int) % 4]])


def column_counts_of_shard(shard):
    return two_columns(shard.X)


SUMMARIES = {
    "ColumnCounts": Laws(
        some_rows().map(lambda rows: two_columns(rows[0])),
        lambda s: ColumnCounts.empty(2),
        column_counts_of_shard,
        exact=True,
    ),
    "ColumnMoments": Laws(  # it commutes up to rounding
        some_rows().map(lambda rows: column_moments_of(*holed(rows))),
        lambda s: ColumnMoments.empty(3),
        column_moments_of_shard,
        commutes=False,
    ),
    "ColumnRanges": Laws(
        some_rows().map(lambda rows: ColumnRanges(len(rows[0]), *column_ranges(holed(rows)[0]))),
        lambda s: ColumnRanges.empty(3),
        column_ranges_of_shard,
        exact=True,
    ),
    "EntryMoments": Laws(
        some_rows().map(lambda rows: EntryMoments.of_rows(rows[0])),
        lambda s: EntryMoments.empty(),
        entries_of_shard,
    ),
    "HuberSums": Laws(huber_totals(), lambda s: HuberSums.empty(2), huber_of_shard),
    "MarginRows": Laws(
        margin_rows(),
        lambda s: MarginRows.empty(2),
        seen_from_a_plane(near_rows, MARGIN),
        commutes=False,
    ),
    "MarginSums": Laws(
        margin_sums(),
        lambda s: MarginSums.empty(4),
        seen_from_a_plane(hinge_sums, MARGIN, -PLANE),
    ),
    "LossGradient": Laws(slopes(), lambda s: LossGradient.empty(3, 2), slope_of_shard),
    "LossGradientHessian": Laws(
        curvatures(), lambda s: LossGradientHessian.empty(3, 2), curvature_of_shard
    ),
    "NetworkState": Laws(  # it commutes up to rounding
        network_states(),
        lambda s: replace(s, weight=0.0),
        network_state_of_shard,
        commutes=False,
    ),
    "QuadraticModel": Laws(parabolas(), lambda s: QuadraticModel.empty(2), parabola_of_shard),
    "Moments": Laws(
        some_rows().map(lambda rows: moments_of(*rows)),
        lambda s: Moments.empty(2, 1),
        moments_of_shard,
    ),
    "RankWeights": Laws(ranks(), lambda s: RankWeights.empty(), ranks_of_shard),
    "SupportVectors": Laws(
        some_rows().map(lambda rows: support_vectors_of(*rows)),
        lambda s: SupportVectors.empty(3, s.classes),
        support_vectors_of_shard,
        commutes=False,
    ),
    "TargetFacts": Laws(facts(), lambda s: TargetFacts.empty(2), facts_of_shard),
    "Weighted": Laws(weighted(), lambda s: Weighted(s.total * 0, 0.0), weighted_sum),
    "Trees": Laws(trees(), lambda s: Trees.empty(2), stump_of_shard, commutes=False, exact=True),
    "TriangularFactor": Laws(  # of full rank, else R is not unique; it commutes up to rounding
        some_rows(n_least=5).map(lambda rows: TriangularFactor.of_rows(rows[0], 1.0 + rows[1])),
        lambda s: TriangularFactor.empty(3),
        factor_of_shard,
        commutes=False,
    ),
    "SparseMean": Laws(sparse_means(), lambda s: SparseMean.empty(), largest_of_shard),
    "WeightedMean": Laws(means(), lambda s: WeightedMean.empty((2,)), mean_of_shard),
}

every_summary = pytest.mark.parametrize("name", SUMMARIES)


def content(summary):
    """All that a summary holds, as arrays by name."""
    return dict(_named_arrays("", summary))


def _named_arrays(name, value):
    if is_dataclass(value):
        parts = [(field.name, getattr(value, field.name)) for field in fields(value)]
    elif isinstance(value, tuple):
        parts = enumerate(value)
    else:
        yield name, np.asarray(value)
        return
    for key, part in parts:
        yield from _named_arrays(f"{name}.{key}", part)


def assert_equal(a, b, exact=True):
    for (name, left), right in zip(content(a).items(), content(b).values(), strict=True):
        assert left.dtype == right.dtype, name
        if left.dtype == object:  # NaN is not even itself
            left, right = left.astype(str), right.astype(str)
        if exact:
            np.testing.assert_array_equal(left, right, err_msg=name)
        else:
            np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-6, err_msg=name)


@every_summary
@given(data=st.data())
def test_law_1_merge_is_associative(name, data):
    laws = SUMMARIES[name]
    a, b, c = (data.draw(laws.draw) for _ in range(3))
    assert_equal((a + b) + c, a + (b + c), exact=laws.exact)


@every_summary
@given(data=st.data())
def test_law_1_merge_commutes_where_it_says_so(name, data):
    laws = SUMMARIES[name]
    a, b = data.draw(laws.draw), data.draw(laws.draw)
    if laws.commutes:
        assert_equal(a + b, b + a)


@every_summary
@given(data=st.data())
def test_law_1_merge_mutates_nothing(name, data):
    laws = SUMMARIES[name]
    a, b = data.draw(laws.draw), data.draw(laws.draw)
    before = copy.deepcopy((a, b))
    merged = a + b
    assert_equal(a, before[0])
    assert_equal(b, before[1])
    dtypes = {name: array.dtype for name, array in content(merged).items()}
    assert all(dtypes[name] == array.dtype for name, array in content(a).items())


@every_summary
@given(data=st.data())
def test_law_1_the_empty_summary_is_the_identity(name, data):
    laws = SUMMARIES[name]
    a = data.draw(laws.draw)
    assert_equal(laws.empty(a) + a, a)
    assert_equal(a + laws.empty(a), a)


@given(st.data())
def test_law_1_merge_keeps_float32(data):
    a, b = data.draw(weighted(np.float32)), data.draw(weighted(np.float32))
    assert (a + b).total.dtype == np.float32


@every_summary
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(8, 300), n_shards=st.integers(1, 8), seed=st.integers(0, 2**32 - 1))
def test_law_3_same_shards_same_bits_on_every_backend(backend, name, n, n_shards, seed):
    X = np.random.default_rng(seed).normal(size=(n, 3))
    weight = np.random.default_rng(seed + 1).random(n)
    of_shard = SUMMARIES[name].of_shard
    serial = shard_rows(X, None, weight, n_shards=n_shards, n_jobs=1)
    expected = serial.map_reduce(of_shard)
    shards = shard_rows(X, None, weight, n_shards=n_shards)
    assert_equal(shards.map_reduce(of_shard), expected)
    assert_equal(shards.map_tree_reduce(of_shard, merge=operator.add), expected)


@settings(max_examples=20)
@given(n=st.integers(8, 300), n_jobs=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_law_3_same_bits_for_any_n_jobs(n, n_jobs, seed):
    X = np.random.default_rng(seed).normal(size=(n, 3))
    one = shard_rows(X, n_shards=8, n_jobs=1).map_reduce(weighted_sum)
    assert_equal(shard_rows(X, n_shards=8, n_jobs=n_jobs).map_reduce(weighted_sum), one)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(9, 300), n_shards=st.integers(1, 9), seed=st.integers(0, 2**32 - 1))
def test_law_4_sums_do_not_depend_on_the_shards_nor_on_the_order_of_rows(
    backend, n, n_shards, seed
):
    rng = np.random.default_rng(seed)
    X, weight, order = rng.normal(size=(n, 3)), rng.random(n), rng.permutation(n)
    one = shard_rows(X, None, weight, n_shards=1).map_reduce(weighted_sum)
    cut = shard_rows(X, None, weight, n_shards=n_shards).map_reduce(weighted_sum)
    shuffled = shard_rows(X[order], None, weight[order], n_shards=n_shards)
    assert_equal(cut, one, exact=False)
    assert_equal(shuffled.map_reduce(weighted_sum), one, exact=False)


def test_every_public_summary_is_under_the_laws():
    public = {name: vars(getattr(skdist.summaries, name)) for name in skdist.summaries.__all__}
    assert {name for name, own in public.items() if "__add__" in own} <= set(SUMMARIES)
