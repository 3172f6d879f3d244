# SPDX-License-Identifier: BSD-3-Clause
"""
How many rounds does a solver need?
===================================

A round is one broadcast, one pass over the shards and one merge. On one machine it costs next to
nothing; on a cluster it has its latency, so that the number of rounds decides. Here four solvers
minimise the objective of the same logistic regression on 16 shards.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning

from skdist import DistributedLogisticRegression

X, y = make_classification(20_000, 30, n_informative=15, random_state=0)
X = X * np.logspace(-1, 1, 30)  # columns of unlike scales, as they come

# %%
# ``report_.extra["history"]`` has a line for each iterate: after which round, the objective there,
# and the bytes that a shard has sent. Plain gradient descent does not reach the minimum in 200
# iterations, and says so in a warning; it is here to compare.
solvers = ["newton", "newton_cg", "lbfgs", "gradient_descent"]
histories = {}
for solver in solvers:
    model = DistributedLogisticRegression(solver=solver, n_shards=16, tol=1e-6, max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    histories[solver] = model.report_.extra["history"]
    print(
        f"{solver:>16}: {model.report_.rounds} rounds, at most {model.report_.certificate:.1e} off"
    )

best = min(step.value for history in histories.values() for step in history)

# %%
# The distance from the least objective that was found, against rounds and against bytes.
plt.style.use("tableau-colorblind10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for (solver, history), marker in zip(histories.items(), "osv^", strict=True):
    gap = np.minimum.accumulate([(step.value - best) / best for step in history]) + 1e-16
    style = {"marker": marker, "markersize": 4, "label": solver}
    left.plot([step.round for step in history], gap, **style)
    right.plot(np.cumsum([step.bytes_up for step in history]) / 16e3, gap, **style)
left.set(xscale="log", yscale="log", xlabel="rounds", ylabel="(F - min F) / min F")
right.set(xscale="log", xlabel="sent by each shard, kilobytes")
right.legend()
plt.show()

# %%
# Newton's method sends curvature besides the gradient, and needs by far the fewest rounds. The
# solver ``newton_cg`` merges products of the curvature with vectors instead, which takes more
# rounds and here the fewest bytes. L-BFGS, which learns the curvature from gradients, is behind
# both, and gradients alone do not get far. ``solver="auto"`` takes ``newton`` for as long as a
# curvature is small, which is up to 1,500 coefficients, and ``newton_cg`` beyond.
