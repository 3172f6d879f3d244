# SPDX-License-Identifier: BSD-3-Clause
"""Extremely randomised trees whose fit is spread over cores or a cluster."""

from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from skdist.ensemble._forest import DistributedForestClassifier, DistributedForestRegressor


class DistributedExtraTreesClassifier(DistributedForestClassifier, ExtraTreesClassifier):
    """DOC-DistributedExtraTreesClassifier"""

    _parameter_constraints = {
        **ExtraTreesClassifier._parameter_constraints,
        **DistributedForestClassifier._parameter_constraints,
    }
    _random_splits = True

    def __init__(
        self,
        n_estimators=100,
        *,
        criterion="gini",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features="sqrt",
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        bootstrap=False,
        oob_score=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
        class_weight=None,
        ccp_alpha=0.0,
        max_samples=None,
        monotonic_cst=None,
        n_shards=None,
        strategy="auto",
        tree_method="auto",
    ):
        super().__init__(
            n_estimators=n_estimators,
            criterion=criterion,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            bootstrap=bootstrap,
            oob_score=oob_score,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
            warm_start=warm_start,
            class_weight=class_weight,
            ccp_alpha=ccp_alpha,
            max_samples=max_samples,
            monotonic_cst=monotonic_cst,
        )
        self.n_shards = n_shards
        self.strategy = strategy
        self.tree_method = tree_method


class DistributedExtraTreesRegressor(DistributedForestRegressor, ExtraTreesRegressor):
    """DOC-DistributedExtraTreesRegressor"""

    _parameter_constraints = {
        **ExtraTreesRegressor._parameter_constraints,
        **DistributedForestRegressor._parameter_constraints,
    }
    _random_splits = True

    def __init__(
        self,
        n_estimators=100,
        *,
        criterion="squared_error",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=1.0,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        bootstrap=False,
        oob_score=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
        ccp_alpha=0.0,
        max_samples=None,
        monotonic_cst=None,
        n_shards=None,
        strategy="auto",
        tree_method="auto",
    ):
        super().__init__(
            n_estimators=n_estimators,
            criterion=criterion,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            bootstrap=bootstrap,
            oob_score=oob_score,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
            warm_start=warm_start,
            ccp_alpha=ccp_alpha,
            max_samples=max_samples,
            monotonic_cst=monotonic_cst,
        )
        self.n_shards = n_shards
        self.strategy = strategy
        self.tree_method = tree_method
