# SPDX-License-Identifier: BSD-3-Clause
"""Adding the same to all classes: the shift of least penalty, and subgradients that see none."""

import numpy as np
import pytest

from skdist.solvers.class_shift import balanced_subgradient, best_shift

RNG = np.random.default_rng(0)


def penalty(w, l1, l2):
    return l1 * np.abs(w).sum(axis=0) + 0.5 * l2 * np.square(w).sum(axis=0)


@pytest.mark.parametrize("n_classes", [2, 3, 4, 7, 26])
@pytest.mark.parametrize(("l1", "l2"), [(1.0, 0.0), (1.0, 0.3), (0.1, 1e-9), (1.0, 50.0), (0.0, 1)])
def test_no_other_shift_has_a_lower_penalty(n_classes, l1, l2):
    w = RNG.normal(size=(n_classes, 9)) + 2.0 * RNG.normal(size=9)
    w[:, 0] = 0.0
    best = penalty(w + best_shift(w, l1, l2), l1, l2)
    for c in np.linspace(-6.0, 6.0, 2001):
        assert (best <= penalty(w + c, l1, l2) + 1e-12).all()


def test_of_an_odd_number_of_classes_the_median_becomes_exactly_0():
    w = RNG.normal(size=(5, 40))
    assert ((w + best_shift(w, 1.0, 0.0)) == 0.0).any(axis=0).all()


def test_what_is_best_is_not_shifted():
    w = np.array([[-3.0, 1.0], [-1.0, 0.0], [2.0, 0.0], [5.0, -9.0]])
    assert best_shift(w, 1.0, 0.0).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("n_classes", [2, 3, 4, 7])
@pytest.mark.parametrize("l2", [0.0, 0.4])
def test_after_the_best_shift_the_subgradient_sees_no_shift(n_classes, l2):
    l1 = np.array([1.0, 0.5, 2.0, 0.0])
    w = RNG.normal(size=(n_classes, 4))
    w[:, 1] *= RNG.random(n_classes) < 0.5
    w[:, 3] -= w[:, 3].mean()  # of no l1
    w[:, :3] += [best_shift(w[:, [j]], l1[j], l2)[0] for j in range(3)]
    smooth = RNG.normal(size=w.shape)
    smooth += l2 * w - smooth.mean(axis=0)  # a softmax, and the penalty
    s = balanced_subgradient(smooth, w, l1)
    np.testing.assert_allclose(s.sum(axis=0), 0.0, atol=1e-12)
    slope = s - smooth
    moved = w != 0.0
    np.testing.assert_allclose(slope[moved], (l1 * np.sign(w))[moved], atol=1e-15)
    assert (np.abs(slope) <= l1 + 1e-15).all()


def test_at_the_optimum_it_is_0():
    w = np.array([[1.0], [0.0], [-2.0]])
    smooth = np.array([[-0.7], [0.0], [0.7]])
    assert np.abs(balanced_subgradient(smooth, w, np.array([0.7]))).max() < 1e-15
