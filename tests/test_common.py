# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's whole suite of checks: no failure that scikit-learn's own class does not have."""

from functools import partial

import pytest
import sklearn.ensemble
from sklearn.utils.estimator_checks import parametrize_with_checks

import skdist.ensemble

CLASSES = [
    skdist.ensemble.DistributedRandomForestClassifier,
    skdist.ensemble.DistributedRandomForestRegressor,
    skdist.ensemble.DistributedExtraTreesClassifier,
    skdist.ensemble.DistributedExtraTreesRegressor,
]
N_TREES = 5  # as scikit-learn's own tests of its forests; the checks ask nothing of the number


def ours(**parameters):
    return [forest(n_estimators=N_TREES, **parameters) for forest in CLASSES]


def theirs(estimator):
    """scikit-learn's class with the parameters of `estimator` that it knows."""
    reference = getattr(sklearn.ensemble, type(estimator).__name__.removeprefix("Distributed"))
    known = reference().get_params(deep=False)
    given = estimator.get_params(deep=False)
    return reference(**{name: given[name] for name in known})


def scikit_learn_fails_it_too(estimator, check):
    """Run the very same check on scikit-learn's class."""
    reference = theirs(estimator)
    same = partial(check.func, type(reference).__name__, *check.args[1:], **check.keywords)
    try:
        same(reference)
    except Exception:
        return True
    return False


@parametrize_with_checks(ours() + ours(tree_method="hist"))
def test_scikit_learns_checks(estimator, check):
    try:
        check(estimator)
    except Exception as failure:  # SkipTest too: what scikit-learn's class is checked for, ours is
        if not scikit_learn_fails_it_too(estimator, check):
            raise AssertionError(f"{type(theirs(estimator)).__name__} passes it") from failure


def is_scikit_learns(name, estimator):
    assert name == type(estimator).__name__
    assert type(estimator).__module__.startswith("sklearn.")


@pytest.mark.parametrize("estimator", ours())
def test_the_reference_is_scikit_learns_class(estimator):
    name = type(estimator).__name__
    assert not scikit_learn_fails_it_too(estimator, partial(is_scikit_learns, name))
    with pytest.raises(AssertionError):
        is_scikit_learns(name, estimator)
    assert theirs(estimator.set_params(max_depth=7)).max_depth == 7
