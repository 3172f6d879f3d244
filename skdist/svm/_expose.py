# SPDX-License-Identifier: BSD-3-Clause
"""From expansions to scikit-learn's attributes, in libsvm's order: support vectors class by class,
each with one coefficient per opponent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix, issparse
from sklearn import get_config

from skdist.solvers.chosen_rows import rows_at
from skdist.solvers.kernel_expansion import KernelExpansion
from skdist.solvers.one_vs_one import pairs_of
from skdist.summaries import stacked

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Table:
    """The table of coefficients.

    Parameters
    ----------
    rows : ndarray of shape (S,), intp
        Numbers of the support vectors, class by class, ascending in each.
    coef : ndarray of shape (max(K - 1, 1), S), float64
    counts : ndarray of shape (K,), int32
        Support vectors of each class; (2,) with their number twice where there are no classes.
    """

    rows: NDArray[np.intp]
    coef: Floats
    counts: NDArray[np.int32]


def table_of(expansions: Sequence[KernelExpansion], codes: Floats | None, n_classes: int) -> Table:
    """Put the expansions of all pairs into one table.

    Parameters
    ----------
    expansions : sequence of KernelExpansion
        One per pair of classes, or one.
    codes : ndarray of shape (n,), or None
        Number of each row's class.
    n_classes : int
        0 where there are none.
    """
    rows = np.unique(np.concatenate([one.rows for one in expansions]))
    if codes is None:
        (one,) = expansions
        return Table(rows, one.coef[None, :], np.full(2, len(rows), np.int32))
    own = codes[rows].astype(np.intp)
    order = np.argsort(own, kind="stable")
    column = np.empty(len(rows), np.intp)
    column[order] = np.arange(len(rows))
    coef = np.zeros((n_classes - 1, len(rows)))
    for (i, j), one in zip(pairs_of(n_classes), expansions, strict=True):
        place = np.searchsorted(rows, one.rows)
        opponent = np.where(own[place] == i, j - 1, i)
        coef[opponent, column[place]] = one.coef
    return Table(rows[order], coef, np.bincount(own, minlength=n_classes).astype(np.int32))


def vectors_at(shards: Any, rows: NDArray[np.intp]) -> Any:
    """The rows of X, in the order of their numbers as given; one round, they come up."""
    order = np.argsort(rows)
    found = stacked(shards.map(rows_at, rows[order]))
    back = np.empty(len(rows), np.intp)
    back[order] = np.arange(len(rows))
    return found[back]


def expose(machine: Any, table: Table, vectors: Any, expansions: Sequence[KernelExpansion]) -> None:
    """Set what scikit-learn's fit sets, and what its predict reads.

    Raises
    ------
    ValueError
        scikit-learn's, if a coefficient or an intercept is not finite.
    """
    intercept = np.array([-one.offset for one in expansions])
    if not (np.isfinite(intercept).all() and np.isfinite(table.coef).all()):
        raise ValueError(
            "The dual coefficients or intercepts are not finite. The input data may contain large "
            "values and need to be preprocessed."
        )
    machine._sparse = issparse(vectors)
    machine.support_ = table.rows.astype(np.int32)
    machine.support_vectors_ = _as_configured(vectors) if issparse(vectors) else vectors
    machine._n_support = table.counts
    machine._probA, machine._probB = np.empty(0), np.empty(0)
    machine._effective_probability = False
    machine.fit_status_ = int(not all(one.converged for one in expansions))
    machine._num_iter = np.array([one.n_iter for one in expansions], np.int32)
    # libsvm's signs are kept for its own predict; of two classes the second is the positive one.
    flip = -1.0 if len(vars(machine).get("classes_", ())) == 2 else 1.0
    machine._intercept_, machine.intercept_ = intercept, flip * intercept
    machine._dual_coef_ = _like(vectors, table.coef)
    machine.dual_coef_ = machine._dual_coef_ if flip > 0 else -machine._dual_coef_


def _like(vectors: Any, coef: Floats) -> Any:
    """Coefficients as CSR where the vectors are, zeros stored: libsvm reads them as one array."""
    if not issparse(vectors):
        return np.ascontiguousarray(coef)
    k, n = coef.shape
    starts = np.arange(k + 1, dtype=np.int32) * n
    columns = np.tile(np.arange(n, dtype=np.int32), k)
    return _as_configured(csr_matrix((coef.ravel(), columns, starts), shape=(k, n)))


def _as_configured(X: Any) -> Any:
    """CSR as scikit-learn's own fit leaves it, with the short numbers that libsvm reads."""
    as_arrays = get_config().get("sparse_interface") == "sparray"
    X = csr_array(X) if as_arrays else csr_matrix(X)
    X.sort_indices()
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X
