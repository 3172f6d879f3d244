# SPDX-License-Identifier: BSD-3-Clause
"""The classic example, then the same lines on a cluster: the same forest, bit for bit.

The cluster here is two worker processes on this machine, which need the extra ``skdist[dask]``. On
a real one only the address handed to ``Client`` changes.
"""

import joblib
import numpy as np
from dask.distributed import Client, LocalCluster
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

from skdist import DistributedRandomForest

TREE_ARRAYS = ("children_left", "children_right", "feature", "threshold", "n_node_samples", "value")


def fit_and_score():
    """Load iris, split it, fit a forest, print its accuracy: what scikit-learn's user writes."""
    X, y = load_iris(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    forest = DistributedRandomForest(random_state=0).fit(X_train, y_train)
    print(f"  accuracy on {len(X_test)} held-out flowers: {forest.score(X_test, y_test):.3f}")
    return forest, forest.predict_proba(X_test)


def same_trees(ours, theirs):
    """Whether two forests hold the same trees, node by node."""
    return len(ours.estimators_) == len(theirs.estimators_) and all(
        np.array_equal(getattr(a.tree_, name), getattr(b.tree_, name))
        for a, b in zip(ours.estimators_, theirs.estimators_, strict=True)
        for name in TREE_ARRAYS
    )


def main():
    print("In this process:")
    here, probabilities_here = fit_and_score()

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
        ) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        print("On a Dask cluster of two worker processes:")
        there, probabilities_there = fit_and_score()

    same = same_trees(here, there) and np.array_equal(probabilities_here, probabilities_there)
    print(f"The two forests are {'identical' if same else 'DIFFERENT'}.")
    return 0 if same else 1


if __name__ == "__main__":  # the worker processes import this file
    raise SystemExit(main())
