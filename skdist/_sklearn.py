# SPDX-License-Identifier: BSD-3-Clause
"""Every private name of scikit-learn that skdist relies on, in one place.

Whoever moves skdist to a newer scikit-learn reads this file first: nothing else imports from a
module of scikit-learn whose name starts with an underscore, or a name that starts with one.
"""

import inspect
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.base import _clone_parametrized as clone_parametrized

# How much slower SGD moves the intercept of sparse rows.
from sklearn.linear_model._base import SPARSE_INTERCEPT_DECAY

# What scikit-learn makes of a metric: it knows routing, and searches know it by its class.
from sklearn.metrics._scorer import _Scorer as MetricScorer

# How many rows a share of them is, and scikit-learn's errors for shares that leave none.
from sklearn.model_selection._split import _validate_shuffle_split as split_sizes
from sklearn.preprocessing import LabelBinarizer, OrdinalEncoder

# When a feature counts as constant, and what it is then divided by.
from sklearn.preprocessing._data import _handle_zeros_in_scale as handle_zeros_in_scale
from sklearn.preprocessing._data import _is_constant_feature as is_constant_feature
from sklearn.svm import SVC

# What liblinear can do, and scikit-learn's errors for what it cannot.
from sklearn.svm._base import _get_liblinear_solver_type
from sklearn.svm._base import _ovr_decision_function as ovr_decision_function
from sklearn.svm._classes import _validate_dual_parameter

# `Tree` is the Cython tree behind `DecisionTree*.tree_`; `NODE_DTYPE` is the record of one of its
# nodes. Both are needed because scikit-learn has no public way to build a tree it did not grow.
from sklearn.tree._tree import NODE_DTYPE, Tree
from sklearn.utils import _safe_indexing as some_of
from sklearn.utils._mask import _get_mask as mask_of
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils._param_validation import validate_parameter_constraints as check_parameters
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import _check_sample_weight, _num_samples

try:
    from sklearn.ensemble._bootstrap import _get_n_samples_bootstrap
except ImportError:  # before 1.9
    from sklearn.ensemble._forest import _get_n_samples_bootstrap

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback._callback_support import (
        callback_management_context as _callback_management_context,
    )
except ImportError:  # before 1.9

    class CallbackSupport:  # type: ignore[no-redef]
        """Older releases have no callbacks."""

        def set_callbacks(self, *callbacks: Any) -> Any:
            """Refused."""
            raise AttributeError(
                "Callbacks need scikit-learn 1.9 or newer; with this one, verbose=1 prints a line."
            )


__all__ = [
    "NODE_DTYPE",
    "SPARSE_INTERCEPT_DECAY",
    "SVC_PROBABILITY",
    "CallbackSupport",
    "Interval",
    "MetricScorer",
    "StrOptions",
    "Tree",
    "begin_callbacks",
    "check_liblinear",
    "check_parameters",
    "check_partial_fit_classes",
    "check_sample_weight",
    "check_sgd",
    "chosen_columns",
    "clone_parametrized",
    "columns_of",
    "encode_classes",
    "end_callbacks",
    "fit_context",
    "give_binarizer",
    "give_fitted",
    "glm_loss",
    "handle_zeros_in_scale",
    "imputer_input",
    "infer_dimension",
    "is_constant_feature",
    "is_watched",
    "mask_of",
    "missing_values_allowed",
    "n_bootstrap_draws",
    "n_rows_seen",
    "network_input",
    "network_knows",
    "num_samples",
    "output_container",
    "ovr_decision_function",
    "scikit_learns",
    "set_classes",
    "some_of",
    "sparse_as_configured",
    "split_sizes",
    "start_network",
    "start_sgd",
    "told_of_lbfgs",
]

fit_context = _fit_context
num_samples = _num_samples
check_partial_fit_classes = _check_partial_fit_first_call
# Since 1.9 a fraction of `max_samples` is one of the sum of weights.
_TAKES_WEIGHT = "sample_weight" in inspect.signature(_get_n_samples_bootstrap).parameters

