# SPDX-License-Identifier: BSD-3-Clause
"""Solvers that share their rounds: each as if it were alone."""

import operator
import threading
from dataclasses import dataclass, replace

import numpy as np
import pytest

import skdist.solvers.side_by_side as module
from skdist.sharding import shard_rows
from skdist.solvers.side_by_side import side_by_side

X = np.arange(12.0).reshape(-1, 1)


@dataclass(frozen=True)
class Times:
    """X times a number."""

    factor: float

    def __call__(self, shard):
        return replace(shard, X=self.factor * shard.X)


VIEWS = [Times(1.0), Times(10.0), Times(100.0)]


def total(shard, power):
    return float((shard.X**power).sum())


def rows_of(shard):
    return [int(x) for x in shard.X[:, 0]]


def ask_often(k, shards):
    """k + 1 rounds."""
    return [shards.map_reduce(total, power) for power in range(1, k + 2)]


def shards_of(n_shards=3):
    return shard_rows(X, n_shards=n_shards, n_jobs=1)


def expected(k):
    return [float(((10.0**k * X) ** power).sum()) for power in range(1, k + 2)]


def test_each_as_if_alone_in_the_rounds_of_the_longest():
    shards = shards_of()
    assert side_by_side(shards, VIEWS, ask_often) == [expected(k) for k in range(3)]
    assert shards.cost.rounds == 3


def test_one_solver_needs_no_thread():
    shards = shards_of()
    here = threading.get_ident()

    def solve(k, shards):
        assert threading.get_ident() == here
        return ask_often(k, shards)

    assert side_by_side(shards, VIEWS[:1], solve) == [expected(0)]
    assert shards.cost.rounds == 1


@pytest.mark.parametrize("views", [VIEWS[:1], VIEWS])
def test_each_merges_its_own_way_in_the_order_of_the_shards(views):
    merges = [operator.add, max, lambda a, b: b + a]
    found = side_by_side(
        shards_of(), views, lambda k, shards: shards.map_reduce(rows_of, merge=merges[k])
    )
    assert found[0] == list(range(12))
    if len(views) > 1:
        assert found[1] == [80, 90, 100, 110]
        assert found[2][:4] == [800, 900, 1000, 1100]


def test_more_solvers_than_one_table_takes(monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    shards = shards_of()
    assert side_by_side(shards, VIEWS, ask_often) == [expected(k) for k in range(3)]
    assert shards.cost.rounds == 2 + 3


def test_solvers_that_ask_nothing():
    assert side_by_side(shards_of(), VIEWS, lambda k, shards: k) == [0, 1, 2]


class Broken(Exception):
    """On purpose."""


def broken(shard):
    raise Broken


@pytest.mark.parametrize("who", [0, 1, 2])
def test_a_solver_that_fails_ends_all(who):
    ended = []

    def solve(k, shards):
        try:
            for _ in range(100):
                shards.map_reduce(total, 1)
                if k == who:
                    raise Broken
        finally:
            ended.append(k)

    before = threading.active_count()
    with pytest.raises(Broken):
        side_by_side(shards_of(), VIEWS, solve)
    assert sorted(ended) == [0, 1, 2] and threading.active_count() == before


@pytest.mark.parametrize("views", [VIEWS[:1], VIEWS])
def test_a_shard_that_fails_ends_all(views):
    before = threading.active_count()
    with pytest.raises(Broken) as caught:
        side_by_side(shards_of(), views, lambda k, shards: shards.map_reduce(broken))
    assert any("shard 0 of 3" in note for note in caught.value.__notes__)
    assert threading.active_count() == before


def test_the_same_on_every_backend(backend):
    shards = shard_rows(X, n_shards=3)
    assert side_by_side(shards, VIEWS, ask_often) == [expected(k) for k in range(3)]
