# SPDX-License-Identifier: BSD-3-Clause
"""What linear models say of a fit before it runs."""

from __future__ import annotations

from typing import Any

from skdist._config import settings
from skdist._plan import Shape, Sketch, sketch_of
from skdist._plan_share import of_share
from skdist._rows import default_n_shards, few_shards
from skdist.linear_model._glm import DistributedGeneralizedLinearRegressor
from skdist.linear_model._huber import DistributedHuberRegressor
from skdist.linear_model._least_squares_fit import (
    MOST_FEATURES,
    MergedLeastSquares,
    fitting_n_shards,
)
from skdist.linear_model._linear_svc import DistributedLinearSVC
from skdist.linear_model._logistic import DistributedLogisticRegression
from skdist.linear_model._penalty import resolve_penalty
from skdist.linear_model._sgd import DistributedSGD
from skdist.sharding import Place
from skdist.solvers.choose_solver import MOST_DENSE, MOST_SPARSE, Choice, choose_solver

FACTS = 200  # bytes of what is known of a shard's y
LATER_HESSIANS = 0.45  # share of rounds that sum the curvature


def shards_of(estimator: Any, shape: Shape, default: int) -> int:
    """The partitions, what was asked for, or the default."""
    return len(shape.partitions) or estimator.n_shards or default


def alone(shape: Shape, why: str, method: str = "scikit-learn") -> Sketch:
    """scikit-learn's own fit."""
    passes = 100.0
    return Sketch(
        method, "local", 1, (0, 0), (why,), operations=passes * 4 * shape.entries,
        driver=shape.x_bytes, local=True,
    )  # fmt: skip


