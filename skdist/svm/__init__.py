# SPDX-License-Identifier: BSD-3-Clause
"""Kernel machines: scikit-learn's support vector machines, solved to the same optimum over shards.

    min over a:   a'Qa / 2 + p'a,   Q_st = y_s y_t k(x_s, x_t),   0 <= a_s <= C_s,   y'a = const.

Blocks of variables are optimised at a time, kernel rows come from all shards, and the fit ends with
the duality gap over all rows.

- :class:`DistributedSVC`, :class:`DistributedNuSVC`: two classes or more, each pair of which is a
  problem of its own.
- :class:`DistributedSVR`, :class:`DistributedNuSVR`: regression.
- :class:`DistributedOneClassSVM`: the support of a distribution.
"""

from skdist._merge import merge_models
from skdist.svm._merge_svm import KINDS, merge_machines
from skdist.svm._nu_svc import DistributedNuSVC
from skdist.svm._nu_svr import DistributedNuSVR
from skdist.svm._one_class import DistributedOneClassSVM
from skdist.svm._svc import DistributedSVC
from skdist.svm._svr import DistributedSVR

for _model in KINDS:  # scikit-learn's classes, and with them ours
    merge_models.register(_model, merge_machines)

__all__ = [
    "DistributedNuSVC",
    "DistributedNuSVR",
    "DistributedOneClassSVM",
    "DistributedSVC",
    "DistributedSVR",
]
