# SPDX-License-Identifier: BSD-3-Clause
"""Newton with merged Hessians: scikit-learn's optimum, however the rows are cut, and its bound."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from smooth_problems import (
    HINGE,
    HUBER,
    PROBLEMS,
    D,
    Serial,
    best,
    best_squared_hinge,
    cut,
    objective_of,
    rows,
    signed,
    strengths,
    two_classes,
    value,
    weights_of,
)

from skdist.losses import Logistic, Multinomial, Poisson
from skdist.solvers.linear_objective import LinearObjective, curvature_of, gradient_of
from skdist.solvers.newton import newton

X, _ = rows()
every_problem = pytest.mark.parametrize("name", PROBLEMS)


@pytest.mark.parametrize(
    ("name", "l2"), [(name, l2) for name in PROBLEMS for l2 in strengths(name)]
)
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
def test_the_optimum_is_that_of_scikit_learn(name, l2, weighted):
    weight = weights_of(name) if weighted else None
    shards = cut(X, PROBLEMS[name].targets(), weight, n_shards=5)
    solution = newton(shards, objective_of(name, l2), tol=1e-7)
    assert solution.converged
    np.testing.assert_allclose(solution.w, best(name, l2, weighted), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("C", "intercept_scaling"), [(1.0, 1.0), (0.3, 2.0)])
def test_a_penalised_and_scaled_intercept_is_that_of_linear_svc(C, intercept_scaling):
    objective = LinearObjective(
        HINGE, D, scale=C, l2=1.0, penalise_intercept=True, intercept_scaling=intercept_scaling
    )
    solution = newton(cut(X, two_classes(), n_shards=5), objective, tol=1e-7)
    expected = best_squared_hinge(C, intercept_scaling)
    np.testing.assert_allclose(solution.w, expected, rtol=1e-6, atol=1e-7)


def test_huber_ends_where_the_gradient_does():
    objective, shards = LinearObjective(HUBER, D, l2=0.1), cut(X, signed(), n_shards=5)
    solution = newton(shards, objective, tol=1e-8)
    sums = shards.map_reduce(gradient_of, objective, solution.w)
    np.testing.assert_allclose(objective.gradient(sums.gradient, solution.w), 0.0, atol=1e-6)


@every_problem
@pytest.mark.parametrize("n_shards", [1, 2, 7, 40, 300])
def test_the_optimum_does_not_depend_on_the_shards(name, n_shards):
    """240 rows: some shards of 40 have hardly a row per parameter, some of 300 are empty."""
    l2 = strengths(name)[1]
    solution = newton(cut(X, PROBLEMS[name].targets(), None, n_shards), objective_of(name, l2))
    assert solution.converged
    assert value_above_best(name, l2, solution.w) <= solution.bound + 1e-12


@every_problem
def test_shards_sorted_by_label_have_the_same_optimum(name):
    l2, y = strengths(name)[1], PROBLEMS[name].targets()
    order = np.argsort(y, kind="stable")
    solution = newton(cut(X[order], y[order], None, 8), objective_of(name, l2), tol=1e-7)
    np.testing.assert_allclose(solution.w, best(name, l2), rtol=1e-6, atol=1e-7)


def value_above_best(name, l2, w):
    """F(w) - min F, of which the minimum is scikit-learn's."""
    objective, y = objective_of(name, l2), PROBLEMS[name].targets()
    return value(objective, X, y, w) - value(objective, X, y, best(name, l2))


@every_problem
@pytest.mark.parametrize("tol", [0.1, 1e-2, 1e-4])
def test_the_bound_is_one(name, tol):
    l2 = strengths(name)[1]
    objective = objective_of(name, l2)
    solution = newton(cut(X, PROBLEMS[name].targets(), None, 3), objective, tol=tol)
    lowest = solution.value - value(objective, X, PROBLEMS[name].targets(), best(name, l2))
    assert solution.converged and solution.bound <= tol**2 * abs(solution.value)
    assert 0.0 <= lowest + 1e-12 and lowest <= solution.bound + 1e-12
    assert value_above_best(name, l2, solution.w) <= lowest + 1e-12


@every_problem
def test_more_steps_are_not_taken_than_were_allowed(name):
    objective = objective_of(name, strengths(name)[1])
    start = objective.zeros() + (3.0 if "identity" in name else 0.0)
    solution = newton(cut(X, PROBLEMS[name].targets()), objective, start, tol=0.0, max_iter=1)
    assert solution.n_iter == 1 and len(solution.history) == 2


