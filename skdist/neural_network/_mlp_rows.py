# SPDX-License-Identifier: BSD-3-Clause
"""From what the user passed to `fit` to the shards that a network is trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import assert_all_finite

from skdist._labels import check_weights
from skdist._report import ShardFacts
from skdist._rows import Intake, encode_rows
from skdist._shard_classes import all_classes, knowing
from skdist._shard_table import shard_table
from skdist._sklearn import check_sample_weight, network_input, network_knows
from skdist.kernels.mlp_inputs import entries_beside, skips, usual_values
from skdist.sharding import Shard, ShardedDataset, is_dask, shard_rows
from skdist.solvers.target_facts import target_facts
from skdist.summaries import TargetFacts


@dataclass(frozen=True, eq=False)
class Given:
    """Validated rows, in memory (X, y, weight) or of a collection (shards).

    y holds numbers of classes where there are more than two; else outputs, one or more columns.
    """

    n_features: int
    n_outputs: int
    dtype: Any
    X: Any = None
    y: Any = None
    weight: Any = None
    shards: ShardedDataset | None = None
    facts: tuple[TargetFacts, ...] = ()

    @property
    def n_samples(self) -> int:
        """Rows, those to be held out included."""
        return int(self.X.shape[0]) if self.shards is None else self.shards.n_samples


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Shards to train on, and those held out.

    Parameters
    ----------
    shards : ShardedDataset
    held_out : ShardedDataset or None
    counts : tuple of int
        Rows to train on of every shard.
    weight : float
        Of the rows to train on.
    table : tuple of ShardFacts
    usual : ndarray of shape (d,), optional
        What the entries of shards that were made sparse are counted from, if not from zero.
    """

    shards: ShardedDataset
    held_out: ShardedDataset | None
    counts: tuple[int, ...]
    weight: float
    table: tuple[ShardFacts, ...]
    usual: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        """To train on."""
        return sum(self.counts)

    @property
    def starts(self) -> tuple[int, ...]:
        """Number of the first row of every shard, and at the end of all."""
        return (0, *np.cumsum(self.counts).tolist())


def validated(mlp: Any, X: Any, y: Any, sample_weight: Any, how: Any) -> Given:
    """Check X, y and weights; sets the number of features, their names, and the classes.

    Parameters
    ----------
    mlp : DistributedMLPClassifier or DistributedMLPRegressor
    X, y, sample_weight : as they came
    how : Fit
    """
    if is_dask(X):
        return _of_collection(mlp, X, y, sample_weight, how)
    told = how.classes is not None
    if told:
        classes = all_classes(np.unique(np.asarray(y)), how.classes)
        if how.first:
            network_knows(mlp, classes)
        elif not np.array_equal(classes, mlp.classes_):
            raise ValueError(
                f"classes={classes.tolist()} was given with warm_start to a network of the classes "
                f"{mlp.classes_.tolist()}. Leave it out, or set warm_start=False."
            )
    X, y = network_input(mlp, X, y, incremental=how.incremental, reset=how.first, may_lack=told)
    weight = None
    if sample_weight is not None:
        weight = check_sample_weight(sample_weight, X)
        check_weights(weight)
    X = X.tocsr() if issparse(X) else np.ascontiguousarray(X)
    if not is_classifier(mlp):  # None among objects, of which scikit-learn's own check makes NaN
        assert_all_finite(y, input_name="y")
    if y.ndim == 1:
        y = y[:, None]
    n_outputs = y.shape[1]
    return Given(X.shape[1], n_outputs, X.dtype, X, _codes(mlp, y, X.dtype), weight)


def _codes(mlp: Any, y: np.ndarray, dtype: Any) -> np.ndarray:
    """y (n, K): one column of class numbers of several classes; outputs of anything else."""
    if not is_classifier(mlp):
        return np.squeeze(y.astype(dtype), axis=1) if y.shape[1] == 1 else y.astype(dtype)
    if n_classes_of(mlp) > 2:
        return y.argmax(axis=1).astype(dtype)
    return y[:, 0] if y.shape[1] == 1 else y


def n_classes_of(mlp: Any) -> int:
    """K of a classifier of one label per row; 0 of regression and of several labels."""
    if not is_classifier(mlp) or mlp._label_binarizer.y_type_.startswith("multilabel"):
        return 0
    return len(mlp.classes_)


def _of_collection(mlp: Any, X: Any, y: Any, sample_weight: Any, how: Any) -> Given:
    known = {}
    if not how.first:
        names = ("n_features_in_", "feature_names_in_")
        known = {name: vars(mlp)[name] for name in names if name in vars(mlp)}
    classify = is_classifier(mlp)
    rows = encode_rows(
        mlp,
        X,
        y,
        sample_weight,
        intake=Intake(classify=classify, multi_output=not classify),
        n_shards=mlp.n_shards,
        n_jobs=mlp.n_jobs,
    )
    if known and known["n_features_in_"] != rows.n_features:
        raise ValueError(
            f"X has {rows.n_features} features, but {type(mlp).__name__} is expecting "
            f"{known['n_features_in_']} features as input."
        )
    vars(mlp).update(known)
    n_outputs = 1
    if classify:
        classes = how.classes
        if not how.first or (how.incremental and "classes_" in vars(mlp)):
            classes = mlp.classes_
        rows = knowing(rows, classes)
        network_knows(mlp, rows.classes)
        n_outputs = 1 if len(rows.classes) == 2 else len(rows.classes)
    width = _first_width(mlp) if rows.shards.n_shards > 1 else 0
    as_trained = AsTrained(rows.dtype, classify and len(rows.classes) == 2, width)
    shards = rows.shards.kept_through(as_trained)
    if not classify:
        n_outputs = max(shards.map(_n_outputs))
    return Given(rows.n_features, n_outputs, rows.dtype, shards=shards, facts=tuple(rows.facts))


