# SPDX-License-Identifier: BSD-3-Clause
"""Which solver a linear machine with the hinge takes, by rows, columns and entries."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skdist.solvers.choose_solver import Choice
from skdist.solvers.hinge_dual_ascent import ascent_rounds, program_operations

# Columns up to which programs of the interior point method, and rows up to which all of them, are
# solved at all; and operations above which coordinate ascent is tried first: below, loading what
# it needs may take as long as the fit.
MOST_COLUMNS, FEW_ROWS, FEW_OPERATIONS = 2_000, 2_000, 2e10

WAITING = {"cocoa", "dual_ascent"}  # solvers whose shards wait for each other


def choose_hinge_solver(solver: str, n: int, p: int, entries: Callable[[], float]) -> Choice:
    """The solver of n rows and p columns.

    Parameters
    ----------
    solver : str
        What was asked for, or "auto".
    n, p : int
    entries : callable
        Counts what the rows hold; called where that decides. inf keeps to the interior point
        method.
    """
    if solver != "auto":
        return Choice(solver, f"solver={solver!r} was asked for.")
    if p > MOST_COLUMNS and n > FEW_ROWS:
        return Choice("cocoa", f"cocoa: programs of {p:,} columns would be too large.")
    size = f"programs of {p:,} columns or {n:,} rows"
    n_entries = entries() if program_operations(n, p) > FEW_OPERATIONS else np.inf
    if ascent_rounds(n, p, n_entries):
        why = f"dual_ascent: {n_entries:,.0f} entries are few, and {size} take long."
        return Choice("dual_ascent", why)
    return Choice("interior_point", f"interior_point: {size}.")
