# SPDX-License-Identifier: BSD-3-Clause
"""
What do shards sorted by label do, and what helps?
==================================================

Files are often written class by class. Rows in memory are dealt to the shards at random before a
fit that averages, but the partitions of a Dask collection stay as they are, and then a shard may
know some of the classes only. Fits that merge sums do not notice. Fits that merge solutions do.
"""

import warnings

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import skdist

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)

# %%
# The same rows twice, in five partitions: in random order, and sorted by label, so that a partition
# has the pictures of two or three digits only.


def partitions(order):
    """The training rows in this order, as Dask arrays of five partitions."""
    rows = -(-len(order) // 5)
    return (
        da.from_array(X_train[order], chunks=(rows, -1)),
        da.from_array(y_train[order], chunks=rows),
    )


mixed = partitions(np.arange(len(y_train)))
by_label = partitions(np.argsort(y_train, kind="stable"))

# %%
# Three fits that merge sums (of curvatures, histograms and gradients), and three that merge
# solutions (trees, weights after each pass, weights after three steps).


def net(**sync):
    return skdist.DistributedMLPClassifier(
        (32,), batch_size=100, learning_rate_init=0.01, max_iter=15, random_state=0, **sync
    )


estimators = {
    "logistic regression": skdist.DistributedLogisticRegression(C=0.1),
    "forest of histograms": skdist.DistributedRandomForest(
        50, strategy="histogram", random_state=0
    ),
    "net, merged gradients": net(sync="gradient"),
    "forest of shards' trees": skdist.DistributedRandomForest(50, strategy="shard", random_state=0),
    "averaged descent": skdist.DistributedSGDClassifier("log_loss", random_state=0),
    "net, local steps": net(sync="local", local_steps=3),
}
accuracy, skew, warned = {}, {}, {}
for name, estimator in estimators.items():
    for kind, rows in [("mixed", mixed), ("by label", by_label)]:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            estimator.fit(*rows)
        accuracy[name, kind] = estimator.score(X_test, y_test)
        skew[kind] = max(shard.skew for shard in estimator.report_.shards)
        warned[name, kind] = any("shards differ" in str(warning.message) for warning in said)

# %%
# Every report measures how unlike the shards are: half the sum of the differences between a
# shard's class rates and those of all rows.
print(skew)

# %%
# Fits that merge solutions warn where this is large: an asterisk marks who did.
plt.style.use("tableau-colorblind10")
figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
place = np.array([0, 1, 2, 3.4, 4.4, 5.4])  # a gap between the two groups
for offset, kind in [(-0.19, "mixed"), (0.19, "by label")]:
    values = [accuracy[name, kind] for name in estimators]
    bars = ax.barh(place + offset, values, 0.38, label=f"shards {kind}")
    marks = [" *" if warned[name, kind] else "" for name in estimators]
    labels = [f"{value:.3f}{mark}" for value, mark in zip(values, marks, strict=True)]
    ax.bar_label(bars, labels, padding=3)
ax.set_yticks(place, list(estimators))
ax.invert_yaxis()
ax.text(0.801, -0.45, "sums are merged", va="bottom")
ax.text(0.801, 2.95, "solutions are merged", va="bottom")
ax.set(xlim=(0.8, 1.0), ylim=(5.8, -0.9), xlabel="accuracy on rows held out")
figure.legend(loc="outside lower center", ncols=2)
plt.show()

# %%
# Where sums are merged, sorting the rows changes a row or two of the 450 that were held out: the
# bootstrap of a forest and the batches of a net are drawn from the rows in another order. Where
# solutions are merged it costs several points. What helps, best first: a fit that merges sums; rows
# shuffled before they are written or partitioned; fewer steps between two averages. A net that
# merges the gradients of every step does not notice the order, and needs a round for each:
for local_steps in (1, 3):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = net(sync="local", local_steps=local_steps).fit(*by_label)
    score = model.score(X_test, y_test)
    print(f"{local_steps} local steps: accuracy {score:.3f} in {model.report_.rounds} rounds")
