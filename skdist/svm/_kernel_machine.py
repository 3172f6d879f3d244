# SPDX-License-Identifier: BSD-3-Clause
"""What all kernel machines share: from the rows to a solved dual problem, in five steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from skdist._estimator import SHARDING, Stopwatch
from skdist._local_fit import fit_locally
from skdist._rows import Intake, encode_rows
from skdist._sklearn import StrOptions
from skdist.sharding import Shard, is_dask, one_blas_thread
from skdist.summaries import EntryMoments, SupportVectors
from skdist.svm._decide import KernelPrediction
from skdist.svm._expose import expose, table_of, vectors_at
from skdist.svm._report import report_of, warn_of_the_gap

# With nu a sum over all rows is kept, which shards do not have apart: no cascade.
OURS_WITH_NU = {**SHARDING, "strategy": [StrOptions({"auto", "parallel"})]}
OURS = {**SHARDING, "strategy": [StrOptions({"auto", "parallel", "cascade"})]}


@dataclass(frozen=True, eq=False)
class Targets:
    """What the driver holds of every row, and what it knows of rows that are not there any more.

    Parameters
    ----------
    y : ndarray of shape (n,), float64
        Targets, or numbers of classes.
    weight : ndarray of shape (n,), float64
    mass, n_rows : ndarray of shape (K,), or (1,) where there are no classes
        Weight and number of all rows of each class. These rows can be the support vectors of more.
    far : bool, default=False
        Whether the rows are a Dask collection's, so that rounds are dear.
    """

    y: np.ndarray
    weight: np.ndarray
    mass: np.ndarray
    n_rows: np.ndarray
    far: bool = False


class KernelMachine(KernelPrediction):
    """Mixin in front of scikit-learn's class; a machine says which problems it solves."""

    _intake = Intake(dtypes=(np.float64,))

    def _fit(self, X, y, sample_weight, *, shard=False, classes=None):
        self._kept = None
        why = self._left_to_scikit_learn()
        if why is not None:
            self._fit_by_libsvm(X, y, sample_weight, classes, why)
            return
        watch = Stopwatch()
        rows = self._encode(X, y, sample_weight, classes)
        targets, entries = gathered(rows, far=is_dask(X)), self._look_at_entries(rows)
        watch.lap("prepare")
        self._fit_rows(rows, targets, self._width_of(entries, rows.n_features), watch)
        if shard:
            self._kept = self._worth_keeping(rows, targets, entries)
        self._print_report()

    def _fit_rows(self, rows, targets, gamma, watch):
        """Solve, and expose what was found."""
        from skdist.kernels.kernel_function import KernelFunction

        self._gamma = gamma
        kernel = KernelFunction(self.kernel, float(gamma), self.degree, float(self.coef0))
        with one_blas_thread():
            solved = self._solve(rows, targets, kernel)
        watch.lap("solve")
        self._learn(rows, targets)
        codes = None if rows.classes is None else targets.y
        table = table_of(solved.expansions, codes, 0 if codes is None else len(rows.classes))
        expose(self, table, vectors_at(rows.shards, table.rows), solved.expansions)
        self.n_iter_ = self._num_iter if codes is not None else self._num_iter.item()
        self.shape_fit_ = (rows.n_samples, rows.n_features)
        self.n_shards_ = rows.shards.n_shards
        watch.lap("expose")
        self.report_ = report_of(rows, solved, len(table.rows), watch)
        warn_of_the_gap(solved.expansions, self.tol, self.max_iter)

    def _left_to_scikit_learn(self):
        """Why scikit-learn's own fit is run, None if it is not."""
        if callable(self.kernel):
            return "a callable kernel is computed by scikit-learn's own fit."
        if self.kernel == "precomputed":
            return "kernel='precomputed' is scikit-learn's own fit."
        return None

    def _fit_by_libsvm(self, X, y, sample_weight, classes, why):
        if classes is not None:
            raise ValueError(
                f"classes={classes!r} was given, but {why} That cannot be told of classes that y "
                "lacks. Choose one of the kernels 'linear', 'poly', 'rbf', 'sigmoid'."
            )
        fit_locally(self, self._fit_plainly, X, y, sample_weight, why)

    def _encode(self, X, y, sample_weight, classes):
        """The rows, in shards."""
        return encode_rows(
            self,
            X,
            y,
            at_least_zero(sample_weight),
            intake=self._intake,
            n_shards=self.n_shards,
            n_jobs=self.n_jobs,
        )

    def _learn(self, rows, targets):
        """Set what is known before a problem is solved."""

    def _look_at_entries(self, rows):
        """Mean and variance of the entries of X, where the kernel's width is made of them."""
        if self.gamma != "scale":
            return EntryMoments.empty()
        return reduce(add, rows.shards.map(entries_of))

    def _width_of(self, entries, n_features):
        """gamma, as scikit-learn reads it."""
        if self.gamma == "scale":
            return 1.0 / (n_features * entries.variance) if entries.variance else 1.0
        return 1.0 / n_features if self.gamma == "auto" else self.gamma

    def _worth_keeping(self, rows, targets, entries):
        """The support vectors, with what a merge asks of them."""
        own = self._rows_to_keep(targets)
        return SupportVectors(
            vectors_at(rows.shards, own),
            targets.y[own],
            targets.weight[own],
            rows.classes,
            targets.mass,
            targets.n_rows,
            entries,
        )

    def _rows_to_keep(self, targets):
        return self.support_.astype(np.intp)

    @property
    def _limits(self):
        """How far a problem is solved, and with how much memory."""
        return {
            "tol": float(self.tol),
            "max_iter": int(self.max_iter),
            "cache_size": float(self.cache_size),
            "shrinking": bool(self.shrinking),
        }


def at_least_zero(sample_weight):
    """The weights, those below 0 taken for 0, as libsvm does; a Dask collection remains one."""
    if sample_weight is None:
        return None
    weight = sample_weight if is_dask(sample_weight) else np.asarray(sample_weight, np.float64)
    return weight.clip(0, None)


def gathered(rows, far):
    """Targets and weights of all rows; one round, 16 bytes a row come up."""
    pieces = rows.shards.map(targets_of)
    y, weight = (np.concatenate(column) for column in zip(*pieces, strict=True))
    n_classes = 1 if rows.classes is None else len(rows.classes)
    of_one = np.zeros(len(y), np.intp) if rows.classes is None else y.astype(np.intp)
    mass = np.bincount(of_one, weight, n_classes)
    n_rows = np.bincount(of_one, minlength=n_classes).astype(np.float64)
    return Targets(y, weight, mass, n_rows, far)


def targets_of(shard: Shard):
    """y and the weights of a shard."""
    given = shard.sample_weight
    return np.asarray(shard.y), np.ones(shard.n_rows) if given is None else np.asarray(given)


def entries_of(shard: Shard) -> EntryMoments:
    """The moments of a shard's entries."""
    return EntryMoments.of_rows(shard.X)
