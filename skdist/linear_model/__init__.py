# SPDX-License-Identifier: BSD-3-Clause
"""Linear models: scikit-learn's classes, fitted by merging sums over shards.

    F(W, b) = scale * sum_i s_i loss(y_i, W x_i + b) + 1/2 l2 |W|^2 + l1 |W|_1

Value, gradient and curvature of F are sums over rows, and sums over rows are sums over shards: one
round brings them together, and what follows is what one machine would do that holds all rows. So
the models do not depend on how the rows were cut. What averages solutions instead (stochastic
gradient descent over several shards, `skdist.merge` of logistic models) says so in `report_`.

- :class:`DistributedLogisticRegression`: two classes or more, any penalty.
- :class:`DistributedPoissonRegressor`, :class:`DistributedGammaRegressor` and
  :class:`DistributedTweedieRegressor`: counts, and positive and skewed targets.
- :class:`DistributedLinearRegression`, :class:`DistributedRidge`, :class:`DistributedElasticNet`
  and :class:`DistributedLasso`: least squares. :class:`DistributedRidgeClassifier`: the same for
  classes, coded as 1 and -1.
- :class:`DistributedLinearSVC`: support vectors.
- :class:`DistributedHuberRegressor`: regression with outliers.
- :class:`DistributedSGDClassifier`, :class:`DistributedSGDRegressor`: many losses, by stochastic
  gradient descent.
"""

from sklearn.linear_model import SGDClassifier, SGDRegressor

from skdist._merge import merge_models
from skdist.linear_model._elastic_net import DistributedElasticNet
from skdist.linear_model._gamma import DistributedGammaRegressor
from skdist.linear_model._huber import DistributedHuberRegressor
from skdist.linear_model._lasso import DistributedLasso
from skdist.linear_model._least_squares_fit import merge_sums
from skdist.linear_model._linear_regression import DistributedLinearRegression
from skdist.linear_model._linear_svc import DistributedLinearSVC
from skdist.linear_model._logistic import DistributedLogisticRegression
from skdist.linear_model._merge_linear import KINDS, merge_linear
from skdist.linear_model._merge_sgd import merge_sgd
from skdist.linear_model._poisson import DistributedPoissonRegressor
from skdist.linear_model._ridge import DistributedRidge
from skdist.linear_model._ridge_classifier import DistributedRidgeClassifier
from skdist.linear_model._sgd_classifier import DistributedSGDClassifier
from skdist.linear_model._sgd_regressor import DistributedSGDRegressor
from skdist.linear_model._tweedie import DistributedTweedieRegressor

for _model in KINDS:  # scikit-learn's classes, and with them ours
    merge_models.register(_model, merge_linear)
for _model in (
    DistributedElasticNet,
    DistributedLasso,
    DistributedLinearRegression,
    DistributedRidge,
    DistributedRidgeClassifier,
):
    merge_models.register(_model, merge_sums)
for _model in (SGDClassifier, SGDRegressor):
    merge_models.register(_model, merge_sgd)

__all__ = [
    "DistributedElasticNet",
    "DistributedGammaRegressor",
    "DistributedHuberRegressor",
    "DistributedLasso",
    "DistributedLinearRegression",
    "DistributedLinearSVC",
    "DistributedLogisticRegression",
    "DistributedPoissonRegressor",
    "DistributedRidge",
    "DistributedRidgeClassifier",
    "DistributedSGDClassifier",
    "DistributedSGDRegressor",
    "DistributedTweedieRegressor",
]
