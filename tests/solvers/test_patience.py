# SPDX-License-Identifier: BSD-3-Clause
"""When a fit is stuck."""

import numpy as np

from skdist.solvers.patience import Patience


def after(patience, *merits):
    for merit in merits:
        patience = patience.after(np.atleast_1d(np.asarray(merit, float)))
    return patience


def test_stuck_after_rounds_without_a_gain():
    patience = Patience.begin(0.1, 2, 1)
    assert not after(patience, 1.0, 1.05).stuck[0]
    assert after(patience, 1.0, 1.05, 1.09).stuck[0]


def test_small_gains_move_the_mark():
    """As in scikit-learn: the best is the best, whether or not it was better by `tol`."""
    patience = after(Patience.begin(0.1, 3, 1), 1.0, 1.09)
    assert patience.best[0] == 1.09
    assert patience.stale[0] == 1
    assert after(patience, 1.18).stale[0] == 2
    assert after(patience, 1.2).stale[0] == 0


def test_each_problem_has_its_own():
    patience = after(Patience.begin(0.0, 2, 2), [1.0, 1.0], [0.9, 2.0], [0.8, 3.0])
    assert patience.stuck.tolist() == [True, False]
    assert patience.forgive(np.array([True, False])).stale.tolist() == [0, 0]


def test_without_a_tolerance_nothing_is_stuck():
    assert not after(Patience.begin(None, 1, 1), 3.0, 2.0, 1.0).stuck[0]
