# SPDX-License-Identifier: BSD-3-Clause
"""Problems that support vector machines are fitted to, and the dual value of a fitted one."""

import os
import signal
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import issparse
from shard_tasks import tally
from sklearn import svm
from sklearn.metrics.pairwise import pairwise_kernels

import skdist
from skdist.kernels.kernel_function import KernelFunction

KERNELS = ("linear", "poly", "rbf", "sigmoid")
MACHINES = ("SVC", "NuSVC", "SVR", "NuSVR", "OneClassSVM")
WELL_SOLVED = {"SVC": {}, "NuSVC": {"nu": 0.3}, "SVR": {}, "NuSVR": {}, "OneClassSVM": {"nu": 0.2}}


@lru_cache
def classes_problem(n_classes, n=None, d=5, seed=0):
    """X with zeros and some rows twice, labels of noisy clusters, and weights of 0 to 3."""
    rng = np.random.default_rng(seed)
    n = n or 180 + 22 * n_classes
    y = rng.integers(0, n_classes, n)
    y[: 3 * n_classes] = np.arange(3 * n_classes) % n_classes
    X = 1.5 * rng.normal(size=(n_classes, d))[y] + rng.normal(size=(n, d))
    X[rng.random((n, d)) < 0.2] = 0.0
    X[-10:] = X[:10]
    weight = rng.integers(0, 4, n).astype(float)
    weight[: 3 * n_classes] = 1.0
    return X, y, weight


@lru_cache
def targets_problem(n=300, d=5, seed=0):
    """X, a smooth function with noise, and weights of 0 to 3."""
    X, _, weight = classes_problem(3, n, d, seed)
    y = np.sin(X[:, 0]) + 0.3 * X[:, 1] + 0.2 * np.random.default_rng(seed).normal(size=n)
    return X, y, weight


def problem_of(name, n_classes=3):
    """X, y and weights for the machine of this name."""
    X, y, weight = targets_problem() if "SVR" in name else classes_problem(n_classes)
    # Rows around the origin have no side: the best linear function of one class is 0 there.
    return (X + 3.0, None, weight) if name == "OneClassSVM" else (X, y, weight)


def ours(name, **parameters):
    """skdist's machine; all rounds of its solver, however few the rows."""
    own = {**WELL_SOLVED[name], "strategy": "parallel", **parameters}
    return getattr(skdist, f"Distributed{name}")(**own)


def theirs(name, **parameters):
    """scikit-learn's."""
    return getattr(svm, name)(**WELL_SOLVED[name], **parameters)


def fitted(machine, X, y, sample_weight=None):
    """The machine; libsvm's warning that it ended early is an error, as in all tests."""
    return machine.fit(X, y, sample_weight=sample_weight)


def outputs(machine, X):
    """Its functions on rows: pairs of classes, or what it predicts."""
    if hasattr(machine, "classes_"):
        shape = machine.decision_function_shape
        machine.decision_function_shape = "ovo"
        values = machine.decision_function(X)
        machine.decision_function_shape = shape
        return values.reshape(X.shape[0], -1)
    values = machine.decision_function if hasattr(machine, "offset_") else machine.predict
    return values(X)[:, None]


def pair_coefficients(machine):
    """Coefficients of the support vectors in each function, (functions, n_SV), signs libsvm's."""
    coef = machine._dual_coef_
    coef = coef.toarray() if issparse(coef) else coef
    if not hasattr(machine, "classes_"):
        return coef
    k = len(machine.classes_)
    own = np.repeat(np.arange(k), machine.n_support_)
    return np.array(
        [
            np.where(own == i, coef[j - 1], np.where(own == j, coef[i], 0.0))
            for i in range(k)
            for j in range(i + 1, k)
        ]
    )


def dual_value(machine, y=None):
    """What the fit maximised, summed over its functions; `y` are the targets of all rows."""
    coef, V = pair_coefficients(machine), machine.support_vectors_
    if not V.shape[0]:
        return 0.0
    parameters = {"gamma": machine._gamma, "degree": machine.degree, "coef0": machine.coef0}
    K = pairwise_kernels(V, metric=machine.kernel, filter_params=True, **parameters)
    name = type(machine).__name__.removeprefix("Distributed")
    if name == "NuSVC":  # of coefficients that are divided by the width of the margin
        coef = coef / np.abs(coef).sum(axis=1, keepdims=True)
    value = -0.5 * np.einsum("ps,st,pt->", coef, K, coef, optimize=True)
    if name == "SVC":
        value += np.abs(coef).sum()
    if name == "SVR":
        value -= machine.epsilon * np.abs(coef).sum()
    if "SVR" in name:
        value += coef[0] @ y[machine.support_]
    return value


@dataclass(frozen=True)
class MortalKernel(KernelFunction):
    """Kills the process, other than the driver's, in which tiles are computed a third time."""

    folder: str = ""
    driver: int = 0

    def tiles(self, A, B):
        if self.folder and os.getpid() != self.driver and tally(self.folder) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().tiles(A, B)


class MortalSVC(skdist.DistributedSVC):
    """A machine with a mortal kernel, unless the folder has no name."""

    def __init__(self, folder="", **parameters):
        self.folder = folder
        super().__init__(**parameters)

    def _solve(self, rows, targets, kernel):
        own = {name: getattr(kernel, name) for name in ("name", "gamma", "degree", "coef0")}
        mortal = MortalKernel(**own, folder=self.folder, driver=os.getpid())
        return super()._solve(rows, targets, mortal)
