# SPDX-License-Identifier: BSD-3-Clause
"""Distributed estimators for scikit-learn users: swap one import.

Public names are imported when they are first used, so that ``import skdist`` costs next to nothing
and compiles nothing.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from skdist._conflict import refuse_sk_dist
from skdist._lazy_names import found_at_home

if TYPE_CHECKING:  # what a static checker sees; _HOMES below is what runs
    from skdist._config import config_context, get_config
    from skdist._merge import merge
    from skdist._plan import plan
    from skdist.compose import DistributedColumnTransformer
    from skdist.decomposition import DistributedPCA
    from skdist.ensemble import (
        DistributedExtraTreesClassifier,
        DistributedExtraTreesRegressor,
        DistributedRandomForest,
        DistributedRandomForestClassifier,
        DistributedRandomForestRegressor,
    )
    from skdist.impute import DistributedSimpleImputer
    from skdist.linear_model import (
        DistributedElasticNet,
        DistributedGammaRegressor,
        DistributedHuberRegressor,
        DistributedLasso,
        DistributedLinearRegression,
        DistributedLinearSVC,
        DistributedLogisticRegression,
        DistributedPoissonRegressor,
        DistributedRidge,
        DistributedRidgeClassifier,
        DistributedSGDClassifier,
        DistributedSGDRegressor,
        DistributedTweedieRegressor,
    )
    from skdist.neural_network import (
        DistributedMLPClassifier,
        DistributedMLPRegressor,
        DistributedNeuralNetClassifier,
        DistributedNeuralNetRegressor,
    )
    from skdist.preprocessing import (
        DistributedMaxAbsScaler,
        DistributedMinMaxScaler,
        DistributedOneHotEncoder,
        DistributedOrdinalEncoder,
        DistributedStandardScaler,
    )
    from skdist.sharding import clear_journal, journals
    from skdist.svm import (
        DistributedNuSVC,
        DistributedNuSVR,
        DistributedOneClassSVM,
        DistributedSVC,
        DistributedSVR,
    )

__version__ = "0.1.0.dev0"

__all__ = [
    "DistributedColumnTransformer",
    "DistributedElasticNet",
    "DistributedExtraTreesClassifier",
    "DistributedExtraTreesRegressor",
    "DistributedGammaRegressor",
    "DistributedHuberRegressor",
    "DistributedLasso",
    "DistributedLinearRegression",
    "DistributedLinearSVC",
    "DistributedLogisticRegression",
    "DistributedMLPClassifier",
    "DistributedMLPRegressor",
    "DistributedMaxAbsScaler",
    "DistributedMinMaxScaler",
    "DistributedNeuralNetClassifier",
    "DistributedNeuralNetRegressor",
    "DistributedNuSVC",
    "DistributedNuSVR",
    "DistributedOneClassSVM",
    "DistributedOneHotEncoder",
    "DistributedOrdinalEncoder",
    "DistributedPCA",
    "DistributedPoissonRegressor",
    "DistributedRandomForest",
    "DistributedRandomForestClassifier",
    "DistributedRandomForestRegressor",
    "DistributedRidge",
    "DistributedRidgeClassifier",
    "DistributedSGDClassifier",
    "DistributedSGDRegressor",
    "DistributedSVC",
    "DistributedSVR",
    "DistributedSimpleImputer",
    "DistributedStandardScaler",
    "DistributedTweedieRegressor",
    "__version__",
    "clear_journal",
    "config_context",
    "get_config",
    "journals",
    "merge",
    "plan",
]

# public name -> the module it lives in
_HOMES = {
    "DistributedColumnTransformer": "skdist.compose",
    "DistributedElasticNet": "skdist.linear_model",
    "DistributedExtraTreesClassifier": "skdist.ensemble",
    "DistributedExtraTreesRegressor": "skdist.ensemble",
    "DistributedGammaRegressor": "skdist.linear_model",
    "DistributedHuberRegressor": "skdist.linear_model",
    "DistributedLasso": "skdist.linear_model",
    "DistributedLinearRegression": "skdist.linear_model",
    "DistributedLinearSVC": "skdist.linear_model",
    "DistributedLogisticRegression": "skdist.linear_model",
    "DistributedMLPClassifier": "skdist.neural_network",
    "DistributedMLPRegressor": "skdist.neural_network",
    "DistributedMaxAbsScaler": "skdist.preprocessing",
    "DistributedMinMaxScaler": "skdist.preprocessing",
    "DistributedNeuralNetClassifier": "skdist.neural_network",
    "DistributedNeuralNetRegressor": "skdist.neural_network",
    "DistributedNuSVC": "skdist.svm",
    "DistributedNuSVR": "skdist.svm",
    "DistributedOneClassSVM": "skdist.svm",
    "DistributedOneHotEncoder": "skdist.preprocessing",
    "DistributedOrdinalEncoder": "skdist.preprocessing",
    "DistributedPCA": "skdist.decomposition",
    "DistributedPoissonRegressor": "skdist.linear_model",
    "DistributedRandomForest": "skdist.ensemble",
    "DistributedRandomForestClassifier": "skdist.ensemble",
    "DistributedRandomForestRegressor": "skdist.ensemble",
    "DistributedRidge": "skdist.linear_model",
    "DistributedRidgeClassifier": "skdist.linear_model",
    "DistributedSGDClassifier": "skdist.linear_model",
    "DistributedSGDRegressor": "skdist.linear_model",
    "DistributedSVC": "skdist.svm",
    "DistributedSVR": "skdist.svm",
    "DistributedSimpleImputer": "skdist.impute",
    "DistributedStandardScaler": "skdist.preprocessing",
    "DistributedTweedieRegressor": "skdist.linear_model",
    "clear_journal": "skdist.sharding",
    "config_context": "skdist._config",
    "get_config": "skdist._config",
    "journals": "skdist.sharding",
    "merge": "skdist._merge",
    "plan": "skdist._plan",
}

# packages, which are imported as their names are
_PACKAGES = frozenset(
    {
        "compose",
        "decomposition",
        "ensemble",
        "impute",
        "inspection",
        "linear_model",
        "metrics",
        "model_selection",
        "neural_network",
        "preprocessing",
        "svm",
    }
)

refuse_sk_dist(Path(__file__).parent)


_public = found_at_home(__name__, _HOMES)


def __getattr__(name: str) -> object:
    """A package, or a public name from its home."""
    return import_module(f"skdist.{name}") if name in _PACKAGES else _public(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