@pytest.mark.parametrize("container", [csr_array, lambda X: X.astype(np.float32)])
@pytest.mark.parametrize("name", ["logistic", "multinomial", "poisson"])
def test_float32_and_sparse_rows_have_the_same_optimum(container, name):
    l2 = strengths(name)[1]
    shards = cut(container(X), PROBLEMS[name].targets(), None, 3)
    solution = newton(shards, objective_of(name, l2), tol=1e-7)
    assert solution.w.dtype == np.float64
    np.testing.assert_allclose(solution.w, best(name, l2), rtol=1e-6, atol=1e-7)


def test_no_intercept_means_none():
    objective = LinearObjective(Logistic(), D, fit_intercept=False, l2=1.0)
    shards = cut(X, two_classes(), None, 3)
    solution = newton(shards, objective, tol=1e-8)
    assert solution.w.shape == (1, D)
    sums = shards.map_reduce(gradient_of, objective, solution.w)
    np.testing.assert_allclose(objective.gradient(sums.gradient, solution.w), 0.0, atol=1e-6)


def test_a_start_is_centred_and_a_good_one_saves_steps():
    name, l2 = "multinomial", 0.0
    objective = objective_of(name, l2)
    shards = cut(X, PROBLEMS[name].targets(), None, 3)
    start = best(name, l2) + np.arange(1.0, D + 2.0)  # classes alike: nothing changes
    solution = newton(shards, objective, start)
    assert solution.n_iter == 0
    np.testing.assert_allclose(solution.w.sum(axis=0), 0.0, atol=1e-12)


@pytest.mark.parametrize("loss", [Logistic(), Multinomial(2), Multinomial(3)], ids=str)
def test_separable_classes_without_penalty_have_no_minimum_and_it_says_so(loss):
    y = (X[:, 0] > 0.0).astype(float) + (X[:, 0] > 1.0) * (loss.n_outputs == 3)
    solution = newton(cut(X, y, None, 4), LinearObjective(loss, D), max_iter=15)
    assert not solution.converged and np.isfinite(solution.w).all()
    assert solution.bound > 1e-8 * solution.value
    assert solution.value < 1.0  # on its way to the infimum 0


@pytest.mark.parametrize("name", ["squared", "logistic"])
def test_where_nothing_is_left_of_f_it_ends(name):
    """An exact fit, and separable classes: no relative tolerance leads to a minimum of 0."""
    wide = np.random.default_rng(0).normal(size=(20, 30))
    y = PROBLEMS[name].targets()[:20]
    solution = newton(cut(wide, y, None, 3), LinearObjective(PROBLEMS[name].loss, 30))
    assert solution.converged and solution.n_iter < 60
    assert solution.value < 1e-14 * value(
        LinearObjective(PROBLEMS[name].loss, 30), wide, y, np.zeros((1, 31))
    )


@pytest.mark.parametrize("l2", [0.0, 1e-3])
@every_problem
def test_columns_that_are_constant_or_each_others_sums(name, l2):
    """The optimum's F is that without them."""
    y = PROBLEMS[name].targets()
    wide = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(len(X)), np.zeros(len(X))])
    solution = newton(cut(wide, y, None, 3), objective_of(name, l2, wide.shape[1]))
    assert solution.converged and np.isfinite(solution.w).all()
    plain = newton(cut(X, y, None, 3), objective_of(name, l2))
    # With a penalty, more columns can only make the same predictions cheaper.
    rounding = 1e-14 * abs(plain.value)
    assert solution.value <= plain.value + plain.bound + solution.bound + rounding
    if l2 == 0.0:
        assert solution.value == pytest.approx(plain.value, rel=1e-7)


