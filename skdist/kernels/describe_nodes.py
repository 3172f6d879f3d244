# SPDX-License-Identifier: BSD-3-Clause
"""The nodes of a grown tree in the units of X and y.

With c_k the channels of a node, s_k the weight of class k and u the units of the fixed point,

    classification   w = sum of s_k c_k,   value_k = s_k c_k / w,   weight = w / u_weight
    regression       weight = w / u_weight,   value = centre + s / u_target / weight

and the impurity is 1 - sum of value_k^2 (gini), - sum of value_k log2 value_k (entropy), the
variance (squared error), or the mean of y log y less that of y times log of the mean (poisson).
"""

from typing import Any

import numpy as np

from skdist.kernels.compiling import entry, read_only
from skdist.kernels.node_split import GINI, SQUARED_ERROR, Rules
from skdist.kernels.tree_memory import NodeTable


def describe_nodes(
    table: NodeTable, edges: np.ndarray, rules: Rules, scale: np.ndarray, units: Any, tree: Any
) -> None:
    """Fill in the columns of `tree`.

    Parameters
    ----------
    table : NodeTable of N nodes
    edges : (d, E) float32, upper edges of the bins of each feature.
    rules : Rules
    scale : (C,) float64, the classes' weights.
    units : skdist.solvers.binned_forest.FixedPoint
    tree : skdist.summaries.Tree of N nodes and max(n_classes, 1) values, overwritten.
    """
    tree.feature[:], tree.left[:], tree.right[:] = table.feature, table.left, table.right
    tree.missing_left[:], tree.n_samples[:] = table.missing_left, table.n_rows
    _write_thresholds(table.feature, table.code, read_only(edges), tree.threshold)
    described = tree.value, tree.weight, tree.impurity
    if rules.n_classes:
        _describe_classes(table.channels, rules.criterion, read_only(scale), *described)
        tree.weight[:] /= units.weight_unit
    else:
        _sum_up(table.spread, table.left, table.right, tree.impurity)
        _describe_values(table.channels, rules.criterion, *units, *described)


@entry(_nrt=False)
def _write_thresholds(feature, code, edges, threshold):
    for t in range(len(feature)):
        threshold[t] = edges[feature[t], code[t]] if feature[t] >= 0 else np.float32(-2.0)


@entry(_nrt=False)
def _describe_classes(channels, criterion, scale, value, weight, impurity):
    for t in range(len(channels)):
        total = square = entropy = 0.0
        for k in range(len(scale)):
            value[t, k] = channels[t, k] * scale[k]
            total += value[t, k]
        for k in range(len(scale)):
            p = value[t, k] / total
            value[t, k] = p
            if criterion == GINI:
                square += p * p
            elif p > 0.0:
                entropy -= p * np.log2(p)
        weight[t] = total
        impurity[t] = 1.0 - square if criterion == GINI else entropy


@entry(_nrt=False)
def _sum_up(values, left, right, sums):
    """The sum of the leaves below each node; children come after their parents."""
    for t in range(len(values) - 1, -1, -1):
        sums[t] = values[t] if left[t] < 0 else sums[left[t]] + sums[right[t]]


@entry(_nrt=False)
def _describe_values(
    channels, criterion, centre, target_unit, weight_unit, value, weight, impurity
):
    """`impurity` comes as the spread of the node's rows."""
    for t in range(len(channels)):
        weight[t] = channels[t, 0] / weight_unit
        mean = channels[t, 1] / target_unit / weight[t]
        spread = impurity[t] / channels[t, 0]
        if criterion == SQUARED_ERROR:
            impurity[t] = max(spread - mean * mean, 0.0)
        else:
            impurity[t] = spread - (mean * np.log(mean) if mean > 0.0 else 0.0)
        value[t, 0] = mean + centre
