# SPDX-License-Identifier: BSD-3-Clause
"""What generalised linear models share: Poisson, Gamma, Tweedie."""

from __future__ import annotations

from functools import partial

import numpy as np
from sklearn.linear_model import PoissonRegressor

from skdist._estimator import SHARDING, ShardedFit, Stopwatch
from skdist._local_fit import fit_locally
from skdist._rows import Intake, encode_rows
from skdist._sklearn import StrOptions, glm_loss
from skdist._watching import shows
from skdist.linear_model._linear_fit import SOLVER_NAMES, fit_linear
from skdist.linear_model._loss_expansion import keep_expansion
from skdist.solvers.choose_solver import choose_solver
from skdist.solvers.linear_objective import LinearObjective


def check_in_range(loss, y):
    """Raise scikit-learn's error for targets that the loss is not defined for."""
    if not loss.in_y_true_range(y):
        raise ValueError(
            f"Some value(s) of y are out of the valid range of the loss {type(loss).__name__!r}."
        )


class DistributedGeneralizedLinearRegressor(ShardedFit):
    """Mixin in front of scikit-learn's three classes; they name their loss."""

    _rounds_of_an_iteration = 2

    _parameter_constraints = {
        # A class of solver is scikit-learn's own, for its developers.
        "solver": [
            StrOptions(SOLVER_NAMES),
            *PoissonRegressor._parameter_constraints["solver"][1:],
        ],
        **SHARDING,
    }

    def __init__(
        self,
        *,
        alpha=1.0,
        fit_intercept=True,
        solver="auto",
        max_iter=100,
        tol=1e-4,
        warm_start=False,
        verbose=0,
        n_jobs=None,
        n_shards=None,
    ):
        super().__init__(
            alpha=alpha,
            fit_intercept=fit_intercept,
            solver=solver,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.n_jobs = n_jobs
        self.n_shards = n_shards

    def _fit(self, X, y, sample_weight, *, shard=False):
        self._expansion = self._merged_parts = None
        if isinstance(self.solver, type):
            why = "a class of solver was passed: scikit-learn's own fit."
            fit_locally(self, self._fit_plainly, X, y, sample_weight, why)
            return
        watch = Stopwatch()
        self._base_loss = glm_loss(self)
        intake = Intake(check_y=partial(check_in_range, self._base_loss))
        rows = encode_rows(
            self, X, y, sample_weight, intake=intake, n_shards=self.n_shards, n_jobs=self.n_jobs
        )
        watch.lap("prepare")
        objective = self._objective(rows.n_features, rows.total_weight)
        shows(lambda w: self._model(w, rows.dtype))
        fit = fit_linear(
            rows,
            objective,
            choose_solver(self.solver, objective, is_sparse=rows.is_sparse),
            start=self._start(objective),
            tol=self.tol,
            max_iter=self.max_iter,
            watch=watch,
        )
        vars(self).update(self._model(fit.solution.w, rows.dtype))
        self.n_iter_, self._weight_of_rows = fit.solution.n_iter, rows.total_weight
        self.n_shards_, self.report_ = rows.shards.n_shards, fit.report
        if shard:
            self._expansion, self.report_ = keep_expansion(rows, objective, fit)
        self._print_report()

    def _objective_of(self, expansion):
        """The objective of a merge."""
        return self._objective(self.n_features_in_, expansion.weight)

    def _objective(self, n_features, total_weight):
        """``1 / sum(s) sum_i s_i loss + alpha/2 |w|^2``."""
        return LinearObjective(
            loss=self._loss(),
            n_features=n_features,
            fit_intercept=self.fit_intercept,
            scale=1.0 / total_weight,
            l2=float(self.alpha),
        )

    def _start(self, objective):
        """Coefficients of the last fit, (1, p), for a warm start."""
        if not (self.warm_start and "coef_" in vars(self)):
            return None
        w = self.coef_
        if len(w) != objective.n_features:
            raise ValueError(
                f"warm_start=True would start from coef_ of {len(w)} features, X has "
                f"{objective.n_features}. Set warm_start=False to begin anew."
            )
        w = np.append(w, self.intercept_) if self.fit_intercept else w
        return np.asarray(w, np.float64)[None, :]

    def _model(self, w, dtype):
        """What predictions need, of coefficients (1, p)."""
        w = w[0].astype(dtype)
        if self.fit_intercept:
            return {"intercept_": w[-1], "coef_": w[:-1].copy()}
        return {"intercept_": 0.0, "coef_": w}
