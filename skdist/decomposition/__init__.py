# SPDX-License-Identifier: BSD-3-Clause
"""Decompositions: scikit-learn's classes, fitted by merged sums.

- :class:`DistributedPCA`: principal components.
"""

from functools import partial

from sklearn.decomposition import PCA

from skdist._merge import merge_models
from skdist._transformer import merge_transformers
from skdist.decomposition._pca import DistributedPCA

merge_models.register(PCA, partial(merge_transformers, ours=DistributedPCA))

__all__ = ["DistributedPCA"]
