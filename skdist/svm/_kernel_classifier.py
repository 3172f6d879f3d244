# SPDX-License-Identifier: BSD-3-Clause
"""What machines of classes share: two classes are one problem, more are one for each pair."""

from __future__ import annotations

import warnings

import numpy as np

from skdist._caller import level_of_caller
from skdist._labels import weigh_classes
from skdist._rows import Intake
from skdist._shard_classes import knowing
from skdist._sklearn import SVC_PROBABILITY
from skdist.solvers.kernel_expansion import expansion_of, one_sided
from skdist.solvers.one_vs_one import PairFit, one_vs_one
from skdist.svm._decide import ClassPrediction
from skdist.svm._kernel_machine import KernelMachine
from skdist.svm._report import Solved
from skdist.svm._strategies import pair_solver, solve_over_shards

PAIRS = "Each pair of classes is a task of its own, on one thread."
ONE_SIDE = "Only one class has rows."


class KernelClassifier(ClassPrediction, KernelMachine):
    """Mixin in front of SVC and NuSVC."""

    _intake = Intake(classify=True, dtypes=(np.float64,))
    _unit_width = False  # whether f is divided by the width of the margin

    def _left_to_scikit_learn(self):
        if self.probability != SVC_PROBABILITY:
            if self.probability:
                return "probability=True is scikit-learn's own fit."
            warnings.warn(
                "The `probability` parameter was deprecated in scikit-learn 1.9. Leave it out.",
                FutureWarning,
                stacklevel=level_of_caller(),
            )
        return super()._left_to_scikit_learn()

    def _encode(self, X, y, sample_weight, classes):
        rows = super()._encode(X, y, sample_weight, classes)
        mass = np.sum([facts.class_weight for facts in rows.facts], axis=0)
        rows = knowing(rows, classes)
        if len(rows.classes) < 2:
            raise ValueError(
                "The number of classes has to be greater than one; got 1 class. For one shard of "
                "several, use fit_shard and pass all classes there are."
            )
        if classes is None and np.count_nonzero(mass) < 2:
            raise ValueError(
                "Invalid input - all samples with positive weights belong to the same class. "
                "Weigh rows of another class above 0."
            )
        return rows

    def _learn(self, rows, targets):
        self.classes_ = rows.classes
        self.class_weight_ = self._weights_of_classes(rows.classes, targets.n_rows)

    def _weights_of_classes(self, classes, n_rows):
        """As scikit-learn weighs them: "balanced" counts rows, whatever their weights."""
        weight, seen = np.ones(len(classes)), n_rows > 0
        given = weigh_classes(self.class_weight, classes[seen], n_rows[seen])
        if given is not None:
            weight[seen] = given
        return weight

    def _solve(self, rows, targets, kernel):
        weight = self._weights_in_problem(rows.classes, targets.n_rows)
        if len(rows.classes) == 2:
            return self._solve_two(rows, targets, kernel, weight)
        fit = PairFit(
            self._formulate(targets.mass),
            pair_solver(rows.shards, kernel, self._limits),
            self._unit_width,
        )
        found = one_vs_one(
            rows.shards,
            fit,
            class_weight=weight,
            n_rows=targets.n_rows,
            cache_size=self._limits["cache_size"],
        )
        return Solved(found, "pairs", PAIRS)

    def _solve_two(self, rows, targets, kernel, class_weight):
        """Two classes: one problem on all shards."""
        sign = 1.0 - 2.0 * targets.y
        weight = targets.weight * class_weight[targets.y.astype(np.intp)]
        constant = one_sided(sign, weight)
        if constant is not None:
            return Solved([constant], "none", ONE_SIDE)
        problem = self._formulate(targets.mass)((0, 1), sign, weight)
        solution, strategy, why = solve_over_shards(
            rows.shards, kernel, problem, self.strategy, self._limits, far=targets.far
        )
        everywhere = np.arange(rows.n_samples)
        found = expansion_of(problem, solution, everywhere, unit_width=self._unit_width)
        return Solved([found], strategy, why)

    def _weights_in_problem(self, classes, n_rows):
        """What the rows' weights are multiplied with, (K,)."""
        return self._weights_of_classes(classes, n_rows)

    def _rows_to_keep(self, targets):
        if np.count_nonzero(targets.mass) > 1:
            return super()._rows_to_keep(targets)
        # Which rows of an only class will lie at a margin is known when others are.
        return np.flatnonzero(targets.weight)
