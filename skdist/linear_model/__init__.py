# SPDX-License-Identifier: BSD-3-Clause
"""Linear models: scikit-learn's classes, fitted by merging sums over shards.

    F(W, b) = scale * sum_i s_i loss(y_i, W x_i + b) + 1/2 l2 |W|^2 + l1 |W|_1

Value, gradient and curvature of F are sums over rows, and sums over rows are sums over shards: one
round brings them together, and what follows is what one machine would do that holds all rows. So
the models do not depend on how the rows were cut. What averages solutions instead (stochastic
gradient descent over several shards, `skdist.merge` of logistic models) says so in `report_`.
"""

__all__: list[str] = []
