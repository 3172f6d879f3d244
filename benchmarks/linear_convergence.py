# SPDX-License-Identifier: BSD-3-Clause
"""How far from the minimum after how many rounds and bytes: every solver of linear models.

Logistic regression, l2, no intercept, 80,000 rows of 50 columns (condition number 1e4), 16 shards:
rows in random order (IID), and sorted by label, so that 14 or so of the shards know one class only.
Beside ours dask-glm's ADMM and, where rows are dealt to shards by chance, averaged SGD.

    (F(w) - min F) / min F      after 1, 2, 4, ... rounds, and after how many bytes per shard

    python benchmarks/linear_convergence.py                  # two tables
    python benchmarks/linear_convergence.py --plot out.png   # and a picture (needs matplotlib)
    python benchmarks/linear_convergence.py --quick          # 4,000 rows of 10 columns
"""

from __future__ import annotations

import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from skdist.losses import Logistic
from skdist.sharding import shard_rows
from skdist.solvers.gradient_descent import gradient_descent
from skdist.solvers.lbfgs import lbfgs
from skdist.solvers.linear_objective import LinearObjective
from skdist.solvers.newton import newton
from skdist.solvers.newton_cg import newton_cg

N_SHARDS = 16
LAST_ROUND = 256
RHO = 0.1
ROUNDS = tuple(2**k for k in range(9))
FLOOR = 1e-16  # of relative differences in float64


class Seen(NamedTuple):
    """Where a method was: rounds, bytes that each shard had sent, F."""

    round: int
    bytes_up: int
    value: float


@dataclass(frozen=True, eq=False)
class Problem:
    """F(w) = C sum_i log(1 + exp(-t_i x_i'w)) + |w|^2 / 2."""

    X: np.ndarray
    y: np.ndarray
    C: float

    @property
    def objective(self) -> LinearObjective:
        """As our solvers take it."""
        return LinearObjective(
            Logistic(), self.X.shape[1], fit_intercept=False, scale=self.C, l2=1.0
        )

    def value(self, w: np.ndarray) -> float:
        """F(w)."""
        losses = Logistic().value(self.y, self.X @ w)
        return float(self.C * losses.sum() + 0.5 * w @ w)

    def sorted_by_label(self) -> Problem:
        """The same rows, those of class 0 first."""
        order = np.argsort(self.y, kind="stable")
        return Problem(self.X[order], self.y[order], self.C)


def make_problem(n: int, d: int, seed: int = 0) -> Problem:
    """Columns on scales from 1 to 100, a label that is noisy; lambda = 1 / (C n) = 1e-4."""
    rng = np.random.default_rng(seed)
    scales = np.geomspace(1.0, 1e-2, d)
    Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
    X = np.ascontiguousarray(rng.normal(size=(n, d)) * scales @ Q)
    w = Q.T @ (rng.normal(size=d) / np.sqrt(scales))
    y = (rng.uniform(size=n) < 1.0 / (1.0 + np.exp(-2.0 * X @ w))).astype(float)
    return Problem(X, y, 1.0 / (1e-4 * n))


def of_solver(
    minimise: Callable[..., Any], problem: Problem, from_pilot: bool = False, **options: Any
) -> Iterator[Seen]:
    """What a solver of ours went through, from zeros or from its pilot fit."""
    shards = shard_rows(problem.X, problem.y, n_shards=N_SHARDS)
    start = None if from_pilot else problem.objective.zeros()
    solution = minimise(shards, problem.objective, start, tol=1e-9, max_iter=LAST_ROUND, **options)
    for step in solution.history:
        yield Seen(step.round, step.bytes_up, step.value)
    if solution.converged:  # the step in hand was taken after the last look
        last = solution.history[-1]
        yield Seen(last.round, last.bytes_up, problem.value(solution.w[0]))


def of_averaged_sgd(problem: Problem) -> Iterator[Seen]:
    """Local epochs, parameters averaged after each."""
    from skdist import DistributedSGDClassifier

    n, d = problem.X.shape
    epochs = 64
    model = DistributedSGDClassifier(
        loss="log_loss",
        alpha=1.0 / (problem.C * n),
        fit_intercept=False,
        max_iter=epochs,
        tol=None,
        n_shards=N_SHARDS,
        random_state=0,
    )
    for n_epochs in (e for e in ROUNDS if e <= epochs):
        model.set_params(max_iter=n_epochs).fit(problem.X, problem.y)
        yield Seen(n_epochs, 8 * d * n_epochs, problem.value(model.coef_[0]))


