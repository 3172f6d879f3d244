# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's metrics for predictions that are Dask collections: sums over their partitions.

    metric = f( sum_k s_k ),      s_k a few sums over the rows of partition k

Of anything else they are scikit-learn's own functions. Only the sums come to the driver, but for
the area under a ROC curve, which is a matter of order: see :func:`roc_auc_score`. There are
scorers of them for `scoring=`: :func:`get_scorer`, :func:`make_scorer`.
"""

from skdist.metrics._classification import accuracy_score, log_loss
from skdist.metrics._mean_score import mean_score
from skdist.metrics._regression import mean_squared_error, r2_score
from skdist.metrics._roc_auc import roc_auc_score
from skdist.metrics._scorers import get_scorer, get_scorer_names, make_scorer

__all__ = [
    "accuracy_score",
    "get_scorer",
    "get_scorer_names",
    "log_loss",
    "make_scorer",
    "mean_score",
    "mean_squared_error",
    "r2_score",
    "roc_auc_score",
]
