# SPDX-License-Identifier: BSD-3-Clause
"""Cutting rows into shards and running functions on them.

The only package that knows joblib and Dask; it knows no algorithm.
"""

from skdist.sharding._blas import one_blas_thread
from skdist.sharding._choice import effective_workers
from skdist.sharding._cost import Cost
from skdist.sharding._dataset import ShardedDataset
from skdist.sharding._digest import digest, digest_rows
from skdist.sharding._faults import ShardLostError, WorkersLostError
from skdist.sharding._here import for_row_blocks, in_this_thread, joblib_workers, map_in_threads
from skdist.sharding._journal import Journal, JournalWarning
from skdist.sharding._journal_folder import KeptFit, clear_journal, journals, open_journal
from skdist.sharding._ledger import Note, Record, TaskRecord
from skdist.sharding._memory import (
    free_here,
    free_memory,
    memory_limit,
    tasks_beside,
    worker_memory,
)
from skdist.sharding._place import Place, place_of
from skdist.sharding._quorum import Late
from skdist.sharding._recall import Recall
from skdist.sharding._replicated import Replicated, replicate
from skdist.sharding._request import Request
from skdist.sharding._rows import (
    as_frame,
    as_nameless,
    count_lengths,
    first_rows,
    has_names,
    is_dask,
    lazily,
    lengths_in_common,
    of_targets,
    pick,
    shard_rows,
)
from skdist.sharding._running_fit import Round, RunningFit, Watcher, current_fit, running_fit
from skdist.sharding._shard import Shard

__all__ = [
    "Cost",
    "Journal",
    "JournalWarning",
    "KeptFit",
    "Late",
    "Note",
    "Place",
    "Recall",
    "Record",
    "Replicated",
    "Request",
    "Round",
    "RunningFit",
    "Shard",
    "ShardLostError",
    "ShardedDataset",
    "TaskRecord",
    "Watcher",
    "WorkersLostError",
    "as_frame",
    "as_nameless",
    "clear_journal",
    "count_lengths",
    "current_fit",
    "digest",
    "digest_rows",
    "effective_workers",
    "first_rows",
    "for_row_blocks",
    "free_here",
    "free_memory",
    "has_names",
    "in_this_thread",
    "is_dask",
    "joblib_workers",
    "journals",
    "lazily",
    "lengths_in_common",
    "map_in_threads",
    "memory_limit",
    "of_targets",
    "one_blas_thread",
    "open_journal",
    "pick",
    "place_of",
    "replicate",
    "running_fit",
    "shard_rows",
    "tasks_beside",
    "worker_memory",
]
