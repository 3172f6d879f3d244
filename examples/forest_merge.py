# SPDX-License-Identifier: BSD-3-Clause
"""Two places whose rows may not be brought together: fit at each, merge the two forests.

The second place has never seen the digits 0 and 1, and the first hardly an 8 or a 9. The merged
forest knows all ten; what it loses against a forest on all rows is printed beside it.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import skdist
from skdist import DistributedRandomForest


def share_of_first_place(y, rng):
    """Rows that lie at the first place: all 0s and 1s, one in twenty 8s and 9s, half the rest."""
    share = np.select([y <= 1, y >= 8], [1.0, 0.05], default=0.5)
    return rng.random(len(y)) < share


def main():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    first = share_of_first_place(y_train, np.random.default_rng(0))

    here = DistributedRandomForest(random_state=0).fit_shard(X_train[first], y_train[first])
    there = DistributedRandomForest(random_state=1).fit_shard(X_train[~first], y_train[~first])
    merged = skdist.merge([here, there])
    together = DistributedRandomForest(200, random_state=0).fit(X_train, y_train)

    for name, forest in [
        ("first place alone", here),
        ("second place alone", there),
        ("merged", merged),
        ("all rows together", together),
    ]:
        score = forest.score(X_test, y_test)
        print(f"{name:>20}: {len(forest.classes_):2d} classes, accuracy {score:.3f}")


if __name__ == "__main__":
    main()