@pytest.mark.parametrize("name", ["logistic", "multinomial", "poisson"])
def test_features_of_very_different_scales(name):
    """Without a penalty units do not matter, and with one it is scikit-learn's problem."""
    unit, y = np.array([1e-8, 1e8, 1e-3, 1.0]), PROBLEMS[name].targets()
    solution = newton(cut(X * unit, y, None, 3), objective_of(name, 0.0), tol=1e-7)
    assert solution.converged
    np.testing.assert_allclose(
        solution.w[:, :D] * unit, best(name, 0.0)[:, :D], rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("name", ["logistic", "multinomial", "squared"])
def test_more_features_than_rows(name):
    wide = np.random.default_rng(0).normal(size=(30, 40))
    y, objective = PROBLEMS[name].targets()[:30], objective_of(name, 0.5, 40)
    shards = cut(wide, y, None, 3)
    solution = newton(shards, objective, tol=1e-8)
    sums = shards.map_reduce(gradient_of, objective, solution.w)
    assert solution.converged
    np.testing.assert_allclose(objective.gradient(sums.gradient, solution.w), 0.0, atol=1e-6)


def test_a_start_where_the_loss_overflows_is_refused():
    start = np.full((1, D + 1), 1e4)
    with pytest.raises(ValueError, match="overflows at the coefficients to start from"):
        newton(cut(X, PROBLEMS["poisson"].targets()), LinearObjective(Poisson(), D), start)


def test_a_step_that_is_too_long_is_shortened():
    """Poisson from far below: the parabola there knows nothing of the exponential."""
    objective, y = objective_of("poisson", 0.05), PROBLEMS["poisson"].targets()
    start = objective.zeros()
    start[0, -1] = -12.0
    solution = newton(cut(X, y, None, 3), objective, start, tol=1e-7)
    np.testing.assert_allclose(solution.w, best("poisson", 0.05), rtol=1e-6, atol=1e-7)


def test_a_step_to_where_the_loss_overflows_is_shortened():
    objective, y = objective_of("poisson", 0.05), PROBLEMS["poisson"].targets()
    start = objective.zeros()
    start[0, -1] = -12.0
    shards = cut(X * 1e2, y, None, 3)
    solution = newton(shards, objective, start, tol=1e-7, max_iter=200)
    values = [step.value for step in solution.history]
    assert solution.converged and values == sorted(values, reverse=True)


class Counting(Serial):
    """Notes what is asked of the shards."""

    def __init__(self, shards):
        super().__init__(shards)
        self.asked = []

    def map_reduce(self, summarize, *broadcast, **options):
        self.asked.append(summarize.__name__)
        return super().map_reduce(summarize, *broadcast, **options)


def test_hessians_are_formed_only_where_the_last_one_does_not_serve():
    rng = np.random.default_rng(0)
    big = rng.normal(size=(4000, 3))
    y = (big @ np.ones(3) + rng.logistic(size=4000) > 0).astype(float)
    shards = Counting(cut(big, y, None, 2).shards)
    solution = newton(shards, LinearObjective(Logistic(), 3, l2=1.0), tol=1e-7)
    assert shards.asked[:3] == ["pilot_of", "pilot_losses_along", "curvature_of"]
    assert shards.asked.count("curvature_of") <= 2 and "gradient_of" in shards.asked
    assert solution.history[-1].round == len(shards.asked)
    sent = [step.bytes_up for step in solution.history]
    assert sent == sorted(sent) and sent[-1] > 0


@pytest.mark.parametrize(
    ("columns", "dtypes"),
    [
        (X, {np.float32}),
        (np.column_stack([X, X[:, 0] + 1e-4 * X[:, 1] ** 2]), {np.float32, np.float64}),
        (X * 1e20, {np.float32}),  # whose squares float32 does not hold: float64 steps in below
        (X * [1e-21, 1.0, 1.0, 1.0], {np.float32, np.float64}),
    ],
    ids=["well", "collinear", "large", "small"],
)
def test_hessians_are_made_in_float32_where_that_is_enough(columns, dtypes):
    class Noting(Serial):
        def map_reduce(self, summarize, *broadcast, **options):
            asked.update(broadcast[2:] if summarize is curvature_of else [])
            return super().map_reduce(summarize, *broadcast, **options)

    asked: set = set()
    shards = Noting(cut(columns, two_classes(), None, 2).shards)
    objective = LinearObjective(Logistic(), columns.shape[1])
    solution = newton(shards, objective, objective.zeros(), tol=1e-7)
    assert asked == dtypes and solution.converged
    plain = newton(cut(X, two_classes()), LinearObjective(Logistic(), D), tol=1e-7)
    assert solution.value <= plain.value * (1.0 + 1e-12)


def test_history_and_curvature_are_those_of_the_rounds():
    objective, y = objective_of("logistic", 2.0), PROBLEMS["logistic"].targets()
    solution = newton(cut(X, y, None, 3), objective)
    assert solution.history[-1].bound == solution.bound
    assert solution.history[-1].value == solution.value
    values = [step.value for step in solution.history]
    assert values == sorted(values, reverse=True)
    assert solution.curvature.hessian.shape == (D + 1, D + 1)
