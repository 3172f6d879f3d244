# SPDX-License-Identifier: BSD-3-Clause
"""Who grows the trees: skdist's binned kernel, or scikit-learn's exact splitter."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdist.ensemble._criteria import CRITERIA

# Row visits (rows * trees) below which binning, and loading the compiled kernel (0.3 s in a fresh
# process), cost more than they save: benchmarks/forest_sizes.py.
SMALL = 500_000


def choose_method(forest: Any, X: Any, y: Any) -> tuple[str, str]:
    """ "hist" or "exact", and why.

    Raises
    ------
    ValueError
        If `tree_method` or `strategy` asks for the binned kernel where it does not do the job.
    """
    lacking = beyond_the_kernel(forest, X, y)
    if forest.tree_method == "exact" and forest.strategy in ("histogram", "shard"):
        raise ValueError(
            f"strategy={forest.strategy!r} grows binned trees, but tree_method='exact' was given. "
            "Set tree_method='hist' or 'auto', or strategy='auto'."
        )
    wanted = forest.tree_method == "hist" or forest.strategy in ("histogram", "shard")
    if lacking and wanted:
        asked = f"tree_method={forest.tree_method!r}, strategy={forest.strategy!r}"
        raise ValueError(
            f"Binned trees were asked for ({asked}), but {lacking[0]} takes scikit-learn's exact "
            "trees. Set tree_method='auto' or 'exact' and strategy='auto', or drop it."
        )
    if wanted:
        return "hist", "Binned trees were asked for."
    if forest.tree_method == "exact":
        return "exact", "tree_method='exact' was asked for."
    if lacking:
        return "exact", f"scikit-learn's exact trees: {lacking[0]} is not for binned ones."
    n_rows = X.shape[0] if isinstance(X, np.ndarray) else len(X)
    if n_rows * forest.n_estimators < SMALL:
        return "exact", f"scikit-learn's exact trees: {n_rows} rows are few."
    return "hist", "Binned trees: the rows are many."


def beyond_the_kernel(forest: Any, X: Any, y: Any) -> list[str]:
    """What of the parameters and data the binned kernel does not do."""
    reasons = {
        f"criterion={forest.criterion!r}": forest.criterion not in CRITERIA,
        f"max_leaf_nodes={forest.max_leaf_nodes!r}": forest.max_leaf_nodes is not None,
        f"ccp_alpha={forest.ccp_alpha!r}": forest.ccp_alpha > 0.0,
        "monotonic_cst": forest.monotonic_cst is not None,
        "sparse X": issparse(X),
        "y with several outputs": np.ndim(y) == 2 and np.shape(y)[1] > 1,
    }
    return [reason for reason, holds in reasons.items() if holds]
