# SPDX-License-Identifier: BSD-3-Clause
"""Neural networks trained over shards of the rows.

Importing it tells :func:`skdist.merge` of its classes. What needs torch is imported at its
first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sklearn.neural_network import MLPClassifier, MLPRegressor

from skdist._merge import merge_models
from skdist.neural_network._ensemble import average_logits, logit_ensemble
from skdist.neural_network._merge_mlp import average_mlp_logits, merge_networks
from skdist.neural_network._mlp_classifier import DistributedMLPClassifier
from skdist.neural_network._mlp_regressor import DistributedMLPRegressor

for _model in (MLPClassifier, MLPRegressor):
    merge_models.register(_model, merge_networks)
    average_logits.register(_model, average_mlp_logits)

if TYPE_CHECKING:  # what a static checker sees; _NEED_TORCH below is what runs
    from skdist.neural_network._torch_classifier import DistributedNeuralNetClassifier
    from skdist.neural_network._torch_regressor import DistributedNeuralNetRegressor

__all__ = [
    "DistributedMLPClassifier",
    "DistributedMLPRegressor",
    "DistributedNeuralNetClassifier",
    "DistributedNeuralNetRegressor",
    "logit_ensemble",
]

# public name -> the module it lives in
_NEED_TORCH = {
    "DistributedNeuralNetClassifier": "skdist.neural_network._torch_classifier",
    "DistributedNeuralNetRegressor": "skdist.neural_network._torch_regressor",
}


def __getattr__(name: str) -> object:
    """Import what needs torch at its first use (PEP 562)."""
    if name not in _NEED_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(_NEED_TORCH[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {"skorch", "torch"}:
            raise
        raise ImportError(
            f"{name} needs torch and skorch, of which {error.name!r} is not installed: "
            'pip install "skdist[torch]". On a machine without a GPU install the CPU build of '
            "torch first, or that may fetch gigabytes."
        ) from error
    globals()[name] = value  # the next look-up finds it without this function
    return value
