# SPDX-License-Identifier: BSD-3-Clause
"""Cutting rows into shards and running functions on them.

The only package that knows joblib and Dask; it knows no algorithm.
"""

from skdist.sharding._blas import one_blas_thread
from skdist.sharding._choice import effective_workers
from skdist.sharding._cost import Cost
from skdist.sharding._dataset import ShardedDataset
from skdist.sharding._faults import ShardLostError
from skdist.sharding._here import for_row_blocks, joblib_workers, map_in_threads
from skdist.sharding._replicated import Replicated, replicate
from skdist.sharding._rows import is_dask, lazily, shard_rows
from skdist.sharding._shard import Shard

__all__ = [
    "Cost",
    "Replicated",
    "Shard",
    "ShardLostError",
    "ShardedDataset",
    "effective_workers",
    "for_row_blocks",
    "is_dask",
    "joblib_workers",
    "lazily",
    "map_in_threads",
    "one_blas_thread",
    "replicate",
    "shard_rows",
]
