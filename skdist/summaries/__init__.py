# SPDX-License-Identifier: BSD-3-Clause
"""The mergeable values: what a shard sends, frozen, with an associative ``+``; one a file."""

from typing import TYPE_CHECKING

from skdist._lazy_names import found_at_home

if TYPE_CHECKING:  # what a static checker sees; _HOMES below is what runs
    from skdist.summaries._column_counts import ColumnCounts
    from skdist.summaries._column_moments import ColumnMoments
    from skdist.summaries._column_ranges import ColumnRanges
    from skdist.summaries._curvature import LossGradient, LossGradientHessian, QuadraticModel
    from skdist.summaries._entry_moments import EntryMoments
    from skdist.summaries._huber_sums import HuberSums
    from skdist.summaries._margins import MarginRows, MarginSums
    from skdist.summaries._moments import Moments
    from skdist.summaries._network_state import NetworkState
    from skdist.summaries._ranks import RankWeights
    from skdist.summaries._rows import bytes_of, dense, stacked
    from skdist.summaries._sparse_mean import SparseMean
    from skdist.summaries._support_vectors import SupportVectors
    from skdist.summaries._target_facts import TargetFacts
    from skdist.summaries._trees import Tree, Trees
    from skdist.summaries._triangular_factor import TriangularFactor
    from skdist.summaries._weighted_mean import WeightedMean

__all__ = [
    "ColumnCounts",
    "ColumnMoments",
    "ColumnRanges",
    "EntryMoments",
    "HuberSums",
    "LossGradient",
    "LossGradientHessian",
    "MarginRows",
    "MarginSums",
    "Moments",
    "NetworkState",
    "QuadraticModel",
    "RankWeights",
    "SparseMean",
    "SupportVectors",
    "TargetFacts",
    "Tree",
    "Trees",
    "TriangularFactor",
    "WeightedMean",
    "bytes_of",
    "dense",
    "stacked",
]

# A family needs few of them.
_HOMES = {
    "ColumnCounts": "skdist.summaries._column_counts",
    "ColumnMoments": "skdist.summaries._column_moments",
    "ColumnRanges": "skdist.summaries._column_ranges",
    "EntryMoments": "skdist.summaries._entry_moments",
    "HuberSums": "skdist.summaries._huber_sums",
    "LossGradient": "skdist.summaries._curvature",
    "LossGradientHessian": "skdist.summaries._curvature",
    "MarginRows": "skdist.summaries._margins",
    "MarginSums": "skdist.summaries._margins",
    "Moments": "skdist.summaries._moments",
    "NetworkState": "skdist.summaries._network_state",
    "QuadraticModel": "skdist.summaries._curvature",
    "RankWeights": "skdist.summaries._ranks",
    "SparseMean": "skdist.summaries._sparse_mean",
    "SupportVectors": "skdist.summaries._support_vectors",
    "TargetFacts": "skdist.summaries._target_facts",
    "Tree": "skdist.summaries._trees",
    "Trees": "skdist.summaries._trees",
    "TriangularFactor": "skdist.summaries._triangular_factor",
    "WeightedMean": "skdist.summaries._weighted_mean",
    "bytes_of": "skdist.summaries._rows",
    "dense": "skdist.summaries._rows",
    "stacked": "skdist.summaries._rows",
}

__getattr__ = found_at_home(__name__, _HOMES)