# "deprecated" since 1.9, False before.
SVC_PROBABILITY = inspect.signature(SVC).parameters["probability"].default

_ONE_BY_ONE = np.zeros((1, 1))


def scikit_learns(model: Any) -> type:
    """The class of scikit-learn that an estimator is, or stands for; `object` if there is none."""
    return next(
        (
            cls
            for cls in type(model).__mro__
            if cls.__module__.startswith("sklearn.") and issubclass(cls, BaseEstimator)
        ),
        object,
    )


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


def check_sample_weight(sample_weight: Any, X: Any, **how: Any) -> np.ndarray:
    """Weights of rows, validated; all zero is an error, as it is from scikit-learn 1.9 on."""
    weight: np.ndarray = _check_sample_weight(sample_weight, X, **how)
    if len(weight) and not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight


def is_watched(estimator: Any) -> bool:
    """Whether scikit-learn's callbacks were registered, which its own fit tells of its progress."""
    return bool(vars(estimator).get("_skl_callbacks"))


def begin_callbacks(estimator: Any, method: str, most: int | None) -> tuple[Any, list[Any]]:
    """The context of a fit of so many tasks at most, and the callbacks to tear down when it ends.

    They are taken from the estimator, where scikit-learn keeps them: its own fit may be run within
    ours, and would tear down at its end what it finds there.
    """
    context = CallbackSupport._init_callback_context(estimator, method, max_subtasks=most)
    del estimator._callback_fit_ctx
    return context, vars(estimator).pop("_skl_callbacks_to_teardown")


def end_callbacks(estimator: Any, context: Any, callbacks: list[Any]) -> None:
    """Tear callbacks down: all of them, also if one fails."""
    estimator._callback_fit_ctx, estimator._skl_callbacks_to_teardown = context, callbacks
    with _callback_management_context(estimator):
        pass


def output_container(transformer: Any) -> str:
    """What `set_output`, or scikit-learn's configuration, asks for: "default", "pandas", ..."""
    return str(_get_output_config("transform", transformer)["dense"])


def columns_of(X: Any) -> list[np.ndarray]:
    """The columns of X as scikit-learn's encoders take them, each of its own dtype."""
    return OrdinalEncoder()._check_X(X, ensure_all_finite="allow-nan")[0]  # type: ignore[no-any-return]


def imputer_input(imputer: Any, X: Any) -> Any:
    """X as a SimpleImputer validates what it is fitted to; sets what it learns of the columns."""
    return imputer._validate_input(X, in_fit=True)


def infer_dimension(variance: np.ndarray, n_samples: int) -> int:
    """Minka's choice of the number of principal components."""
    from sklearn.decomposition._pca import _infer_dimension

    return int(_infer_dimension(variance, n_samples))


def sparse_as_configured(X: Any) -> Any:
    """A sparse matrix or array, as scikit-learn's transformers return it."""
    try:
        from sklearn.utils._sparse import _align_api_if_sparse
    except ImportError:  # before 1.9 there are matrices only
        return X
    return _align_api_if_sparse(X)


def chosen_columns(transformer: Any, X: Any) -> list[tuple[str, Any, list[int], bool]]:
    """Name, transformer, columns of X, and whether a scalar chose them, of a ColumnTransformer.

    Checks the transformers as its own fit does, and sets what that learns of the columns.
    """
    transformer._validate_transformers()
    transformer._validate_column_callables(X)
    transformer._validate_remainder(X)
    chosen = transformer._iter(
        fitted=False, column_as_labels=False, skip_drop=True, skip_empty_columns=True
    )
    indices = transformer._transformer_to_input_indices
    return [(name, t, list(indices[name]), bool(np.isscalar(c))) for name, t, c, _ in chosen]


def give_fitted(transformer: Any, fitted: list[Any], widths: list[int], is_sparse: bool) -> None:
    """Give a ColumnTransformer its fitted transformers, of so many columns each."""
    transformer._update_fitted_transformers(fitted)
    transformer._record_output_indices([np.empty((0, width)) for width in widths])
    transformer.sparse_output_ = is_sparse
