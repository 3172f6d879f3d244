# SPDX-License-Identifier: BSD-3-Clause
"""Which solver is chosen, and that the reason says what decided."""

import pytest

from skdist.losses import Logistic, Multinomial
from skdist.solvers.choose_solver import SOLVERS, choose_solver
from skdist.solvers.linear_objective import LinearObjective


@pytest.mark.parametrize(
    ("objective", "is_sparse", "name"),
    [
        (LinearObjective(Logistic(), 1499), False, "newton"),
        (LinearObjective(Logistic(), 1500), False, "newton_cg"),
        (LinearObjective(Multinomial(26), 16), False, "newton"),
        (LinearObjective(Logistic(), 1000), True, "newton_cg"),
        (LinearObjective(Logistic(), 100), True, "newton"),
        (LinearObjective(Logistic(), 100, l1=1.0), True, "prox_newton"),
        (LinearObjective(Logistic(), 10_000, l1=1.0), True, None),
    ],
)
def test_the_solver_that_is_chosen(objective, is_sparse, name):
    choice = choose_solver("auto", objective, is_sparse=is_sparse)
    assert choice.name == name and (name is None or name in SOLVERS)
    assert f"{objective.shape[0] * objective.shape[1]:,} parameters" in choice.why
