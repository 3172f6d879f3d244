# SPDX-License-Identifier: BSD-3-Clause
"""
What becomes of the models of four sites when they are merged?
==============================================================

Four sites may not bring their rows together, and none of them has seen all ten digits. Each fits
what it has, and the four models are merged into one that knows all classes.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import skdist

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)

# %%
# Each site lacks three of the digits. A row lies at one of the sites that know its digit.
lacking = [{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {9, 0, 5}]
draw = np.random.default_rng(0)
site = np.array([draw.choice([k for k in range(4) if d not in lacking[k]]) for d in y_train])

estimators = {
    "random forest": skdist.DistributedRandomForest(random_state=0),
    "kernel machine": skdist.DistributedSVC(C=10),
    "logistic regression": skdist.DistributedLogisticRegression(C=0.1),
    "ridge classifier": skdist.DistributedRidgeClassifier(),
}


def scores(estimator):
    """Accuracy of the sites' own models, of their merge, and of a model of all rows."""
    parts = [clone(estimator).fit_shard(X_train[site == k], y_train[site == k]) for k in range(4)]
    merged = skdist.merge(parts)  # changes none of the parts
    together = clone(estimator).fit(X_train, y_train)
    how = "exact" if merged.report_.exact else "approximate"
    print(f"{type(estimator).__name__}: {merged.report_.strategy}, {how}")
    return [model.score(X_test, y_test) for model in [*parts, merged, together]]


# %%
# ``report_`` of a merged model says how it was merged. The ridge classifier keeps sums, and its
# merge is the fit on all rows; the others are approximate.
table = np.array([scores(estimator) for estimator in estimators.values()])

# %%
plt.style.use("tableau-colorblind10")
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
place = np.arange(len(estimators))
for k in range(4):
    label = "a site alone" if k == 0 else None
    ax.plot(place - 0.25, table[:, k], "_", color="C3", markersize=18, label=label)
bars = {"merged": (0.0, table[:, 4], "C0"), "all rows together": (0.3, table[:, 5], "C1")}
for name, (shift, values, color) in bars.items():
    ax.bar_label(ax.bar(place + shift, values, 0.28, color=color, label=name), fmt="%.3f")
ax.set_xticks(place, list(estimators))
ax.set(ylim=(0.5, 1.05), ylabel="accuracy on rows held out")
figure.legend(loc="outside lower center", ncols=3)
plt.show()

# %%
# A site alone cannot be right about the three digits that it has never seen. The merged models know
# all ten, and are nearly as good as those of all rows together: the ridge classifier is the same
# model, the forest loses most.
