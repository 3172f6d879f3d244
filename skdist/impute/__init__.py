# SPDX-License-Identifier: BSD-3-Clause
"""Imputers: scikit-learn's classes, fitted by merged sums.

- :class:`DistributedSimpleImputer`: means, medians, most frequent values.
"""

from functools import partial

from sklearn.impute import SimpleImputer

from skdist._merge import merge_models
from skdist._transformer import merge_transformers
from skdist.impute._simple_imputer import DistributedSimpleImputer

merge_models.register(SimpleImputer, partial(merge_transformers, ours=DistributedSimpleImputer))

__all__ = ["DistributedSimpleImputer"]
