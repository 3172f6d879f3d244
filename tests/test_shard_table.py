# SPDX-License-Identifier: BSD-3-Clause
"""The table of shards in `report_`, and the warning that is made of it."""

import warnings

import numpy as np
import pytest

from skdist import DistributedRandomForestClassifier, DistributedRandomForestRegressor
from skdist._report import ShardFacts
from skdist._shard_table import shard_table
from skdist._skew import warn_of_skew
from skdist.solvers.target_facts import facts_of

Y = np.array([0.0, 0, 0, 1, 1, 1, 1, 0])


def test_skew_is_half_the_difference_of_the_rates():
    facts = [facts_of(Y[:3], None, 2), facts_of(Y[3:], None, 2)]
    table = shard_table([range(3), range(3, 8)], facts)
    assert [shard.rates for shard in table] == [(1.0, 0.0), (0.2, 0.8)]
    np.testing.assert_allclose([shard.skew for shard in table], [0.5, 0.3])


def test_one_warning_names_the_largest_skew_and_says_what_to_do():
    table = [ShardFacts(range(2), 2.0, (1.0, 0.0), skew) for skew in (0.1, 0.4375)]
    with pytest.warns(UserWarning, match=r"up to 0\.44 of the class rates .* Do this\.") as caught:
        warn_of_skew(table, "Do this.", regression=False)
    assert len(caught) == 1 and caught[0].filename == __file__


def test_alike_shards_are_not_worth_a_warning():
    table = [ShardFacts(range(2), 2.0, (0.5, 0.5), 0.25)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_skew(table, "", regression=True)
        warn_of_skew([], "", regression=True)


@pytest.mark.parametrize("regression", [False, True])
def test_forests_that_stay_on_unlike_shards_say_so_once(regression):
    X = np.random.default_rng(0).normal(size=(400, 3))
    cls = DistributedRandomForestRegressor if regression else DistributedRandomForestClassifier
    y = np.sort(X[:, 0]) if regression else np.sort(X[:, 0] > 0)
    forest = cls(n_estimators=4, strategy="shard", n_shards=2, random_state=0)
    with pytest.warns(UserWarning, match="differ from .* strategy='histogram'") as caught:
        forest.fit(X, y)
    assert len(caught) == 1 and caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forest.fit(X, y[np.random.default_rng(1).permutation(400)])
        forest.set_params(strategy="histogram").fit(X, y)
