# SPDX-License-Identifier: BSD-3-Clause
"""Every private name of scikit-learn that skdist relies on, in one place.

Whoever moves skdist to a newer scikit-learn reads this file first: nothing else imports from a
module of scikit-learn whose name starts with an underscore, or a name that starts with one.
"""

import inspect
from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.ensemble._bootstrap import _get_n_samples_bootstrap

# How much slower SGD moves the intercept of sparse rows.
from sklearn.linear_model._base import SPARSE_INTERCEPT_DECAY
from sklearn.preprocessing import LabelBinarizer
from sklearn.svm import SVC

# What liblinear can do, and scikit-learn's errors for what it cannot.
from sklearn.svm._base import _get_liblinear_solver_type
from sklearn.svm._base import _ovr_decision_function as ovr_decision_function
from sklearn.svm._classes import _validate_dual_parameter

# `Tree` is the Cython tree behind `DecisionTree*.tree_`; `NODE_DTYPE` is the record of one of its
# nodes. Both are needed because scikit-learn has no public way to build a tree it did not grow.
from sklearn.tree._tree import NODE_DTYPE, Tree
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils._param_validation import validate_parameter_constraints as check_parameters
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import _check_sample_weight, _num_samples

__all__ = [
    "NODE_DTYPE",
    "SPARSE_INTERCEPT_DECAY",
    "SVC_PROBABILITY",
    "Interval",
    "StrOptions",
    "Tree",
    "check_liblinear",
    "check_parameters",
    "check_partial_fit_classes",
    "check_sample_weight",
    "check_sgd",
    "encode_classes",
    "fit_context",
    "give_binarizer",
    "glm_loss",
    "missing_values_allowed",
    "n_bootstrap_draws",
    "n_rows_seen",
    "network_input",
    "network_knows",
    "num_samples",
    "ovr_decision_function",
    "set_classes",
    "start_network",
    "start_sgd",
    "told_of_lbfgs",
]

fit_context = _fit_context
check_sample_weight = _check_sample_weight
num_samples = _num_samples
check_partial_fit_classes = _check_partial_fit_first_call
# Since 1.9 a fraction of `max_samples` is one of the sum of weights.
_TAKES_WEIGHT = "sample_weight" in inspect.signature(_get_n_samples_bootstrap).parameters

# "deprecated" since 1.9, False before.
SVC_PROBABILITY = inspect.signature(SVC).parameters["probability"].default

_ONE_BY_ONE = np.zeros((1, 1))


def n_bootstrap_draws(n_samples: int, max_samples: Any, sample_weight: Any) -> int:
    """Rows that each tree's bootstrap draws."""
    if _TAKES_WEIGHT:
        return int(_get_n_samples_bootstrap(n_samples, max_samples, sample_weight))
    return int(_get_n_samples_bootstrap(n_samples, max_samples))


def encode_classes(forest: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Encoded y (n, n_outputs) and the expanded class weights or None; sets `classes_`."""
    method = forest._validate_y_class_weight
    if "sample_weight" in inspect.signature(method).parameters:
        return method(y, sample_weight)  # type: ignore[no-any-return]
    return method(y)  # type: ignore[no-any-return]


def missing_values_allowed(forest: Any, X: Any) -> None:
    """Raise scikit-learn's error if X has values that the forest's criterion cannot take."""
    tree = type(forest.estimator)(criterion=forest.criterion)
    tree._compute_missing_values_in_feature_mask(X, estimator_name=type(forest).__name__)


def n_rows_seen(forest: Any) -> int:
    """Rows that a fitted forest was given."""
    return int(forest._n_samples)


def check_liblinear(svc: Any) -> None:
    """Raise scikit-learn's error for a loss, a penalty and a `dual` that do not go together."""
    if svc.fit_intercept and svc.intercept_scaling <= 0:
        raise ValueError(
            f"Intercept scaling is {svc.intercept_scaling!r} but needs to be greater than 0. To "
            "disable fitting an intercept, set fit_intercept=False."
        )
    chosen = svc.multi_class, svc.penalty, svc.loss
    dual = _validate_dual_parameter(svc.dual, svc.loss, svc.penalty, svc.multi_class, _ONE_BY_ONE)
    _get_liblinear_solver_type(*chosen, dual)


def glm_loss(regressor: Any) -> Any:
    """The loss of a scikit-learn GLM: its link, its range of y, what `predict` and `score` use."""
    return regressor._get_loss()


def set_classes(classifier: Any, classes: Any) -> None:
    """Give a linear classifier other classes than it was fitted with."""
    classifier.classes_ = classes
    if "_label_binarizer" in vars(classifier):  # RidgeClassifier decodes with it
        binarizer = LabelBinarizer(pos_label=1, neg_label=-1)
        classifier._label_binarizer = binarizer.fit(classes)


def give_binarizer(classifier: Any, binarizer: Any) -> None:
    """Give a RidgeClassifier what it decodes targets with, and its classes."""
    classifier._label_binarizer, classifier.classes_ = binarizer, binarizer.classes_


def check_sgd(sgd: Any, for_partial_fit: bool = False) -> None:
    """Raise scikit-learn's errors for parameters that do not go together."""
    sgd._more_validate_params(for_partial_fit=for_partial_fit)


def start_sgd(
    sgd: Any, n_classes: int, n_features: int, dtype: Any, coef_init: Any, intercept_init: Any
) -> None:
    """Set `coef_` and `intercept_` to where a fit starts, and the loss; checks the shapes."""
    sgd._allocate_parameter_mem(n_classes, n_features, dtype, coef_init, intercept_init)
    sgd._loss_function_ = sgd._get_loss_function(sgd.loss)


def network_input(
    mlp: Any, X: Any, y: Any, *, incremental: bool, reset: bool, may_lack: bool = False
) -> tuple[Any, Any]:
    """X and y of a network as scikit-learn validates them, labels as columns of booleans.

    With `may_lack` y may lack some of the classes that are known, also of a warm start.
    """
    asked = mlp.warm_start
    mlp.warm_start = asked and not may_lack
    try:
        return mlp._validate_input(X, y, incremental or may_lack, reset)  # type: ignore[no-any-return]
    finally:
        mlp.warm_start = asked


def network_knows(mlp: Any, classes: Any) -> None:
    """Set the classes of a network, and what it decodes outputs with."""
    mlp._label_binarizer = LabelBinarizer().fit(classes)
    mlp.classes_ = mlp._label_binarizer.classes_


def start_network(mlp: Any, n_features: int, n_outputs: int, dtype: Any) -> None:
    """Draw `coefs_` and `intercepts_` from `_random_state`, and begin the curves."""
    hidden = mlp.hidden_layer_sizes
    units = [n_features, *(hidden if np.iterable(hidden) else [hidden]), n_outputs]
    mlp._initialize(np.empty((0, n_outputs)), units, dtype)


def told_of_lbfgs(result: Any, max_iter: int) -> int:
    """The iterations that L-BFGS made; warns if they were too few."""
    return int(_check_optimize_result("lbfgs", result, max_iter))
