# SPDX-License-Identifier: BSD-3-Clause
"""Who grows the trees: skdist's binned kernel, or scikit-learn's exact splitter."""

from __future__ import annotations

from typing import Any

from scipy.sparse import issparse

from skdist._columns import shape_of
from skdist.ensemble._criteria import CRITERIA
from skdist.ensemble._export import n_candidates
from skdist.sharding import is_dask

# Values looked at, at each level of all trees, below which scikit-learn fits: a choice. It saves a
# fresh process the loading of the compiled kernel, and costs the speed of that in fits this small.
SMALL = 1_000_000


def exact_work(forest: Any, X: Any) -> int:
    """Rows times trees times candidate features: what exact trees take, but for a factor."""
    shape = shape_of(X)
    if len(shape) != 2:  # scikit-learn's to refuse
        return 0
    return shape[0] * forest.n_estimators * n_candidates(forest.max_features, shape[1])


def choose_method(forest: Any, X: Any, y: Any) -> tuple[str, str]:
    """ "hist" or "exact", and why.

    Raises
    ------
    ValueError
        If `tree_method` or `strategy` asks for the binned kernel where it does not do the job, or
        if a warm start would put trees of two methods into one forest.
    """
    before = method_to_go_on_with(forest)
    method, why = _choose(forest, X, y, before)
    if before == "merge":
        raise ValueError(
            "A merged forest holds trees of other rows, from which a warm start cannot go on. "
            "Fit another forest with warm_start=False, and merge it."
        )
    if before not in (None, method):
        raise ValueError(
            f"The trees to go on from are those of tree_method={before!r}, and a warm start adds "
            f"trees of the same kind, but now: {why} Set the parameters back, or "
            "warm_start=False for a new forest."
        )
    return method, why


def method_to_go_on_with(forest: Any) -> str | None:
    """What grew the trees that a warm start adds to; None where there are none."""
    # One forest, one method: otherwise neither `estimators_samples_` nor an out-of-bag score could
    # tell the rows of each tree.
    return forest.report_.method if forest.warm_start and "report_" in vars(forest) else None


def _choose(forest: Any, X: Any, y: Any, before: str | None) -> tuple[str, str]:
    lacking = beyond_the_kernel(forest, X, y)
    if forest.tree_method == "exact" and is_dask(X):
        raise ValueError(
            "X is a Dask collection, which only binned trees take without gathering it, but "
            "tree_method='exact' was given. Set tree_method='auto', or compute() the collection."
        )
    if forest.tree_method == "exact" and forest.strategy in ("histogram", "shard"):
        raise ValueError(
            f"strategy={forest.strategy!r} grows binned trees, but tree_method='exact' was given. "
            "Set tree_method='hist' or 'auto', or strategy='auto'."
        )
    wanted = wants_bins(forest) or is_dask(X)
    if lacking and wanted:
        asked = f"tree_method={forest.tree_method!r}, strategy={forest.strategy!r}"
        asked = "X is a Dask collection" if is_dask(X) else asked
        raise ValueError(
            f"Only binned trees will do here ({asked}), but {lacking[0]} takes scikit-learn's "
            "exact trees. Set tree_method='auto' or 'exact' and strategy='auto' and pass the rows "
            f"in memory, or drop {lacking[0]}."
        )
    if wants_bins(forest):
        return "hist", "Binned trees were asked for."
    if is_dask(X):
        return "hist", "Binned trees: the rows are a Dask collection, which is not gathered."
    if forest.tree_method == "exact":
        return "exact", "tree_method='exact' was asked for."
    if lacking:
        return "exact", f"scikit-learn's exact trees: {lacking[0]} is not for binned ones."
    if before in ("hist", "exact"):
        return before, "A warm start goes on with trees of the same kind."
    if exact_work(forest, X) < SMALL:
        return "exact", f"scikit-learn's exact trees: {shape_of(X)} is small."
    return "hist", f"Binned trees: {shape_of(X)} is large."


def wants_bins(forest: Any) -> bool:
    """Whether the parameters allow nothing but binned trees."""
    return forest.tree_method == "hist" or forest.strategy in ("histogram", "shard")


def beyond_the_kernel(forest: Any, X: Any, y: Any) -> list[str]:
    """What of the parameters and data the binned kernel does not do."""
    reasons = {
        f"criterion={forest.criterion!r}": forest.criterion not in CRITERIA,
        f"max_leaf_nodes={forest.max_leaf_nodes!r}": forest.max_leaf_nodes is not None,
        f"ccp_alpha={forest.ccp_alpha!r}": forest.ccp_alpha > 0.0,
        "monotonic_cst": forest.monotonic_cst is not None,
        "sparse X": issparse(X),
        "y with several outputs": len(shape_of(y)) == 2 and shape_of(y)[1] > 1,
    }
    return [reason for reason, holds in reasons.items() if holds]
