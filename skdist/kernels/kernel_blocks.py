# SPDX-License-Identifier: BSD-3-Clause
"""A kernel matrix of variables, in four parts: K = [[K_11, K_12], [K_21, K_22]]."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skdist.kernels.row_cache import add_rows


@dataclass(frozen=True, eq=False)
class KernelBlocks:
    """The matrix of q variables, the first p of which are apart from the others; p may be q.

    Parameters
    ----------
    parts : tuple of four ndarrays, float64 or float32
        Of shape (p, p), (p, q - p), (q - p, p) and (q - p, q - p).
    """

    parts: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

    def __len__(self) -> int:
        return len(self.parts[0]) + len(self.parts[3])

    @property
    def dtype(self) -> Any:
        """Of the entries."""
        return self.parts[0].dtype

    def diagonal(self) -> np.ndarray:
        """K_ss, (q,), float64."""
        ends = self.parts[0].diagonal(), self.parts[3].diagonal()
        return np.concatenate(ends, dtype=np.float64)

    def product(self, coef: np.ndarray) -> np.ndarray:
        """K @ coef, (q,), in float64, of the rows whose coefficients are not 0."""
        p, out = len(self.parts[0]), np.zeros(len(self))
        for half, c in enumerate((coef[:p], coef[p:])):
            ids = np.flatnonzero(c)
            add_rows(out[:p], self.parts[2 * half], ids, c[ids])
            add_rows(out[p:], self.parts[2 * half + 1], ids, c[ids])
        return out

    def of(self, rows: np.ndarray) -> "KernelBlocks":
        """The matrix of variables that stand for these rows; itself if that is all, in order."""
        if len(rows) == len(self) and np.array_equal(rows, np.arange(len(rows))):
            return self
        whole = np.block([[*self.parts[:2]], [*self.parts[2:]]])
        return in_one_part(np.ascontiguousarray(whole[np.ix_(rows, rows)]))


def in_one_part(K: np.ndarray) -> KernelBlocks:
    """A matrix of shape (q, q) as it is."""
    q, none = len(K), np.empty(0, K.dtype)
    return KernelBlocks((K, none.reshape(q, 0), none.reshape(0, q), none.reshape(0, 0)))
