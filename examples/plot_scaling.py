# SPDX-License-Identifier: BSD-3-Clause
"""
How much faster are more workers?
=================================

``n_jobs`` is how many tasks run at once. It changes the time of a fit and not the model. Here the
workers are threads of the machine that made this page, which has as many cores as the picture has
points.
"""

import os
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification

import skdist

X, y = make_classification(60_000, 30, n_informative=10, flip_y=0.1, random_state=0)
workers = list(range(1, min(os.cpu_count(), 8) + 1))
estimators = {
    "random forest": (skdist.DistributedRandomForest(30, random_state=0), 20_000),
    "kernel machine": (skdist.DistributedSVC(strategy="parallel"), 6_000),
    "hinge loss": (skdist.DistributedLinearSVC(loss="hinge"), 60_000),
}

# %%
# The first fit loads compiled code and is not counted. Of three fits the quickest counts, since the
# machine may have other work to do.


def seconds(estimator, n_jobs, n_rows):
    """Seconds of a fit to the first rows, and what the model predicts."""
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        estimator.set_params(n_jobs=n_jobs).fit(X[:n_rows], y[:n_rows])
        times.append(time.perf_counter() - begin)
    return min(times), estimator.predict(X[:2000])


taken = {}
for name, (estimator, n_rows) in estimators.items():
    estimator.fit(X[:n_rows], y[:n_rows])
    taken[name], predicted = zip(*(seconds(estimator, n, n_rows) for n in workers), strict=True)
    same = all(np.array_equal(p, predicted[0]) for p in predicted)
    print(f"{name:>15}: {taken[name][0]:.2f} s on one worker, the same predictions: {same}")

# %%
plt.style.use("tableau-colorblind10")
figure, ax = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
ax.plot(workers, workers, color="grey", linestyle=":", label="as many times as workers")
for (name, times), marker in zip(taken.items(), "os^", strict=True):
    ax.plot(workers, times[0] / np.array(times), marker=marker, label=name)
ax.set_xticks(workers)
ax.set(xlabel="workers (threads)", ylabel="times as fast as one worker")
ax.legend()
plt.show()

# %%
# What keeps a line below the dotted one: the checks of X and y and what the driver does between the
# rounds, which one thread does; and cores that share caches and memory, or are two names for one
# (as on most rented machines), so that two of them do less than twice the work.