def _n_outputs(shard: Shard) -> int:
    return 1 if shard.y.ndim == 1 else int(shard.y.shape[1])


@dataclass(frozen=True)
class AsTrained:
    """``shard -> shard``: y and weights in the dtype of the network; two classes as booleans.

    Rows that are mostly zeros become sparse, if `width`, of the first layer, is not 0.
    """

    dtype: Any
    two_classes: bool
    width: int = 0

    def __call__(self, shard: Shard) -> Shard:
        X, weight = shard.X, shard.sample_weight
        if self.width and skips(X, 0, self.width):
            X = entries_beside(X, np.arange(X.shape[0]), np.zeros(X.shape[1]))
        return replace(
            shard,
            X=X,
            y=shard.y.astype(bool if self.two_classes else self.dtype),
            sample_weight=None if weight is None else weight.astype(self.dtype),
        )


def _first_width(mlp: Any) -> int:
    """Units of the first hidden layer; 1, for which no zeros are skipped, where there is none."""
    return int(next(iter(np.ravel(mlp.hidden_layer_sizes)), 1))


def training_rows(mlp: Any, given: Given, n_shards: int, deal: bool, rng: Any) -> TrainingRows:
    """Shards of the rows, those held out for early stopping taken out.

    Rows in memory are split by scikit-learn's own draw; of a collection each partition holds out
    its share.

    Parameters
    ----------
    mlp : the estimator
    given : Given
    n_shards : int
        Of rows in memory.
    deal : bool
        Whether rows in memory are dealt to the shards at random.
    rng : RandomState
    """
    stops_early = mlp.early_stopping and mlp.solver != "lbfgs"
    if given.shards is not None:
        return _split_collection(mlp, given, stops_early, rng)
    rows, out = np.arange(given.X.shape[0]), None
    if stops_early:
        stratify = given.y if is_classifier(mlp) and given.n_outputs == 1 else None
        rows, out = train_test_split(
            rows, random_state=rng, test_size=mlp.validation_fraction, stratify=stratify
        )
        _check_held_out(len(out))
    if deal:
        rows = rows[np.random.default_rng(rng.randint(2**31)).permutation(len(rows))]
    if n_shards > len(rows):
        raise ValueError(
            f"n_shards={n_shards} is more than there are rows to train on, n_samples={len(rows)}; "
            "take fewer shards, or None."
        )
    usual = _usual_if_many(given.X, _first_width(mlp)) if n_shards > 1 else None
    shards = _cut(mlp, given, rows, n_shards, usual)
    held_out = None if out is None else _cut(mlp, given, out, min(n_shards, len(out)), usual)
    counts = tuple(len(own) for own in shards.rows)
    facts = []
    if shards.map(_n_outputs)[0] == 1:
        facts = target_facts(shards, n_classes_of(mlp))
    weight = float(len(rows) if given.weight is None else given.weight[rows].sum())
    table = shard_table(shards.rows, facts)
    from_zero = usual is None or not usual.any()
    return TrainingRows(shards, held_out, counts, weight, table, None if from_zero else usual)


def _usual_if_many(X: Any, width: int) -> np.ndarray | None:
    """The usual values of the columns, if so many entries are usual that it pays to skip them."""
    if issparse(X):
        return None
    usual = usual_values(X)
    return usual if skips(X, usual, width) else None


def _cut(
    mlp: Any, given: Given, rows: np.ndarray, n_shards: int, usual: np.ndarray | None
) -> ShardedDataset:
    X, y, weight = given.X, given.y, given.weight
    picked = len(rows) < X.shape[0] or bool((np.diff(rows) != 1).any())
    if picked:
        y, weight = y[rows], None if weight is None else weight[rows]
    if usual is not None:
        X = entries_beside(X, rows, usual)
    elif picked:
        X = X[rows]
    return shard_rows(X, y, weight, n_shards=n_shards, n_jobs=mlp.n_jobs)


def _split_collection(mlp: Any, given: Given, stops_early: bool, rng: Any) -> TrainingRows:
    shards, held_out = given.shards, None
    if stops_early:
        split = HoldOut(float(mlp.validation_fraction), int(rng.randint(2**31)))
        held_out = shards.kept_through(replace(split, held_out=True))
        shards = shards.kept_through(split)
        _check_held_out(sum(held_out.map(_n_rows)))
    counts = tuple(shards.map(_n_rows))
    weight = float(sum(shards.map(_weight)))
    return TrainingRows(shards, held_out, counts, weight, shard_table(shards.rows, given.facts))


def _check_held_out(n_rows: int) -> None:
    if n_rows < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )


def _n_rows(shard: Shard) -> int:
    return int(shard.X.shape[0])


def _weight(shard: Shard) -> float:
    return float(shard.X.shape[0] if shard.sample_weight is None else shard.sample_weight.sum())


@dataclass(frozen=True)
class HoldOut:
    """``shard -> shard``: the rows to train on, or those held out; drawn by (seed, shard)."""

    fraction: float
    seed: int
    held_out: bool = False

    def __call__(self, shard: Shard) -> Shard:
        n = shard.X.shape[0]
        drawn = np.random.default_rng((self.seed, shard.index)).permutation(n)
        n_out = int(np.ceil(self.fraction * n))
        rows = np.sort(drawn[:n_out] if self.held_out else drawn[n_out:])
        weight = shard.sample_weight
        return replace(
            shard,
            X=shard.X[rows],
            y=shard.y[rows],
            sample_weight=None if weight is None else weight[rows],
        )
