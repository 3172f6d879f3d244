# SPDX-License-Identifier: BSD-3-Clause
import subprocess
import sys

SCRIPT = """
import sys
import numpy as np
from skdist.sharding import replicate, shard_rows
shard_rows(np.eye(4), n_shards=2, n_jobs=2).map(lambda shard: shard.n_rows)
replicate(1, n_jobs=1).map(lambda value, item: item, [1])
optional = {"dask", "distributed", "pandas", "polars", "pyarrow", "numba", "matplotlib", "torch"}
print(sorted(optional.intersection(sys.modules)))
"""


def test_a_local_fit_imports_no_optional_library():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
