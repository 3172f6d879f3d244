# SPDX-License-Identifier: BSD-3-Clause
"""What the distributed forests share: fit in five steps, predict row by row in threads.

Validate, encode, shard, solve, expose. Everything scikit-learn's forests do with fitted trees
(importances, decision paths, partial dependence) goes on working: `estimators_` are real
scikit-learn trees, built when somebody looks at them.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from skdist._caller import level_of_caller
from skdist._columns import check_numbers, learn_columns
from skdist._estimator import SHARDING
from skdist._report import FitReport
from skdist._rows import MOST_SHARDS, ROWS_PER_SHARD
from skdist._sklearn import StrOptions
from skdist._whole_fit import whole_fit
from skdist.ensemble._fitted_forest import FittedForest
from skdist.ensemble._method import SMALL, choose_method, exact_work, wants_bins
from skdist.ensemble._validation import check_bootstrap, validate_rows
from skdist.ensemble._weighed_trees import WeighedTrees
from skdist.sharding import is_dask, joblib_workers, shard_rows

MAX_SEED = np.iinfo(np.int32).max


class DistributedForest(FittedForest):
    """Mixin in front of a scikit-learn forest class."""

    _parameter_constraints = {
        **SHARDING,
        "strategy": [StrOptions({"auto", "replicate", "histogram", "shard"})],
        "tree_method": [StrOptions({"auto", "hist", "exact"})],
    }
    _random_splits = False

    @whole_fit
    def fit(self, X, y, sample_weight=None):
        """Grow the forest.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Used as float32. NaN is a value of its own, sent to the better side of each split.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            With ``bootstrap=True`` rows are drawn with probabilities in proportion to it.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For what scikit-learn's class refuses, and where binned trees are asked for together
            with a parameter that only exact trees obey. The estimator is then as it was before.
        """
        known = vars(self).get("classes_") if self.warm_start else None
        method, why = choose_method(self, X, y)
        if method == "exact":
            self._fit_exact(X, y, sample_weight, why)
        elif is_dask(X):
            self._fit_collection(X, y, sample_weight, why)
        else:
            self._fit_binned(X, y, sample_weight, why)
        if known is not None:
            check_same_classes(known, self.classes_)

    def _fit_exact(self, X, y, sample_weight, why):
        """scikit-learn's own fit, on the workers that skdist would use."""
        if self.warm_start and "_cache" in vars(self):
            # A list of its own: scikit-learn appends to it before all that can fail is done.
            self._estimators = list(self.estimators_)
        with joblib_workers(1 if exact_work(self, X) < SMALL else self.n_jobs):
            super().fit(X, y, sample_weight)
        self._trees = self._tree_weight = self._home = self._bootstrap = None
        self._cache = {}
        self.n_shards_ = 1
        self.report_ = FitReport(method="exact", strategy="local", exact=True, why=(why,))

    def _fit_binned(self, X, y, sample_weight, why):
        """Validate, encode, shard, solve, expose."""
        # Here and not above: a forest too small for the kernel never loads numba.
        from skdist.solvers.binned_forest import block_size

        rows = validate_rows(self, X, y, sample_weight)
        n_samples = len(rows.X)
        n_shards = self.n_shards or default_n_shards(n_samples, self.strategy)
        shards = shard_rows(
            rows.X,
            rows.y,
            rows.sample_weight,
            n_shards=n_shards,
            n_jobs=self.n_jobs,
            # Cut between blocks of the bootstrap, so that these do not depend on the cut.
            align=block_size(n_samples),
        )
        total = None if rows.sample_weight is None else rows.sample_weight.sum()
        grown = self._solve(shards, total, why)
        if self.oob_score:
            self._set_oob(shards, grown, rows.y)

    def _fit_collection(self, X, y, sample_weight, why):
        """The same for a Dask collection: its partitions are the shards and stay where they are."""
        from skdist.ensemble._binned_fit import refuse_copies
        from skdist.ensemble._collections import encoded

        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but y is None.")
        shards = shard_rows(X, y, sample_weight, n_shards=self.n_shards, n_jobs=self.n_jobs)
        check_bootstrap(self)
        learn_columns(self, X)
        check_numbers(X)
        refuse_copies(self.strategy, shards, self.n_features_in_)
        shards, total = encoded(self, shards)
        self._n_samples, self.n_outputs_, self._sample_weight = shards.n_samples, 1, None
        self._validate_estimator()
        grown = self._solve(shards, total, why)
        if self.oob_score:
            self._set_oob(shards, grown, np.concatenate(shards.map(_target)))

    def _solve(self, shards, total_weight, why):
        """Grow the trees that are lacking, and keep all."""
        from skdist.ensemble._binned_fit import fit_binned
        from skdist.ensemble._settings import resolve_settings

        known, seeds = self._known_trees(), self._draw_seeds()
        if known is not None and known.trees.n_trees == self.n_estimators:
            warnings.warn(
                "Warm-start fitting without increasing n_estimators does not fit new trees.",
                stacklevel=level_of_caller(),
            )
        first = 0 if known is None else known.trees.n_trees
        if known is not None:  # `random_state` may have moved since
            seeds = [*self._seeds[:first], *seeds[first:]]
        settings = resolve_settings(
            self, shards.n_samples, self.n_features_in_, total_weight, seeds[first:]
        )
        grown = fit_binned(shards, self.n_features_in_, settings, why)
        kept = grown.forest if known is None else known + grown.forest
        self._trees, self._tree_weight, self._home = kept.trees, kept.tree_weight, kept.home
        self._seeds, self._estimators, self._cache = seeds[: kept.trees.n_trees], None, {}
        self._bootstrap = (grown.layout, grown.problem.block_mass, grown.problem.n_draws)
        self._drawn_by_weight = total_weight is not None
        self.n_shards_, self.report_ = shards.n_shards, grown.report
        self._packed_votes()
        self._print_report()
        return grown

    def _known_trees(self):
        """The trees that a warm start goes on from, or None."""
        if not self.warm_start or "_cache" not in vars(self):
            return None
        trees, weight = self._as_trees(), self._tree_weight
        n_values = self.n_classes_ if is_classifier(self) else 1
        if self.n_estimators < trees.n_trees:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to "
                f"len(estimators_)={trees.n_trees} when warm_start==True"
            )
        if trees.n_values != n_values:
            raise ValueError(
                f"The forest has {trees.n_values} classes, y has {n_values}; a warm start needs "
                "the same classes. Fit a new forest, or fit shards and merge them."
            )
        weight = np.ones(trees.n_trees) if weight is None else weight
        return WeighedTrees(trees, weight, self._home)

    def _draw_seeds(self):
        """One seed per tree, those that scikit-learn's forest would draw."""
        random_state = check_random_state(self.random_state)
        return [int(seed) for seed in random_state.randint(MAX_SEED, size=self.n_estimators)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if wants_bins(self):  # dense X and one y: what the binned kernel does
            tags.input_tags.sparse = False
            tags.target_tags.multi_output = False
            if tags.classifier_tags is not None:
                tags.classifier_tags.multi_label = False
        return tags

    def _set_oob(self, shards, grown, y):
        """Out-of-bag estimates and score, named as scikit-learn names them."""
        from skdist.ensemble._binned_fit import out_of_bag

        votes, n_votes = out_of_bag(shards, grown, self._trees, self._seeds, self._home)
        if (n_votes == 0).any():
            warnings.warn(
                "Some inputs do not have OOB scores. This probably means too few trees were "
                "used to compute any reliable OOB estimates.",
                UserWarning,
                stacklevel=level_of_caller(),
            )
        self._expose_oob(votes / np.maximum(n_votes, 1)[:, None], y.reshape(-1, 1))


def check_same_classes(known, classes):
    """Raise unless a warm start met the classes that the forest knows."""
    known, classes = ([c] if isinstance(c, np.ndarray) else c for c in (known, classes))
    if len(known) == len(classes) and all(map(np.array_equal, known, classes)):
        return
    old, new = ([c.tolist() for c in per_output] for per_output in (known, classes))
    raise ValueError(
        f"The forest knows the classes {old}, one list per output, y has {new}; a warm start needs "
        "the same classes. Fit a new forest, or fit shards and merge them."
    )


def _target(shard):
    return shard.y


def default_n_shards(n_samples, strategy="auto"):
    """Shards of the rows, from their number and the strategy alone.

    One per 16,384 rows, at most 64, where sums are merged and their number changes nothing;
    4, enough for a few cores, where more of them would cost accuracy.
    """
    if strategy == "shard":
        return min(4, n_samples)
    return int(np.clip(n_samples // ROWS_PER_SHARD, 1, MOST_SHARDS))
