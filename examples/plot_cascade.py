# SPDX-License-Identifier: BSD-3-Clause
"""
What does a cascade of kernel machines lose?
============================================

In one level of a cascade every shard is solved apart, keeps its support vectors, and the merge is
solved over those of all shards. A row that its own shard dropped may have been a support vector of
all rows. The duality gap over all rows bounds what that costs.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import skdist
from skdist import DistributedSVC

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
together = DistributedSVC().fit(X_train, y_train)
optimum = together.report_.extra["dual"]

# %%
# The training rows are cut into 2 to 5 shards twice: as they come, so that all shards are alike,
# and sorted by digit, so that each has some digits of its own. Given all rows besides the models,
# ``merge`` measures the gap.
counts = [2, 3, 4, 5]
orders = {"alike": np.arange(len(y_train)), "by label": np.argsort(y_train, kind="stable")}


def cascade(rows, n_shards):
    """Fit the shards apart, and merge what they keep."""
    shards = np.array_split(rows, n_shards)
    parts = [DistributedSVC().fit_shard(X_train[s], y_train[s]) for s in shards]
    return skdist.merge(parts, X_train, y_train)


merged = {name: [cascade(rows, m) for m in counts] for name, rows in orders.items()}

# %%
plt.style.use("tableau-colorblind10")
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
for (name, models), marker in zip(merged.items(), "os", strict=True):
    kept = [100 * m.report_.extra["n_vectors"] / len(y_train) for m in models]
    gap = [100 * m.report_.certificate / optimum for m in models]
    score = [m.score(X_test, y_test) for m in models]
    for ax, values in zip((left, middle, right), (kept, gap, score), strict=True):
        ax.plot(counts, values, marker=marker, label=f"shards {name}")
right.axhline(together.score(X_test, y_test), color="grey", linestyle=":", label="all rows")
left.set(xlabel="number of shards", ylabel="rows that are kept, %", ylim=(0, 100))
middle.set(xlabel="number of shards", ylabel="duality gap, % of the optimum")
right.set(xlabel="number of shards", ylabel="accuracy on rows held out", ylim=(0.9, 1.0))
right.legend()
for ax in (left, middle, right):
    ax.set_xticks(counts)
plt.show()

# %%
# Where shards are alike nothing is lost: more rows than necessary are kept, the gap is a small part
# of a percent, and the accuracy is that of all rows. Shards that have digits of their own keep too
# few: the rows that would tell a 3 from an 8 were never together. The gap says so, before any row
# is held out to see it in the accuracy.
