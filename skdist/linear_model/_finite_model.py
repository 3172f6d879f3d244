# SPDX-License-Identifier: BSD-3-Clause
"""A linear model that answers NaN is no model."""

from typing import Any

import numpy as np


def check_finite_model(model: Any) -> None:
    """Raise if a coefficient or an intercept is not finite, though all rows were.

    Parameters
    ----------
    model : estimator with `coef_` and `intercept_`

    Raises
    ------
    ValueError
    """
    if np.isfinite(model.coef_).all() and np.isfinite(model.intercept_).all():
        return
    raise ValueError(
        f"The coefficients of {type(model).__name__} are not finite, though X and y are: sums over "
        f"the rows are too large or too small for {model.coef_.dtype}. Scale the features, the "
        "target or the weights."
    )
