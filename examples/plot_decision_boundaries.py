# SPDX-License-Identifier: BSD-3-Clause
"""
Do shards change what a classifier draws?
=========================================

scikit-learn's comparison of classifiers, three times: fitted on all rows at once, on eight shards,
and apart at four places whose models are then merged.
"""

import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.preprocessing import scale

import skdist

X, y = make_moons(1_600, noise=0.25, random_state=0)
X = scale(X)
shown, seen = slice(0, 200), slice(200, None)
X_fit, y_fit, X_test, y_test = X[seen], y[seen], X[shown], y[shown]

classifiers = {
    "logistic regression": skdist.DistributedLogisticRegression(),
    "descent (SGD)": skdist.DistributedSGDClassifier("log_loss", random_state=0),
    "random forest": skdist.DistributedRandomForest(
        50, max_depth=6, tree_method="hist", random_state=0
    ),
    "kernel machine": skdist.DistributedSVC(),
    "neural net": skdist.DistributedMLPClassifier(
        (32,), learning_rate_init=0.01, batch_size=50, max_iter=200, tol=3e-3, random_state=0
    ),
}


# %%
# Three ways to fit the same estimator. What ``fit_shard`` fits at the four places is merged without
# their rows coming together.
def on_one_shard(estimator):
    return estimator.set_params(n_shards=1).fit(X_fit, y_fit)


def on_eight_shards(estimator):
    return estimator.set_params(n_shards=8).fit(X_fit, y_fit)


def at_four_places(estimator):
    places = [slice(k, None, 4) for k in range(4)]
    return skdist.merge([clone(estimator).fit_shard(X_fit[p], y_fit[p]) for p in places])


ways = {"one shard": on_one_shard, "eight shards": on_eight_shards, "merged": at_four_places}

# %%
# Points are rows that were held out, numbers the accuracy on them.
figure, axes = plt.subplots(
    len(ways), len(classifiers), figsize=(12, 7.2), layout="constrained", sharex=True, sharey=True
)
points = ListedColormap(["#0072B2", "#E69F00"])
for row, (way, fitted) in zip(axes, ways.items(), strict=True):
    for ax, (name, estimator) in zip(row, classifiers.items(), strict=True):
        model = fitted(clone(estimator))
        DecisionBoundaryDisplay.from_estimator(
            model, X, ax=ax, cmap="cividis", alpha=0.35, response_method="predict", eps=0.3
        )
        ax.scatter(*X_test.T, c=y_test, cmap=points, s=8)
        ax.text(
            0.97, 0.03, f"{model.score(X_test, y_test):.3f}", ha="right", transform=ax.transAxes
        )
        ax.set(xticks=[], yticks=[])
        if way == "one shard":
            ax.set_title(name)
    row[0].set_ylabel(way)
plt.show()

# %%
# The first two rows are alike. The logistic regression, the forest and the kernel machine are fits
# that merge sums, or end at the same optimum; the descent and the net, which average, end near. The
# merged models of four places are approximate, all of them, and still draw nearly the same lines,
# since each place has rows of the same kind. What happens where it has not is another example:
# :ref:`sphx_glr_auto_examples_plot_merge_sites.py`.
