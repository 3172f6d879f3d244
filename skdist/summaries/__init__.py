# SPDX-License-Identifier: BSD-3-Clause
"""The mergeable values: what a shard sends, frozen, with an associative ``+``; one a file."""

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
