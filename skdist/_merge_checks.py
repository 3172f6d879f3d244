# SPDX-License-Identifier: BSD-3-Clause
"""What models must have in common to become one, and what the one takes over from the first."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from skdist._sklearn import scikit_learns

COLUMNS = ("n_features_in_", "feature_names_in_")


def check_no_rows(X: Any, what: str, go_on: str) -> None:
    """Raise if rows are passed to a merge of models of a family that makes no use of them.

    `what` they are; `go_on` says what to do with the rows.
    """
    if X is not None:
        raise ValueError(
            f"merge takes rows for forests only. To go on from a merged {what} with rows at hand: "
            f"{go_on}."
        )


def check_kinds(models: Sequence[Any], kind_of: Callable[[Any], Any] = scikit_learns) -> Any:
    """What kind all models are of; raise unless it is one, and the models are fitted.

    scikit-learn's class, unless something else makes them of a kind.
    """
    kind = kind_of(models[0])
    for number, model in enumerate(models):
        if kind_of(model) != kind:
            raise ValueError(
                f"Model 0 is a {type(models[0]).__name__}, model {number} a "
                f"{type(model).__name__}. Merge models of one kind."
            )
        check_is_fitted(model)
    return kind


def check_columns(models: Sequence[Any]) -> None:
    """Raise unless the models were fitted to the same features."""
    check_equal(models, "number of features", lambda m: m.n_features_in_)
    check_equal(models, "feature names", lambda m: list(vars(m).get("feature_names_in_", ())))


def check_classes(models: Sequence[Any], tell: str) -> None:
    """Raise unless classifiers know the same classes; `tell` says how to tell a fit of all."""
    if is_classifier(models[0]):
        remedy = f"Their outputs mean different things. Tell every fit of all classes: {tell}."
        check_equal(models, "classes", lambda m: m.classes_.tolist(), remedy=remedy)


def check_equal(
    models: Sequence[Any],
    what: str,
    look: Callable[[Any], Any],
    same: Callable[[Any, Any], bool] = operator.eq,
    remedy: str = "Merge models that were fitted alike.",
) -> None:
    """Raise unless `look` finds the same in all models; `remedy` says what to do."""
    for number, model in enumerate(models[1:], 1):
        if not same(look(models[0]), look(model)):
            raise ValueError(
                f"The {what} of model 0 and model {number} differ: {look(models[0])} and "
                f"{look(model)}. {remedy}"
            )


def take_columns(merged: Any, first: Any) -> None:
    """Give the merged model the number and the names of the features."""
    for name in COLUMNS:
        if name in vars(first):
            setattr(merged, name, vars(first)[name])
