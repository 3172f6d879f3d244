# SPDX-License-Identifier: BSD-3-Clause
"""
Does the number of shards change the model?
===========================================

That depends on what the shards send. Where sums are merged (gradients, curvatures, histograms) it
does not, beyond rounding. Where solutions are merged (weights, trees) it does. Here both kinds of
fit are made of the same 8,000 rows, cut into 1 to 64 shards.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

import skdist

X, y = make_classification(12_000, 20, n_informative=8, flip_y=0.05, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=8_000, random_state=0)

merge_sums = {
    "logistic regression": skdist.DistributedLogisticRegression(tol=1e-8),
    "forest of merged histograms": skdist.DistributedRandomForest(
        20, strategy="histogram", random_state=0
    ),
}
merge_solutions = {
    "averaged gradient descent": skdist.DistributedSGDClassifier(loss="log_loss", random_state=0),
    "forest of every shard's own trees": skdist.DistributedRandomForest(
        20, strategy="shard", random_state=0
    ),
}

# %%
# Every estimator is fitted once for each number of shards. ``n_shards`` is a parameter of the
# model, like any other; how many workers there are is another matter, and changes nothing.
n_shards = [1, 2, 4, 8, 16, 32, 64]


def fitted(estimator):
    """The last report, and probabilities and accuracy on rows held out for each number."""
    models = [clone(estimator).set_params(n_shards=m).fit(X_train, y_train) for m in n_shards]
    p = np.array([model.predict_proba(X_test)[:, 1] for model in models])
    return models[-1].report_, p, [model.score(X_test, y_test) for model in models]


# %%
# Every model says in its report to which kind it belongs. On the left is the largest change of any
# probability against that of one shard, on the right the accuracy on 4,000 rows held out.
plt.style.use("tableau-colorblind10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for estimators, line in [(merge_sums, "-"), (merge_solutions, "--")]:
    for name, estimator in estimators.items():
        report, p, accuracy = fitted(estimator)
        said = ", ".join(f"{a:.3f} of {m}" for m, a in zip(n_shards, accuracy, strict=True))
        print(f"{name:>33}: exact = {report.exact}, accuracy {said}")
        change = np.abs(p - p[0]).max(axis=1)
        left.plot(n_shards[1:], np.maximum(change[1:], 1e-17), line, marker="o", label=name)
        right.plot(n_shards, accuracy, line, marker="o", label=name)

left.set(
    xscale="log",
    yscale="log",
    ylim=(1e-18, 2),
    xlabel="number of shards",
    ylabel="largest change of a probability",
    title="Against one shard (1e-17: not a bit differs)",
)
right.set(
    xscale="log", xlabel="number of shards", ylabel="accuracy", title="On rows that were held out"
)
for ax in (left, right):
    ax.set_xticks(n_shards, n_shards)
    ax.minorticks_off()
figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %%
# The solid lines are fits that merge sums. The forest of merged histograms does not change by a
# bit, since its histograms hold integers. The logistic regression changes by some 1e-9, which is
# within the tolerance it was asked for. The dashed lines merge solutions, and single probabilities
# change a lot. Averaging descents takes out some of their noise here. Trees that every shard grows
# on its own rows get worse as these rows get fewer; of 32 shards some grow no tree at all.
