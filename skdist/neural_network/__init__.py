# SPDX-License-Identifier: BSD-3-Clause
"""Neural networks trained over shards of the rows.

Importing it tells :func:`skdist.merge` of its classes.
"""

from sklearn.neural_network import MLPClassifier, MLPRegressor

from skdist._merge import merge_models
from skdist.neural_network._merge_mlp import logit_ensemble, merge_networks
from skdist.neural_network._mlp_classifier import DistributedMLPClassifier
from skdist.neural_network._mlp_regressor import DistributedMLPRegressor

for _model in (MLPClassifier, MLPRegressor):
    merge_models.register(_model, merge_networks)

__all__ = ["DistributedMLPClassifier", "DistributedMLPRegressor", "logit_ensemble"]
