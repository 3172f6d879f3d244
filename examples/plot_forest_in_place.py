# SPDX-License-Identifier: BSD-3-Clause
"""
What does a forest lose whose rows may not move?
================================================

With ``strategy="shard"`` a forest leaves every row where it is: each shard grows trees on its own
rows, and only trees and the values of leaves travel. How good that is depends on how alike the
shards are.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

from skdist import DistributedRandomForest

X, y = make_classification(
    12_000, 12, n_informative=6, n_classes=3, n_clusters_per_class=3, random_state=0
)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=8_000, random_state=0)

# %%
# Four places, which are the shards. A share of the rows lies where a feature sends them, the lowest
# quarter of its values at the first place and so on; the rest lies anywhere.
by_feature = np.argsort(X_train[:, np.argmax(np.abs(np.corrcoef(X_train.T, y_train)[-1, :-1]))])


def rows_by_place(share):
    """Numbers of the rows, in the order in which contiguous shards are cut."""
    draw = np.random.default_rng(0)
    order = by_feature.copy()
    anywhere = np.flatnonzero(draw.random(len(order)) >= share)
    order[anywhere] = draw.permutation(order[anywhere])
    return order


def fitted(rows, **strategy):
    """A forest of 48 trees on four shards."""
    forest = DistributedRandomForest(48, n_shards=4, random_state=0, **strategy)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        forest.fit(X_train[rows], y_train[rows])
    return forest, said


# %%
# Beside it stand the forest of merged histograms, for which the rows of small nodes travel, and the
# trees of a single place, which do not know the others.
shares = [0.0, 0.25, 0.5, 0.75, 0.9, 1.0]
in_place, one_place, histograms, skews, feature_skews = [], [], [], [], []
for share in shares:
    rows = rows_by_place(share)
    forest, _ = fitted(rows, strategy="shard")
    in_place.append(forest.score(X_test, y_test))
    skews.append(max(shard.skew for shard in forest.report_.shards))
    feature_skews.append(max(shard.feature_skew for shard in forest.report_.shards))
    histograms.append(fitted(rows, strategy="histogram")[0].score(X_test, y_test))
    alone = [fitted(place, tree_method="hist")[0] for place in np.array_split(rows, 4)]
    one_place.append(np.mean([forest.score(X_test, y_test) for forest in alone]))
    print(
        f"{share:4.0%} by a feature: histograms {histograms[-1]:.3f}, "
        f"trees that stay {in_place[-1]:.3f}, one place {one_place[-1]:.3f}"
    )

# %%
plt.style.use("tableau-colorblind10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
percent = [100 * share for share in shares]
left.plot(percent, feature_skews, marker="s", label="in a feature (deviations of it)")
left.plot(percent, skews, marker="o", label="in y (class rates)")
left.set(xlabel="rows that lie by a feature, %", ylabel="largest skew in report_.shards")
left.set(title="How unlike the places are")
left.legend()
right.set(title="What that costs")
right.plot(percent, histograms, marker="o", label="histograms merged, rows may move")
right.plot(percent, in_place, marker="s", label="trees merged, rows stay")
right.plot(percent, one_place, marker="^", label="one place alone (mean)")
right.set(xlabel="rows that lie by a feature, %", ylabel="accuracy on rows held out")
right.legend()
plt.show()

# %%
# Merged histograms do not care where the rows are. Trees of single places lose some accuracy even
# where places are alike, since each tree has a quarter of the rows; the more unlike the places are,
# the more. They remain far better than the trees of one place, which in the end know a quarter of
# the feature's range only. ``report_.shards`` measures by how much the places differ in y and in
# the means of their features, and a fit whose shards differ much in either warns.
