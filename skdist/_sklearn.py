# SPDX-License-Identifier: BSD-3-Clause
"""Every private name of scikit-learn that skdist relies on, in one place.

Whoever moves skdist to a newer scikit-learn reads this file first: nothing else imports from a
module of scikit-learn whose name starts with an underscore.
"""

# `Tree` is the Cython tree behind `DecisionTree*.tree_`; `NODE_DTYPE` is the record of one of its
# nodes. Both are needed because scikit-learn has no public way to build a tree it did not grow.
from sklearn.tree._tree import NODE_DTYPE, Tree

__all__ = ["NODE_DTYPE", "Tree"]
