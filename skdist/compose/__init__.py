# SPDX-License-Identifier: BSD-3-Clause
"""What puts transformers together, for data in memory and Dask collections.

- :class:`DistributedColumnTransformer`: transformers for some of the columns each.
"""

from skdist.compose._column_transformer import DistributedColumnTransformer

__all__ = ["DistributedColumnTransformer"]
