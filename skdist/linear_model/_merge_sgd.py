# SPDX-License-Identifier: BSD-3-Clause
"""SGD models fitted at different places become one: the mean of their parameters.

    w = sum_m (t_m - 1) w_m / sum_m (t_m - 1),       t = 1 + sum_m (t_m - 1)

each by the steps it has made, rows times passes; class by class, among the models that know it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skdist.linear_model._merge_linear import merge_linear


def merge_sgd(first: Any, models: list[Any], X: Any, y: Any, sample_weight: Any) -> Any:
    """`merge_linear`; the mean is where `partial_fit` goes on, at the step that follows all."""
    merged = merge_linear(first, models, X, y, sample_weight)
    merged.t_ = 1.0 + sum(model.t_ - 1.0 for model in models)
    merged._weight_of_rows = merged.t_ - 1.0
    if "_standard_coef" in vars(merged):
        inner = merged.coef_ if len(np.atleast_2d(merged.coef_)) > 1 else merged.coef_.ravel()
        merged._standard_coef, merged._average_coef = inner.copy(), inner.copy()
        merged._standard_intercept = merged.intercept_.copy()
        merged._average_intercept = merged.intercept_.copy()
    return merged
