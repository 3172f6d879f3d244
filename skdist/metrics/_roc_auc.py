# SPDX-License-Identifier: BSD-3-Clause
"""The area under the ROC curve of rows that are nowhere together.

It is the share of the pairs (positive row, negative row) whose positive row has the larger score,
equal scores counting half. Scores are numbers of 64 bits whose order is that of the scores. The
first round counts the weight of either class by the leading 16 bits, and so tells all pairs apart
that differ there. Of the rest

    | area - estimate |  <=  1/2 sum over buckets of  P_b N_b / (P N),

and the buckets that this bound is made of are looked at again by 16 bits more, until it is small
enough. After the fourth round it is 0.
"""

from __future__ import annotations

import numpy as np
import sklearn.metrics

from skdist._labels import column_of, find_classes
from skdist.kernels.ordered_bits import ordered_bits
from skdist.metrics._classification import mean_of, probabilities
from skdist.metrics._pairs import on_collection, paired, weights_of
from skdist.sharding import Shard, ShardedDataset
from skdist.summaries import RankWeights, WeightedMean

BITS = 16  # by which a round looks closer
ALL_BITS = 64


def roc_auc_score(
    y_true,
    y_score,
    *,
    average="macro",
    sample_weight=None,
    max_fpr=None,
    multi_class="raise",
    labels=None,
    tol=1e-6,
):
    """The area under the ROC curve.

        sum_ij s_i s_j ([z_i > z_j] + [z_i = z_j] / 2) / sum_ij s_i s_j,     y_i = 1, y_j = 0

    Parameters
    ----------
    y_true : array-like or Dask collection of shape (n_samples,)
    y_score : array-like or Dask collection of shape (n_samples,) or (n_samples, n_classes)
        Scores or probabilities.
    average : {"macro", "weighted", None}, default="macro"
        Of more than two classes; None: the area of each.
    sample_weight : array-like or Dask collection of shape (n_samples,), default=None
    max_fpr : float, default=None
        Not of collections.
    multi_class : {"raise", "ovr", "ovo"}, default="raise"
        "ovr" is what collections of more than two classes know.
    labels : array-like of shape (n_classes,), default=None
        The classes; those of `y_true`, in one more round, if they are not given.
    tol : float, default=1e-6
        How far the area of a collection may be from the exact one; 0: nowhere.

    Returns
    -------
    area : float, or ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        For one class, for what collections do not know, and for what scikit-learn refuses.

    Notes
    -----
    Of collections up to four rounds a class. A partition sends 24 bytes for each bucket that it has
    rows in, of 65,536 in the first round; with ``tol=0`` it may send all of its scores.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from skdist.metrics import roc_auc_score
    >>> y, z = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> roc_auc_score(da.from_array(y, chunks=2), da.from_array(z, chunks=2))
    0.75
    """
    if not on_collection(y_true, y_score):
        return sklearn.metrics.roc_auc_score(
            y_true,
            y_score,
            average=average,
            sample_weight=sample_weight,
            max_fpr=max_fpr,
            multi_class=multi_class,
            labels=labels,
        )
    if max_fpr is not None:
        raise ValueError(
            f"max_fpr={max_fpr} is not known of Dask collections: leave it out, or compute() them."
        )
    shards = paired(y_true, y_score, sample_weight)
    classes = find_classes(shards) if labels is None else np.unique(labels)
    if len(classes) < 2:
        raise ValueError(f"y_true has the class {classes.tolist()} only: there is no ROC curve.")
    if len(classes) == 2:
        return area(shards, classes, 1, tol)
    if multi_class != "ovr":
        raise ValueError(
            f"y_true has {len(classes)} classes and multi_class={multi_class!r}; of Dask "
            "collections it must be 'ovr'."
        )
    areas = np.array([area(shards, classes, k, tol) for k in range(len(classes))])
    if average is None:
        return areas
    rates: WeightedMean = shards.map_reduce(_rates, classes)
    return float(np.average(areas, weights=rates.mean if average == "weighted" else None))


def area(shards: ShardedDataset, classes: np.ndarray, k: int, tol: float) -> float:
    """Of class k against the others, to `tol`."""
    found: RankWeights = shards.map_reduce(rank_weights, classes, k, ALL_BITS - BITS, None)
    pairs = found.positive.sum() * found.negative.sum()
    if pairs == 0.0:
        raise ValueError(
            f"y_true has no rows (or no weight) of class {classes[k]!r}, or of no other class: "
            "there is no ROC curve."
        )
    settled, allowed = RankWeights.empty(), 2.0 * tol * pairs
    for shift in range(ALL_BITS - 2 * BITS, -1, -BITS):
        unclear = worst(found.ambiguous, allowed)
        allowed -= float(found.ambiguous[~unclear].sum())
        settled, closer = settled + found[~unclear], found.keys[unclear]
        found = RankWeights.empty()
        if not len(closer):
            break
        found = shards.map_reduce(rank_weights, classes, k, shift, closer)
    return float((settled + found).in_order / pairs)


def worst(ambiguous: np.ndarray, allowed: float) -> np.ndarray:
    """Mask of the largest entries, without which the sum is at most `allowed`."""
    order = np.argsort(ambiguous)
    rest = np.cumsum(ambiguous[order]) <= allowed
    mask = np.ones(len(ambiguous), bool)
    mask[order[rest]] = False
    return mask & (ambiguous > 0.0)


def rank_weights(
    shard: Shard, classes: np.ndarray, k: int, shift: int, within: np.ndarray | None
) -> RankWeights:
    """Of the rows of a shard, by their keys without the last `shift` bits.

    Parameters
    ----------
    within : ndarray of shape (B,), uint64, or None
        Keys of the round before; rows of other keys are left out.
    """
    z = np.asarray(shard.X, np.float64)
    z = z if z.ndim == 1 else z[:, 0 if z.shape[1] == 1 else k]
    if not np.isfinite(z).all():
        raise ValueError("y_score contains NaN or infinity.")
    keys = ordered_bits(z)
    weight, own = weights_of(shard), column_of(shard.y) == classes[k]
    if within is not None:
        inside = np.isin(cut(keys, shift + BITS), within)
        keys, weight, own = keys[inside], weight[inside], own[inside]
    return RankWeights.of(cut(keys, shift), weight * own, weight * ~own)


def cut(keys: np.ndarray, shift: int) -> np.ndarray:
    """Keys whose last `shift` bits are 0."""
    return (keys >> np.uint64(shift)) << np.uint64(shift)


def _rates(shard: Shard, classes: np.ndarray) -> WeightedMean:
    own = column_of(shard.y)[:, None] == classes
    probabilities(shard.X, len(classes))  # as many columns as classes, or an error
    return mean_of(own.astype(np.float64), weights_of(shard))
