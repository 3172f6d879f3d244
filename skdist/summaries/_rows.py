# SPDX-License-Identifier: BSD-3-Clause
"""Rows, dense or sparse, whose merge is to put one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import issparse, vstack


def stacked(pieces: Sequence[Any]) -> Any:
    """Rows one below the other, CSR where any are."""
    if any(map(issparse, pieces)):
        return vstack(pieces, format="csr")
    return np.concatenate(pieces)


def dense(X: Any) -> Any:
    """Rows as an array."""
    return X.toarray() if issparse(X) else X


def bytes_of(X: Any) -> int:
    """Memory of the entries of rows, and of their columns where they are sparse."""
    return int(X.nnz * (X.dtype.itemsize + 4) if issparse(X) else X.nbytes)
