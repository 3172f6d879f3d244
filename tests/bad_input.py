# SPDX-License-Identifier: BSD-3-Clause
"""Rows that nobody should pass to a fit, by the name of what is wrong with them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

ROWS = 12
COLUMNS = 3
HUGE = 1e300
DENORMAL = 5e-324


@dataclass(frozen=True)
class Case:
    """What one fit is given: flaws of X, y and weights by name, and shards in words."""

    X: str = "good"
    y: str = "good"
    weight: str = "none"
    shards: str = "default"
    classify: bool = False


def good_rows(classify):
    """X (12, 3) and y that every estimator fits: positive targets, or two classes."""
    random = np.random.default_rng(0)
    X = random.normal(size=(ROWS, COLUMNS))
    y = np.arange(ROWS) % 2 if classify else 1.0 + random.random(ROWS)
    return X, y


def _with(array, index, value):
    changed = array.astype(np.float64)
    changed[index] = value
    return changed


def _with_object(array, index, value):
    changed = array.astype(object)
    changed[index] = value
    return changed


FLAWS_OF_X = {
    "good": lambda X: X,
    "float32": lambda X: X.astype(np.float32),
    "int8": lambda X: (10 * X).astype(np.int8),
    "bool": lambda X: X > 0,
    "complex": lambda X: X + 1j,
    "list": lambda X: X.tolist(),
    "CSR": lambda X: csr_matrix(np.where(X > 0, X, 0)),
    "CSR with NaN": lambda X: csr_matrix(_with(X, (2, 0), np.nan)),
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "read-only": lambda X: _read_only(X),
    "NaN": lambda X: _with(X, (3, 1), np.nan),
    "column of NaN": lambda X: _with(X, (slice(None), 1), np.nan),
    "inf": lambda X: _with(X, (5, 2), np.inf),
    "huge": lambda X: _with(X, (4, 0), HUGE),
    "all huge": lambda X: X * HUGE,
    "huge as float32": lambda X: _with(X, (4, 0), 3e38).astype(np.float32),
    "denormal": lambda X: np.full_like(X, DENORMAL),
    "a denormal column": lambda X: _with(X, (slice(None), 0), DENORMAL),
    "duplicates": lambda X: np.repeat(X[:1], len(X), axis=0),
    "constant column": lambda X: _with(X, (slice(None), 1), 7.0),
    "zeros": np.zeros_like,
    "1-D": lambda X: X[:, 0],
    "3-D": lambda X: X[:, :, np.newaxis],
    "scalar": lambda X: 1.0,
    "None": lambda X: None,
    "no rows": lambda X: X[:0],
    "one row": lambda X: X[:1],
    "no columns": lambda X: X[:, :0],
    "fewer rows": lambda X: X[:-1],
    "ragged": lambda X: [*X[:-1].tolist(), [1.0]],
    "strings": lambda X: np.full(X.shape, "a"),
    "numbers as strings": lambda X: X.astype(str),
    "objects that are numbers": lambda X: X.astype(object),
    "mixed": lambda X: _with_object(X, (1, 1), "a"),
    "with None": lambda X: _with_object(X, (1, 1), None),
    "with a dict": lambda X: _with_object(X, (1, 1), {}),
}
FLAWS_OF_Y = {
    "good": lambda y: y,
    "list": lambda y: y.tolist(),
    "constant": np.ones_like,
    "zeros": np.zeros_like,
    "NaN": lambda y: _with(y, 3, np.nan),
    "inf": lambda y: _with(y, 3, np.inf),
    "huge": lambda y: _with(y, 3, HUGE),
    "denormal": lambda y: np.where(y > y.min(), DENORMAL, 2 * DENORMAL),
    "negative": lambda y: -y,
    "strings": lambda y: np.where(y > y.mean(), "yes", "no"),
    "mixed": lambda y: _with_object(y, 2, "a"),
    "with None": lambda y: _with_object(y, 2, None),
    "objects": lambda y: y.astype(object),
    "one of its own": lambda y: np.where(np.arange(len(y)) == 2, 5, 1),
    "all different": lambda y: np.arange(len(y)),
    "fractions": lambda y: y + 0.5,
    "longer": lambda y: np.append(y, y[:1]),
    "no rows": lambda y: y[:0],
    "a column": lambda y: y[:, np.newaxis],
    "two columns": lambda y: np.column_stack([y, y]),
    "3-D": lambda y: y[:, np.newaxis, np.newaxis],
    "None": lambda y: None,
}
FLAWS_OF_WEIGHTS = {
    "none": lambda n: None,
    "ones": np.ones,
    "zeros": np.zeros,
    "some zeros": lambda n: np.arange(n) % 3 * 1.0,
    "one row counts": lambda n: (np.arange(n) == 0) * 1.0,
    "negative": lambda n: _with(np.ones(n), -1, -0.5) if n else np.ones(n),
    "all negative": lambda n: -np.ones(n),
    "NaN": lambda n: np.full(n, np.nan),
    "inf": lambda n: np.full(n, np.inf),
    "huge": lambda n: np.full(n, HUGE),
    "denormal": lambda n: np.full(n, DENORMAL),
    "longer": lambda n: np.ones(n + 1),
    "2-D": lambda n: np.ones((n, 1)),
    "strings": lambda n: np.full(n, "a"),
    "scalar": lambda n: 2.0,
}
SHARDS = {
    "default": lambda n: None,
    "1": lambda n: 1,
    "2": lambda n: 2,
    "some": lambda n: max(1, n // 3),
    "one per row": lambda n: max(1, n),
    "more than rows": lambda n: n + 1,
}


def _read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def n_rows(X):
    """How many rows X has, as far as it has any."""
    return X.shape[0] if getattr(X, "shape", ()) else len(X) if isinstance(X, list) else 0


def data_of(case):
    """X, y, weights and n_shards of a case."""
    X, y = good_rows(case.classify)
    X, y = FLAWS_OF_X[case.X](X), FLAWS_OF_Y[case.y](y)
    n = n_rows(X)
    if case.X in ("one row", "no rows") and case.y != "longer":
        y = y if y is None else y[:n]
    return X, y, FLAWS_OF_WEIGHTS[case.weight](n), SHARDS[case.shards](n)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a call came to: a value, or an error."""

    value: Any = None
    error: Exception | None = None

    @property
    def works(self):
        """Whether nothing was raised."""
        return self.error is None


def outcome(function, *args, **kwargs):
    """Call and catch."""
    try:
        return Outcome(function(*args, **kwargs))
    except Exception as error:
        return Outcome(error=error)
