# SPDX-License-Identifier: BSD-3-Clause
"""Plans of pipelines and of transformers that are put together: those of their parts, added up.

What a part is given is what those before it make of the rows. How many columns that has, and which
of them are zero, is seen on the first rows: parts are fitted to 1,000 of them, here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import singledispatch
from types import NoneType
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.validation import validate_data

from skdist._config import DEFAULTS, holding
from skdist._plan import Shape, Sketch, is_planned, one_plan, shape_of
from skdist._plan_text import parts_as_text
from skdist._planned_fit import Plan
from skdist._sklearn import chosen_columns, some_of
from skdist.sharding import first_rows, in_this_thread, is_dask, place_of

FEW = 1_000
SEEN = f"Columns that steps make are those they made of the first {FEW:,} rows."


@dataclass(frozen=True)
class PlanOfParts:
    """What :func:`plan` found of an estimator made of others; ``print`` it, or ask for its parts.

    Parameters
    ----------
    estimator : str
        Its class.
    shape : Shape
        Of what it is given.
    parts : dict of Plan
        By name; of a pipeline inside another, ``outer.inner``.
    """

    estimator: str
    shape: Shape
    parts: dict[str, Plan]

    method = "parts"
    strategy = "parts"

    @property
    def n_shards(self) -> int:
        """Pieces of the rows, the most of any part."""
        return max((part.n_shards for part in self.parts.values()), default=1)

    @property
    def rounds(self) -> tuple[int, int]:
        """Fewest and most, of all parts together."""
        each = [part.rounds for part in self.parts.values()]
        return sum(few for few, _ in each), sum(many for _, many in each)

    @property
    def bytes_moved(self) -> tuple[int, int]:
        """Down and up together, of the fewest and of the most rounds."""
        each = [part.bytes_moved for part in self.parts.values()]
        return sum(few for few, _ in each), sum(many for _, many in each)

    @property
    def worker_memory(self) -> int:
        """Bytes that the process of a task would hold, at most: parts are fitted one by one."""
        return max((part.worker_memory for part in self.parts.values()), default=0)

    @property
    def driver_memory(self) -> int:
        """Bytes that this process would hold, at most."""
        return max((part.driver_memory for part in self.parts.values()), default=0)

    @property
    def fits(self) -> bool:
        """Whether workers and driver have the memory for every part."""
        return all(part.fits for part in self.parts.values())

    @property
    def seconds(self) -> tuple[float, float]:
        """On one core without rounds, and here: nominal, of the fewest rounds."""
        each = [part.seconds for part in self.parts.values()]
        return sum(alone for alone, _ in each), sum(here for _, here in each)

    @property
    def pays(self) -> bool:
        """Whether workers shorten the fit, or make it possible at all."""
        alone, here = self.seconds
        return here < alone or (self.shape.is_collection and self.fits)

    @property
    def why(self) -> tuple[str, ...]:
        """Reasons, each with the name of its part."""
        return (SEEN, *(f"{k}: {why}" for k, part in self.parts.items() for why in part.why))

    def __str__(self) -> str:
        return parts_as_text(self)


@dataclass(frozen=True)
class Given:
    """What a part is given.

    Parameters
    ----------
    shape : Shape
    X, y : the first rows
    lazily : Dask collection or None
        Some of those the rows come from, where they do.
    """

    shape: Shape
    X: Any
    y: Any
    lazily: Any

    def looking_like(self, X: Any) -> Given:
        """The same rows as others, of which the first are X."""
        n, shape = X.shape[0], self.shape
        d = 1 if len(X.shape) == 1 else X.shape[1]
        sparse = issparse(X)
        entries = round(X.nnz / max(n, 1) * shape.n_samples) if sparse else shape.n_samples * d
        dtypes = set(X.dtypes) if hasattr(X, "dtypes") else {X.dtype}
        changed = replace(
            shape, n_features=d, entries=entries, is_sparse=sparse,
            itemsize=4 if dtypes == {np.dtype(np.float32)} else 8,
        )  # fmt: skip
        return replace(self, shape=changed, X=X)

    @property
    def container(self) -> Any:
        """Something like all rows, for who looks at what kind of thing they are, and how large."""
        if self.lazily is not None:
            return self.lazily
        size = self.shape.n_samples, self.shape.n_features
        return csr_matrix(size) if self.shape.is_sparse else np.broadcast_to(np.zeros(1), size)


def plan_of_parts(estimator: Any, X: Any, y: Any, sample_weight: Any) -> PlanOfParts:
    """See `skdist.plan`."""
    shape = shape_of(estimator, X, y, sample_weight)
    few_X, few_y = _first(X, y, shape)
    given = Given(shape, few_X, few_y, X if is_dask(X) else None)
    return PlanOfParts(type(estimator).__name__, shape, dict(_plans(estimator, "", given, y)))


def _first(X: Any, y: Any, shape: Shape) -> tuple[Any, Any]:
    """The first rows; of a collection those of a partition that has some."""
    if is_dask(X):
        k = next(k for k, n in enumerate(shape.partitions) if n)
        return tuple(first_rows([X, y], k, FEW))  # type: ignore[return-value]
    few = np.arange(min(FEW, shape.n_samples))
    return some_of(X, few), None if y is None else some_of(y, few)


@singledispatch
def _plans(step: Any, name: str, given: Given, y: Any) -> Iterator[tuple[str, Plan]]:
    """Name and plan of every part that is fitted by itself."""
    yield name or type(step).__name__, _plan_of_part(name, step, given, y)


@_plans.register(NoneType)
@_plans.register(str)
def _of_nothing(step: Any, name: str, given: Given, y: Any) -> Iterator[tuple[str, Plan]]:
    """Of what is passed through or dropped."""
    return iter(())


@_plans.register
def _of_pipeline(step: Pipeline, name: str, given: Given, y: Any) -> Iterator[tuple[str, Plan]]:
    for i, (inner, part) in enumerate(step.steps):
        yield from _plans(part, _below(name, inner), given, y)
        if i + 1 < len(step.steps):
            given = given.looking_like(_transformed(part, given))


@_plans.register
def _of_columns(
    step: ColumnTransformer, name: str, given: Given, y: Any
) -> Iterator[tuple[str, Plan]]:
    own = clone(step)
    validate_data(own, given.X, skip_check_array=True)  # for the names of columns
    for inner, part, columns, _ in chosen_columns(own, given.X):
        some = given.looking_like(some_of(given.X, columns, axis=1))
        yield from _plans(part, _below(name, inner), some, y)


@_plans.register
def _of_union(step: FeatureUnion, name: str, given: Given, y: Any) -> Iterator[tuple[str, Plan]]:
    for inner, part in step.transformer_list:
        yield from _plans(part, _below(name, inner), given, y)


def _below(name: str, inner: str) -> str:
    return f"{name}.{inner}" if name else inner


def _transformed(step: Any, given: Given) -> Any:
    """What a step makes of the first rows."""
    if step is None or isinstance(step, str):
        return given.X
    with warnings.catch_warnings(), in_this_thread(), holding(DEFAULTS):
        warnings.simplefilter("ignore")  # of few rows
        return clone(step).fit(given.X, given.y).transform(given.X)


def _plan_of_part(name: str, step: Any, given: Given, y: Any) -> Plan:
    if is_planned(step):
        return one_plan(step, given.shape, given.container, y)
    kind = type(step).__name__
    if given.lazily is not None:
        raise TypeError(
            f"X is a Dask collection, which {kind}, the step {name!r}, would gather. Take one of "
            "skdist's, or compute() X."
        )
    why = f"{kind} is scikit-learn's."
    alone = Sketch("scikit-learn", "local", 1, (0, 0), (why,), local=True)
    return Plan(kind, given.shape, place_of(False, None), alone)
