# SPDX-License-Identifier: BSD-3-Clause
"""
What happened in this fit?
==========================

A logistic regression is fitted to rows that were sorted by a feature. How did it converge, who
computed what when, and how unlike were its shards? ``report_`` knows, and three displays draw it.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification

from skdist import DistributedLogisticRegression
from skdist.inspection import ConvergenceDisplay, ShardDisplay, TimelineDisplay

X, y = make_classification(60_000, 20, n_informative=8, n_classes=3, random_state=0)
order = np.argsort(X[:, np.argmax(np.abs(np.corrcoef(X.T, y)[-1, :-1]))])
X, y = X[order], y[order]

newton = DistributedLogisticRegression(n_shards=6).fit(X, y)
newton_cg = DistributedLogisticRegression(n_shards=6, solver="newton_cg").fit(X, y)
print(newton.report_)

# %%
# Every note of the solver is a point: a bound of how far the objective is from its minimum. The
# solver ``newton`` sends matrices and needs few rounds; ``newton_cg`` sends vectors, several for a
# step, and needs many. Both stop where the bound is small enough.
plt.style.use("tableau-colorblind10")
ConvergenceDisplay.from_estimator([newton, newton_cg])
plt.show()

# %%
# The tasks of Newton's rounds, in the rows of the threads that ran them; numbers are those of the
# shards. White is a thread that waits: for the driver, or for another shard.
TimelineDisplay.from_estimator(newton)
plt.show()

# %%
# The rows were sorted, so that shards differ in their classes. Models that merge sums, as this one,
# are the same for any order of the rows; averages of models are not, and such shards are hatched.
ShardDisplay.from_estimator(newton)
plt.show()
