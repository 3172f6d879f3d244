# SPDX-License-Identifier: BSD-3-Clause
"""
How many rounds does averaging need?
====================================

Each of m shards passes over its own rows by stochastic gradient descent, the m solutions are
averaged, and everybody goes on from the mean: that is one round. Or they descend apart to the end,
and are averaged once. What do these lose against the optimum of all rows?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.preprocessing import scale

import skdist

X, y = make_classification(20_000, 40, n_informative=10, flip_y=0.1, random_state=0)
X = scale(X)
alpha = 1e-3

# %%
# The optimum is found by Newton's method on merged sums. ``C`` weighs the sum of the losses where
# ``alpha`` weighs the penalty against their mean: ``C = 1 / (alpha n)`` is the same objective.
exact = skdist.DistributedLogisticRegression(C=1 / (alpha * len(y)), tol=1e-7).fit(X, y)
least = exact.report_.extra["objective"] * alpha


def gap(model):
    """What the objective lacks: (F - min F) / min F."""
    w, margin = model.coef_[0], (2 * y - 1) * model.decision_function(X)
    return (np.logaddexp(0, -margin).mean() + alpha / 2 * w @ w - least) / least


descent = skdist.DistributedSGDClassifier(
    "log_loss", alpha=alpha, learning_rate="invscaling", eta0=0.1, tol=None, random_state=0
)

# %%
# With rounds: the history of a fit has a line for each of them, with the objective of the averaged
# parameters. Without: ``fit_shard`` fits the rows of one place, and ``merge`` averages.
plt.style.use("tableau-colorblind10")
figure, ax = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
for number, (m, marker) in enumerate([(4, "o"), (16, "s"), (64, "^")]):
    model = descent.set_params(n_shards=m, max_iter=32).fit(X, y)
    history = model.report_.extra["history"]
    gaps = [(line.objective - least) / least for line in history]
    passes = [line.n_passes for line in history]
    ax.plot(passes, gaps, color=f"C{number}", marker=marker, markersize=4, label=f"{m} shards")

    descent.set_params(n_shards=None)
    apart = [clone(descent).fit_shard(X[k::m], y[k::m]) for k in range(m)]
    ax.axhline(gap(skdist.merge(apart)), color=f"C{number}", linestyle="--")
ax.plot([], [], color="grey", linestyle="--", label="averaged once, after 32 passes apart")
ax.set(xscale="log", yscale="log", xlabel="rounds (passes over all rows)")
ax.set(ylabel="(F - min F) / min F")
ax.set_xticks([1, 2, 4, 8, 16, 32], [1, 2, 4, 8, 16, 32])
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# After one round the mean of many shards is far off: each has seen few rows. Eight rounds take all
# of them below a thousandth, and then the more shards the better, since averaging takes out the
# noise of the single descents. Averaging once is good for few shards of many rows, and bad for many
# of few. Newton's method, for comparison, needed this many rounds for all digits:
print(exact.report_.rounds)
