# SPDX-License-Identifier: BSD-3-Clause
"""What a fit would do and what it would cost, before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from importlib import import_module
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from skdist._config import settings
from skdist._labels import distinct, find_classes
from skdist._planned_fit import Plan
from skdist._wire import check_wire
from skdist.sharding import Place, count_lengths, is_dask, place_of, shard_rows

HOOKS = {
    "decomposition": "skdist._plan_transformers",
    "ensemble": "skdist.ensemble._plan",
    "impute": "skdist._plan_transformers",
    "linear_model": "skdist.linear_model._plan",
    "neural_network._mlp": "skdist.neural_network._plan",
    "neural_network._torch": "skdist.neural_network._plan_torch",
    "preprocessing": "skdist._plan_transformers",
    "svm": "skdist.svm._plan",
}
PARTS = "skdist._plan_parts"


@dataclass(frozen=True)
class Shape:
    """What is known of the rows without fitting them.

    Parameters
    ----------
    n_samples, n_features : int
    n_classes : int
        0 where y are numbers.
    n_targets : int
        Columns of y.
    itemsize : int
        Bytes of an entry of X, as it is fitted: 4 of float32, else 8.
    entries : int
        Of X, that are stored: all, or those of a sparse matrix.
    is_sparse : bool
    partitions : tuple of int
        Rows of each partition of a Dask collection; empty of rows in memory.
    weighted : bool
    """

    n_samples: int
    n_features: int
    n_classes: int
    n_targets: int
    itemsize: int
    entries: int
    is_sparse: bool
    partitions: tuple[int, ...]
    weighted: bool

    @property
    def is_collection(self) -> bool:
        """Whether the partitions are the shards."""
        return bool(self.partitions)

    @property
    def x_bytes(self) -> int:
        """Of X."""
        return self.entries * (self.itemsize + 4 * self.is_sparse)

    @property
    def data_bytes(self) -> int:
        """Of X, y and the weights."""
        return self.x_bytes + 8 * self.n_samples * (max(self.n_targets, 1) + self.weighted)


@dataclass(frozen=True)
class Sketch:
    """What a family says of a fit: how often what travels, and what it takes.

    Parameters
    ----------
    method, strategy : str
        As in `report_`.
    n_shards : int
    rounds : tuple of int
        Fewest and most.
    why : tuple of str
    down, up : float
        Bytes of a round, per shard: what a task is told, and the summary it sends back.
    once_down, once_up : float
        Bytes besides the data and the rounds, in all.
    data : float
        Bytes of the rows, as they travel.
    worker, driver : float
        Bytes of memory besides the rows.
    operations : float
        Floating-point operations, at the fewest rounds.
    local : bool
        Whether scikit-learn's own fit is run, here.
    """

    method: str
    strategy: str
    n_shards: int
    rounds: tuple[int, int]
    why: tuple[str, ...] = ()
    down: float = 0.0
    up: float = 0.0
    once_down: float = 0.0
    once_up: float = 0.0
    data: float = 0.0
    worker: float = 0.0
    driver: float = 0.0
    operations: float = 0.0
    local: bool = False


def plan(estimator, X, y=None, sample_weight=None):
    """What a fit would do where it would run now, and what it would cost; nothing is fitted.

    The decisions are those of ``fit``, taken by the same functions of shapes. Bytes and memory are
    meant to be right within a factor of 2, seconds in their order of magnitude.

    Parameters
    ----------
    estimator : an estimator of skdist, or a pipeline or column transformer of them
    X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
    y : array-like or Dask collection, default=None
    sample_weight : array-like or Dask collection, default=None

    Returns
    -------
    plan : Plan or PlanOfParts
        `n_shards`, `method`, `strategy`, `rounds`, `bytes_moved`, `worker_memory` and
        `driver_memory`, `fits`, `pays`, `why`.

    Raises
    ------
    TypeError
        For an estimator that is none of skdist.

    Notes
    -----
    Of a pipeline or a column transformer the plan has one of each part, in `parts`, and adds them
    up. How many columns a step makes is seen by fitting it to the first 1,000 rows: one-hot
    encoders may meet more categories later.

    Of Dask collections y is looked at once, for its classes, and, where lengths are unknown, to
    count the rows; without y the partitions of X are computed once and counted.

    Examples
    --------
    >>> import numpy as np
    >>> import skdist
    >>> X, y = np.ones((100_000, 20)), np.arange(100_000) % 2
    >>> plan = skdist.plan(skdist.DistributedLogisticRegression(n_jobs=2), X, y)
    >>> plan.method, plan.n_shards, plan.fits
    ('newton', 6, True)
    """
    if isinstance(estimator, (Pipeline, ColumnTransformer, FeatureUnion)):
        return import_module(PARTS).plan_of_parts(estimator, X, y, sample_weight)
    if not is_planned(estimator):
        raise TypeError(
            f"A plan was asked for of {type(estimator).__name__}, which is no estimator of skdist. "
            "Pass one of skdist, or a pipeline of them."
        )
    return one_plan(estimator, shape_of(estimator, X, y, sample_weight), X, y)


def is_planned(estimator: Any) -> bool:
    """Whether it is an estimator of skdist that is fitted by itself."""
    return bool(_hooks(estimator))


def _hooks(estimator: Any) -> list[str]:
    """Modules in which its family says what it would do."""
    homes = [cls.__module__ for cls in type(estimator).__mro__]
    rooms = {f"skdist.{room}": hook for room, hook in HOOKS.items()}
    return [hook for room, hook in rooms.items() if any(home.startswith(room) for home in homes)]


def one_plan(estimator: Any, shape: Shape, X: Any, y: Any) -> Plan:
    """Of an estimator that is fitted by itself, to rows of this shape."""
    import_module(_hooks(estimator)[0])
    check_wire(estimator, settings().wire)
    place = place_of(shape.is_collection, getattr(estimator, "n_jobs", None))
    return Plan(type(estimator).__name__, shape, place, sketch_of(estimator, shape, place, X, y))


@singledispatch
def sketch_of(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """What a family says of a fit; families register their classes.

    X and y are for choosers that look at what kind of containers they are, not at their values.
    """
    raise TypeError(f"Nobody planned a fit of {type(estimator).__name__} yet.")


def shape_of(estimator: Any, X: Any, y: Any, sample_weight: Any) -> Shape:
    """The shape of the rows; counted once where a Dask collection does not know it."""
    lengths: tuple[int, ...] = ()
    if is_dask(X):
        lengths = tuple(count_lengths([X] if y is None else [X, y]))
        n_features, dtypes = len(X.columns) if hasattr(X, "columns") else X.shape[1], _dtypes(X)
    else:
        X = X if hasattr(X, "shape") else np.asarray(X)
        n_features, dtypes = X.shape[1] if len(X.shape) > 1 else 1, _dtypes(X)
    n = sum(lengths) or int(X.shape[0])
    sparse = issparse(X)
    return Shape(
        n_samples=n,
        n_features=n_features,
        n_classes=_n_classes(estimator, y),
        n_targets=1 if getattr(y, "ndim", 1) == 1 else int(y.shape[1]),
        itemsize=4 if dtypes == {np.dtype(np.float32)} else 8,
        entries=int(X.nnz) if sparse else n * n_features,
        is_sparse=sparse,
        partitions=lengths,
        weighted=sample_weight is not None,
    )


def _dtypes(X: Any) -> set[Any]:
    return set(X.dtypes) if hasattr(X, "dtypes") else {X.dtype}


def _n_classes(estimator: Any, y: Any) -> int:
    if y is None or not is_classifier(estimator):
        return 0
    if is_dask(y):
        return len(find_classes(shard_rows(y, y, n_shards=None)))
    y = np.asarray(y)
    return len(distinct(y)) if y.ndim == 1 else 0
