# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's whole suite of checks: no failure that scikit-learn's own class does not have."""

from functools import partial

import pytest
from scikit_twin import theirs
from sklearn.utils.estimator_checks import parametrize_with_checks

import skdist
import skdist.ensemble

CLASSES = [
    skdist.ensemble.DistributedRandomForestClassifier,
    skdist.ensemble.DistributedRandomForestRegressor,
    skdist.ensemble.DistributedExtraTreesClassifier,
    skdist.ensemble.DistributedExtraTreesRegressor,
]
N_TREES = 5  # as scikit-learn's own tests of its forests; the checks ask nothing of the number


LINEAR_MODELS = [
    skdist.DistributedElasticNet(),
    skdist.DistributedGammaRegressor(),
    skdist.DistributedHuberRegressor(),
    skdist.DistributedLasso(),
    skdist.DistributedLasso(positive=True, selection="random"),
    skdist.DistributedLinearRegression(),
    skdist.DistributedLinearRegression(positive=True),
    skdist.DistributedLinearSVC(),
    skdist.DistributedLinearSVC(loss="hinge"),
    skdist.DistributedLinearSVC(penalty="l1"),
    skdist.DistributedLinearSVC(multi_class="crammer_singer", max_iter=100_000, random_state=0),
    skdist.DistributedLogisticRegression(),
    skdist.DistributedLogisticRegression(solver="lbfgs"),
    skdist.DistributedLogisticRegression(l1_ratio=0.5),
    skdist.DistributedPoissonRegressor(),
    skdist.DistributedPoissonRegressor(solver="newton_cg"),
    skdist.DistributedRidge(),
    skdist.DistributedRidge(positive=True),
    skdist.DistributedRidge(solver="sag"),
    skdist.DistributedRidge(solver="sparse_cg"),
    skdist.DistributedRidgeClassifier(),
    skdist.DistributedSGDClassifier(),
    skdist.DistributedSGDRegressor(),
    skdist.DistributedTweedieRegressor(),
    skdist.DistributedTweedieRegressor(power=1.5),
]

# Checks with the precomputed kernel are what scikit-learn's own fit is run for.
KERNEL_MACHINES = [
    skdist.DistributedNuSVC(),
    skdist.DistributedNuSVR(),
    skdist.DistributedOneClassSVM(),
    skdist.DistributedSVC(),
    skdist.DistributedSVC(kernel="precomputed"),
    skdist.DistributedSVR(),
]

# Rows are dealt to shards that are averaged, so that a row twice is not a weight of 2 there.
NETWORKS = [
    skdist.DistributedMLPClassifier(max_iter=100),
    skdist.DistributedMLPClassifier(max_iter=100, n_shards=2, sync="gradient"),
    skdist.DistributedMLPRegressor(max_iter=100),
]

# With n_shards they are fitted by sums, without it small data is scikit-learn's own fit.
TRANSFORMERS = [
    skdist.DistributedMaxAbsScaler(n_shards=1),
    skdist.DistributedMinMaxScaler(n_shards=1),
    skdist.DistributedOneHotEncoder(n_shards=1),
    skdist.DistributedOneHotEncoder(handle_unknown="ignore"),
    skdist.DistributedOrdinalEncoder(n_shards=1),
    skdist.DistributedPCA(n_shards=1, svd_solver="covariance_eigh"),
    skdist.DistributedPCA(),
    skdist.DistributedSimpleImputer(n_shards=1),
    skdist.DistributedSimpleImputer(n_shards=1, strategy="median"),
    skdist.DistributedSimpleImputer(n_shards=1, strategy="most_frequent"),
    skdist.DistributedStandardScaler(),
    skdist.DistributedStandardScaler(n_shards=1),
    skdist.DistributedStandardScaler(n_shards=1, with_mean=False),
]


def ours(**parameters):
    return [forest(n_estimators=N_TREES, **parameters) for forest in CLASSES]


def scikit_learn_fails_it_too(estimator, check):
    """Run the very same check on scikit-learn's class."""
    reference = theirs(estimator)
    same = partial(check.func, type(reference).__name__, *check.args[1:], **check.keywords)
    try:
        same(reference)
    except Exception:
        return True
    return False


# Some checks leave `random_state=None`: whether SGD converges within max_iter is then left to
# chance, and none of them asks it.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    ours() + ours(tree_method="hist") + LINEAR_MODELS + KERNEL_MACHINES + NETWORKS + TRANSFORMERS
)
def test_scikit_learns_checks(estimator, check):
    try:
        check(estimator)
    except Exception as failure:  # SkipTest too: what scikit-learn's class is checked for, ours is
        if not scikit_learn_fails_it_too(estimator, check):
            raise AssertionError(f"{type(theirs(estimator)).__name__} passes it") from failure


def is_scikit_learns(name, estimator):
    assert name == type(estimator).__name__
    assert type(estimator).__module__.startswith("sklearn.")


@pytest.mark.parametrize(
    "estimator", [*ours(), *LINEAR_MODELS, *KERNEL_MACHINES, *NETWORKS, *TRANSFORMERS]
)
def test_the_reference_is_scikit_learns_class(estimator):
    name = type(estimator).__name__
    assert not scikit_learn_fails_it_too(estimator, partial(is_scikit_learns, name))
    with pytest.raises(AssertionError):
        is_scikit_learns(name, estimator)


@pytest.mark.parametrize("estimator", ours())
def test_the_reference_has_the_parameters_that_were_set(estimator):
    assert theirs(estimator.set_params(max_depth=7)).max_depth == 7
