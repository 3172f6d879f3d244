# SPDX-License-Identifier: BSD-3-Clause
"""Every estimator on rows so few that a fit takes a moment, and yet has rounds."""

import numpy as np
from quiet_watcher import QuietWatcher

import skdist
from skdist.sharding import digest

NO_MODEL = {"report_", "_cache", "_carried_settings"}


def rows(n=600, d=6, seed=0):
    """X (n, d), a real target, a count, and three classes."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, d))
    z = X @ np.linspace(-1.0, 1.0, d) + 0.5 * random.normal(size=n)
    return X, z, random.poisson(np.exp(0.3 * z)), np.digitize(z, [-0.7, 0.7])


X, REAL, COUNT, CLASS = rows()
PAIR = (CLASS > 0).astype(int)

# name -> (estimator, y)
PROBLEMS = {
    "ridge": lambda: (skdist.DistributedRidge(n_shards=4), REAL),
    "ridge by gradients": lambda: (
        skdist.DistributedRidge(n_shards=4, solver="sparse_cg"),
        REAL,
    ),
    "ridge classifier": lambda: (skdist.DistributedRidgeClassifier(n_shards=4), CLASS),
    "least squares": lambda: (skdist.DistributedLinearRegression(n_shards=4), REAL),
    "elastic net": lambda: (skdist.DistributedElasticNet(n_shards=4, alpha=0.1), REAL),
    "lasso": lambda: (skdist.DistributedLasso(n_shards=4, alpha=0.1), REAL),
    "huber": lambda: (skdist.DistributedHuberRegressor(n_shards=4), REAL),
    "poisson": lambda: (skdist.DistributedPoissonRegressor(n_shards=4), COUNT),
    "gamma": lambda: (skdist.DistributedGammaRegressor(n_shards=4), COUNT + 1.0),
    "tweedie": lambda: (skdist.DistributedTweedieRegressor(n_shards=4, power=1.5), COUNT),
    "logistic": lambda: (skdist.DistributedLogisticRegression(n_shards=4), CLASS),
    "logistic by lbfgs": lambda: (
        skdist.DistributedLogisticRegression(n_shards=4, solver="lbfgs"),
        CLASS,
    ),
    "sparse logistic": lambda: (
        skdist.DistributedLogisticRegression(n_shards=4, l1_ratio=1.0, solver="auto", tol=1e-3),
        PAIR,
    ),
    "linear svc": lambda: (skdist.DistributedLinearSVC(n_shards=4), CLASS),
    "linear svc of hinges": lambda: (
        skdist.DistributedLinearSVC(n_shards=4, loss="hinge", tol=1e-3),
        PAIR,
    ),
    "sgd": lambda: (skdist.DistributedSGDClassifier(n_shards=4, max_iter=20), CLASS),
    "sgd regressor": lambda: (skdist.DistributedSGDRegressor(n_shards=4, max_iter=20), REAL),
    "forest": lambda: (
        skdist.DistributedRandomForestClassifier(12, tree_method="hist", n_shards=4),
        CLASS,
    ),
    "forest in place": lambda: (
        skdist.DistributedRandomForestRegressor(
            4, tree_method="hist", strategy="histogram", n_shards=4
        ),
        REAL,
    ),
    "forest of shards": lambda: (
        skdist.DistributedRandomForestClassifier(
            8, tree_method="hist", strategy="shard", n_shards=4, oob_score=True
        ),
        CLASS,
    ),
    "extra trees": lambda: (
        skdist.DistributedExtraTreesRegressor(8, tree_method="hist", n_shards=4),
        REAL,
    ),
    "extra trees classifier": lambda: (
        skdist.DistributedExtraTreesClassifier(8, tree_method="hist", n_shards=4),
        CLASS,
    ),
    "forest regressor": lambda: (
        skdist.DistributedRandomForestRegressor(8, tree_method="hist", n_shards=4),
        REAL,
    ),
    "svc": lambda: (skdist.DistributedSVC(n_shards=4), CLASS),
    "svc by cascade": lambda: (skdist.DistributedSVC(n_shards=4, strategy="cascade"), PAIR),
    "svc in parallel": lambda: (skdist.DistributedSVC(n_shards=4, strategy="parallel"), PAIR),
    "svr": lambda: (skdist.DistributedSVR(n_shards=4), REAL),
    "nu svc": lambda: (skdist.DistributedNuSVC(n_shards=4, nu=0.3), CLASS),
    "nu svr": lambda: (skdist.DistributedNuSVR(n_shards=4), REAL),
    "one class": lambda: (skdist.DistributedOneClassSVM(n_shards=4), None),
    "perceptron by averages": lambda: (
        skdist.DistributedMLPClassifier(
            (8,), random_state=0, n_shards=4, sync="local", max_iter=6, batch_size=20
        ),
        CLASS,
    ),
    "perceptron by gradients": lambda: (
        skdist.DistributedMLPRegressor(
            hidden_layer_sizes=(8,), random_state=0, n_shards=4, sync="gradient", max_iter=6
        ),
        REAL,
    ),
    "perceptron by momentum": lambda: (
        skdist.DistributedMLPRegressor(
            hidden_layer_sizes=(8,),
            random_state=0,
            n_shards=4,
            sync="gradient",
            solver="sgd",
            batch_size=75,
            max_iter=5,
        ),
        REAL,
    ),
    "perceptron by lbfgs": lambda: (
        skdist.DistributedMLPRegressor(
            hidden_layer_sizes=(8,), random_state=0, n_shards=4, solver="lbfgs", max_iter=20
        ),
        REAL,
    ),
    "perceptron that stops early": lambda: (
        skdist.DistributedMLPClassifier(
            (8,), random_state=0, n_shards=4, early_stopping=True, max_iter=6
        ),
        CLASS,
    ),
    "torch net": lambda: (torch_net(), CLASS),
    "torch net by gradients": lambda: (torch_net(sync="gradient"), CLASS),
}


def torch_net(**parameters):
    from skorch.dataset import ValidSplit
    from torch.nn import CrossEntropyLoss
    from torch_problems import Perceptron

    given = {
        "module": Perceptron,
        "module__n_features": 6,
        "module__n_outputs": 3,
        "criterion": CrossEntropyLoss,
        "max_epochs": 4,
        "batch_size": 50,
        "train_split": ValidSplit(5),
        "n_shards": 4,
        "device": "cpu",
        "verbose": 0,
    }
    return skdist.DistributedNeuralNetClassifier(**{**given, **parameters})


def model_of(estimator):
    """A digest of all that was learned."""
    if "module_" in vars(estimator):
        return digest(estimator.module_)
    known = estimator.get_params(deep=False)
    learned = {k: v for k, v in vars(estimator).items() if k not in known and k not in NO_MODEL}
    return digest(learned)


def fitted(name):
    """The problem's estimator, fitted; each time with the same random numbers."""
    np.random.seed(0)  # noqa: NPY002 - what estimators without a seed draw from
    estimator, y = PROBLEMS[name]()
    if name.startswith("torch"):
        import torch

        torch.manual_seed(0)
        return estimator.fit(X.astype(np.float32), y.astype(np.int64))
    return estimator.fit(X, y)


class Rounds(QuietWatcher):
    """Numbers of the rounds that were run; ends the fit before one of them.

    Parameters
    ----------
    last : int, optional
        The round that is not reached.
    end : callable
        What is called then.
    """

    def __init__(self, last=None, end=None):
        self.numbers, self.last, self.end = [], last, end

    def begins(self, round):
        if round.number == self.last:
            self.end()
        self.numbers.append(round.number)
