# SPDX-License-Identifier: BSD-3-Clause
"""What does a support vector machine lose if its shards are fitted apart and merged?

Each place keeps its support vectors, and the merge optimises over those of all places. The duality
gap over all rows bounds what is lost; here they are at hand, so that it can be printed beside what
really happened. Twice: the places have like rows, or each has the two or five digits of its own.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import skdist
from skdist import DistributedSVC


def places(y, n_places, alike):
    """Numbers of the rows at each place."""
    order = np.arange(len(y)) if alike else np.argsort(y, kind="stable")
    return np.array_split(order, n_places)


def main():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    together = DistributedSVC().fit(X_train, y_train)
    accuracy, optimum = together.score(X_test, y_test), together.report_.extra["dual"]
    print(f"all rows together: {len(together.support_)} support vectors, accuracy {accuracy:.3f}")
    for alike in (True, False):
        for n_places in (2, 5):
            parts = [
                DistributedSVC().fit_shard(X_train[rows], y_train[rows])
                for rows in places(y_train, n_places, alike)
            ]
            merged = skdist.merge(parts, X_train, y_train)
            kept = merged.report_.extra["n_vectors"] / len(y_train)
            gap = merged.report_.certificate / optimum
            kind = "alike" if alike else "sorted"
            print(
                f"{n_places} places, {kind}: {kept:.0%} of the rows kept, "
                f"accuracy {merged.score(X_test, y_test):.3f}, gap at most {gap:.1%} of the optimum"
            )


if __name__ == "__main__":
    main()