@sketch_of.register(DistributedLogisticRegression)
def of_logistic(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """Newton's method and its like, on merged sums."""
    why = estimator._scikit_learns()
    if why:
        return alone(shape, why, estimator.solver)
    penalty = resolve_penalty(estimator.penalty, estimator.C, estimator.l1_ratio)
    objective = estimator._objective(penalty, shape.n_features, max(shape.n_classes, 2))
    choice = choose_solver(estimator.solver, objective, is_sparse=shape.is_sparse)
    return of_choice(estimator, shape, choice, objective.shape, estimator.max_iter)


@sketch_of.register(DistributedGeneralizedLinearRegressor)
def of_glm(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """The same of Poisson, Gamma and Tweedie regression."""
    if isinstance(estimator.solver, type):
        return alone(shape, "a class of solver was passed: scikit-learn's own fit.")
    objective = estimator._objective(shape.n_features, float(shape.n_samples))
    choice = choose_solver(estimator.solver, objective, is_sparse=shape.is_sparse)
    return of_choice(estimator, shape, choice, objective.shape, estimator.max_iter)


@sketch_of.register(DistributedLinearSVC)
def of_linear_svc(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """One machine of each class against the rest, all in the same rounds."""
    objective = estimator._objective(shape.n_features)
    choice = estimator._choose_solver(objective, shape)
    if choice.name is None:
        return alone(shape, choice.why, "liblinear")
    n_machines = 1 if shape.n_classes <= 2 else shape.n_classes
    rounds = 30 * estimator.max_iter if estimator.loss == "hinge" else estimator.max_iter
    return of_choice(estimator, shape, choice, (1, objective.shape[1]), rounds, n_machines)


def of_choice(
    estimator: Any,
    shape: Shape,
    choice: Choice,
    size: tuple[int, int],
    max_iter: int,
    n_machines: int = 1,
) -> Sketch:
    """A solver that merges sums over `n_machines` problems of `size` coefficients."""
    if choice.name is None:
        return alone(shape, choice.why, "saga")
    p, n_outputs = size[0] * size[1], size[0]
    forms = choice.name in ("newton", "prox_newton")
    hessian = 4.0 * p * (p + 1) if forms else 8.0 * p
    curved = {
        "newton": LATER_HESSIANS,
        "prox_newton": LATER_HESSIANS,
        "newton_cg": 0.0,
        "lbfgs": 0.0,
    }
    per_pass = 4.0 * shape.entries * n_outputs
    curvature = LATER_HESSIANS * shape.entries * p * n_outputs if forms else per_pass
    fewest = {"newton": 4, "prox_newton": 5, "newton_cg": 8, "lbfgs": 8, "interior_point": 5}
    few = fewest.get(choice.name, 10)
    m = shards_of(estimator, shape, default_n_shards(shape.n_samples, shape.x_bytes))
    near_margin = 0.5 * shape.data_bytes * (choice.name == "interior_point")  # rows that come
    return Sketch(
        choice.name,
        "sums",
        m,
        (few, few + 4 * int(max_iter or 100)),
        (choice.why,),
        down=8.0 * p * n_machines,
        up=n_machines * (8.0 * (1 + p) + curved.get(choice.name, 1.0) * hessian) + FACTS,
        once_up=near_margin,
        data=shape.data_bytes,
        driver=n_machines * 3.0 * hessian + near_margin,
        worker=n_machines * 2.0 * hessian,
        operations=few * n_machines * (per_pass + curvature),
    )


@sketch_of.register(DistributedHuberRegressor)
def of_huber(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """Newton's method on coefficients and scale."""
    if estimator.epsilon == 1.0:
        return alone(shape, "epsilon=1 is least absolute deviations.")
    p = shape.n_features + 2
    most = MOST_SPARSE if shape.is_sparse else MOST_DENSE
    hessian = 8.0 * p * p if p <= most else 8.0 * p
    return Sketch(
        "newton",
        "sums",
        shards_of(estimator, shape, default_n_shards(shape.n_samples)),
        (5, 6 + 4 * estimator.max_iter),
        ("newton: coefficients and scale at once.",),
        down=8.0 * p,
        up=0.75 * hessian + 8.0 * p + FACTS,
        data=shape.data_bytes,
        driver=3.0 * hessian,
        worker=2.0 * hessian,
        operations=5.0 * shape.entries * (4 + LATER_HESSIANS * p),
    )


@sketch_of.register(MergedLeastSquares)
def of_least_squares(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """Moments in one round, or conjugate gradients."""
    why = estimator._scikit_learns(X)
    if why:
        return alone(shape, why)
    d, t = shape.n_features, max(shape.n_targets, shape.n_classes * (shape.n_classes > 2), 1)
    m = shards_of(estimator, shape, fitting_n_shards(X, None) or 1)
    asked = vars(estimator).get("solver") == "sparse_cg"
    if asked or d > MOST_FEATURES:
        most = vars(estimator).get("max_iter") or 10 * min(d, shape.n_samples)
        return Sketch(
            "cg", "sums", m, (3, 4 + int(most)), ("Conjugate gradients: nothing d x d is formed.",),
            down=8.0 * d * t, up=8.0 * d * t + FACTS / 2, data=shape.data_bytes,
            operations=3 * 4.0 * shape.entries * t,
        )  # fmt: skip
    sums = 8.0 * d * (d + t)
    return Sketch(
        "moments", "sums", m, (2, 3), ("One round of sums, two where they are ill-conditioned.",),
        up=sums / 2 + FACTS, data=shape.data_bytes, driver=3 * sums, worker=2 * sums,
        operations=float(shape.entries) * d,
    )  # fmt: skip


@sketch_of.register(DistributedSGD)
def of_sgd(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """Passes side by side, averaged."""
    m = shards_of(estimator, shape, few_shards(shape.n_samples))
    k = 1 if shape.n_classes <= 2 else shape.n_classes
    p, passes = k * (shape.n_features + 1), int(estimator.max_iter)
    few = passes if estimator.tol is None else min(passes, estimator.n_iter_no_change + 1)
    operations = few * 6.0 * shape.entries * k
    told = 2 if estimator.penalty in ("l1", "elasticnet") else 1  # what the penalty took, too
    if m == 1 and not shape.is_collection:
        return Sketch(
            "sgd", "local", 1, (0, 0), ("One shard: scikit-learn's own loop.",),
            operations=operations, driver=shape.x_bytes / 4, local=True,
        )  # fmt: skip
    wire, average = settings().wire, 8.0 * p * bool(estimator.average)
    known = {"data": shape.data_bytes, "operations": operations}
    if isinstance(wire, float):
        why = f"{m} shards send a share of {wire:g} of what every pass moved, and owe the rest."
        moves = of_share(
            wire, p * told, m, place, told=8.0 * p * told, sent=8.0 * p * told,
            kept=16.0 * p * told,
        )  # fmt: skip
        moves["down"], moves["up"] = moves["down"] + 800.0, moves["up"] + 400.0 + average
        return Sketch("sgd", "average", m, (few + 2, passes + 3), (why,), **moves, **known)
    # After most passes a round looks how far to go: it is told places, and sends numbers.
    item = 4.0 if wire == "float32" else 8.0
    return Sketch(
        "sgd", "average", m, (few + 2, 2 * passes + 3),
        (f"{m} shards are averaged after every pass.",),
        down=800.0 + item * p * told, up=400.0 + 0.7 * item / 8 * (8.0 * p * told + average),
        **known,
    )  # fmt: skip
