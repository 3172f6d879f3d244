# SPDX-License-Identifier: BSD-3-Clause
"""Scalers and encoders: scikit-learn's classes, fitted by one round of merged sums.

- :class:`DistributedStandardScaler`: means and variances.
- :class:`DistributedMinMaxScaler`, :class:`DistributedMaxAbsScaler`: ranges.
- :class:`DistributedOrdinalEncoder`, :class:`DistributedOneHotEncoder`: categories.
"""

from functools import partial

from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from skdist._merge import merge_models
from skdist._transformer import merge_transformers
from skdist.preprocessing._max_abs_scaler import DistributedMaxAbsScaler
from skdist.preprocessing._min_max_scaler import DistributedMinMaxScaler
from skdist.preprocessing._one_hot_encoder import DistributedOneHotEncoder
from skdist.preprocessing._ordinal_encoder import DistributedOrdinalEncoder
from skdist.preprocessing._standard_scaler import DistributedStandardScaler

for _theirs, _ours in (  # scikit-learn's classes, and with them ours
    (MaxAbsScaler, DistributedMaxAbsScaler),
    (MinMaxScaler, DistributedMinMaxScaler),
    (OneHotEncoder, DistributedOneHotEncoder),
    (OrdinalEncoder, DistributedOrdinalEncoder),
    (StandardScaler, DistributedStandardScaler),
):
    merge_models.register(_theirs, partial(merge_transformers, ours=_ours))

__all__ = [
    "DistributedMaxAbsScaler",
    "DistributedMinMaxScaler",
    "DistributedOneHotEncoder",
    "DistributedOrdinalEncoder",
    "DistributedStandardScaler",
]