def of_admm(problem: Problem) -> Iterator[Seen]:
    """dask-glm's ADMM, as dask-ml's LogisticRegression calls it; rho is the best of 0.01 ... 10."""
    import dask.array as da
    from dask_glm.algorithms import admm

    n, d = problem.X.shape
    X = da.from_array(problem.X, chunks=(n // N_SHARDS, d))
    y = da.from_array(problem.y, chunks=n // N_SHARDS)
    # Its objective is the sum of the losses + lamduh |w|^2 / 2; "normalize" would change it.
    settings = {"lamduh": 1.0 / problem.C, "abstol": 0.0, "reltol": 0.0, "normalize": False}
    for n_rounds in (1, 4, 16, 64):
        w = admm(X, y, "l2", rho=RHO, max_iter=n_rounds, **settings)
        yield Seen(n_rounds, 8 * d * n_rounds, problem.value(np.asarray(w)))


METHODS: dict[str, Callable[[Problem], Iterator[Seen]]] = {
    "newton, pilot fit": partial(of_solver, newton, from_pilot=True),
    "newton": partial(of_solver, newton),
    "newton_cg": partial(of_solver, newton_cg),
    "lbfgs": partial(of_solver, lbfgs),
    "gradient descent, Nesterov": partial(of_solver, gradient_descent),
    "gradient descent": partial(of_solver, gradient_descent, momentum=0.0),
    "averaged SGD (dealt)": of_averaged_sgd,
    "dask-glm ADMM": of_admm,
}


def least(problem: Problem) -> float:
    """min F, to working precision."""
    shards = shard_rows(problem.X, problem.y, n_shards=1, n_jobs=1)
    return problem.value(newton(shards, problem.objective, tol=1e-12).w[0])


def trace(method: Callable[[Problem], Iterator[Seen]], problem: Problem, low: float) -> list[Seen]:
    """What was seen, F replaced by the best relative sub-optimality so far."""
    seen, best = [], np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for at in method(problem):
            best = min(best, max((at.value - low) / low, FLOOR))
            seen.append(at._replace(value=best))
    return seen


def print_traces(title: str, traces: dict[str, list[Seen]]) -> None:
    """Sub-optimality after each of ROUNDS, and bytes per shard at the end."""
    print(f"\n{title}: (F - min F) / min F after so many rounds")
    print(f"{'':28}" + "".join(f"{r:>9}" for r in ROUNDS) + f"{'rounds':>9}{'KB/shard':>10}")
    for name, seen in traces.items():
        cells = []
        for r in ROUNDS:
            values = [at.value for at in seen if at.round <= r]
            over = r > 2 * seen[-1].round
            cells.append("" if over or not values else f"{values[-1]:.0e}")
        last = seen[-1]
        print(
            f"{name:28}"
            + "".join(f"{c:>9}" for c in cells)
            + f"{last.round:>9}{last.bytes_up / 1e3:>10.1f}"
        )


def plot(path: str, both: dict[str, dict[str, list[Seen]]]) -> None:
    """Sub-optimality against rounds and against bytes, for each order of the rows."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(11, 8), sharey=True, layout="constrained")
    for row, (title, traces) in zip(axes, both.items(), strict=True):
        for axis, quantity in zip(row, ("round", "bytes_up"), strict=True):
            for name, seen in traces.items():
                x = [getattr(at, quantity) for at in seen]
                axis.loglog(x, [at.value for at in seen], "o-", ms=3, label=name)
            axis.set(
                title=title, xlabel={"round": "rounds", "bytes_up": "bytes per shard"}[quantity]
            )
            axis.grid(alpha=0.3)
        row[0].set_ylabel("(F - min F) / min F")
    axes[0, 0].legend(fontsize="small")
    figure.savefig(path, dpi=120)
    print(f"\nwrote {path}")


def main() -> None:
    """Print both tables, and draw them if asked to."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--plot", metavar="FILE", help="draw the tables, too")
    parser.add_argument("--no-peers", action="store_true", help="leave out dask-glm")
    options = parser.parse_args()
    problem = make_problem(*((4_000, 10) if options.quick else (80_000, 50)))
    methods = dict(METHODS)
    if options.no_peers:
        del methods["dask-glm ADMM"]
    orders = {"IID": problem, "sorted by label": problem.sorted_by_label()}
    low, both = least(problem), {}
    for title, own in orders.items():
        both[title] = {name: trace(method, own, low) for name, method in methods.items()}
        print_traces(title, both[title])
    if options.plot:
        plot(options.plot, both)


if __name__ == "__main__":
    main()
