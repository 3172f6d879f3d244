# SPDX-License-Identifier: BSD-3-Clause
"""Extremely randomised trees whose fit is spread over cores or a cluster."""

from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from skdist._on_collections import ClassesOnCollections, OnCollections
from skdist.ensemble._forest_classifier import DistributedForestClassifier
from skdist.ensemble._forest_regressor import DistributedForestRegressor


class DistributedExtraTreesClassifier(
    ClassesOnCollections, DistributedForestClassifier, ExtraTreesClassifier
):
    """An extremely randomised trees classifier whose fit is spread over cores or a cluster.

    As in a random forest the prediction is the mean of T trees::

        p(class k | x) = 1/T sum over t of p_t(k | x)

    but a node looks at one threshold per feature, drawn between the smallest and the largest value
    of its rows, and takes the best of max_features of them::

        threshold_f ~ Uniform(min x_f, max x_f),    f among max_features random features

    by the score of :class:`DistributedRandomForestClassifier`. Every tree sees all rows, unless
    ``bootstrap=True``.

    A subclass of :class:`sklearn.ensemble.ExtraTreesClassifier`. What is the same and what differs
    (binned trees above a size, the meaning of ``n_jobs=None`` and of sample weights) is said in
    :class:`DistributedRandomForestClassifier`; so are all parameters and attributes not named here.

    Parameters
    ----------
    bootstrap : bool, default=False
        Whether a tree sees rows drawn with replacement, or all rows. `oob_score` and `max_samples`
        need True.
    tree_method : {"auto", "hist", "exact"}, default="auto"
        As in the classifier of random forests. In binned trees a bin's value is the median of its
        rows; the threshold is drawn between the values of the node's outermost bins, and the
        bins whose value is at most that go left.
    n_estimators, criterion, max_depth, min_samples_split, min_samples_leaf, \
min_weight_fraction_leaf, max_features, max_leaf_nodes, min_impurity_decrease, oob_score, n_jobs, \
random_state, verbose, warm_start, class_weight, ccp_alpha, max_samples, monotonic_cst, n_shards, \
strategy
        As in :class:`DistributedRandomForestClassifier`, with the same defaults.

    Attributes
    ----------
    estimators_ : list of ExtraTreeClassifier
        The trees. After a binned fit they are built when first looked at.
    report_ : FitReport
        What the fit did and what it cost.

    See Also
    --------
    DistributedRandomForestClassifier : All shared parameters; the cost per strategy.
    DistributedExtraTreesRegressor : The same for numbers.
    skdist.merge : One forest out of several, fitted apart.

    References
    ----------
    .. [1] P. Geurts, D. Ernst, L. Wehenkel, "Extremely Randomized Trees", Machine Learning 63,
       2006.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdist import DistributedExtraTreesClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> forest = DistributedExtraTreesClassifier(random_state=0).fit(X[:1000], y[:1000])
    >>> bool(forest.score(X[1000:], y[1000:]) > 0.9)
    True
    """

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


class DistributedExtraTreesRegressor(
    OnCollections, DistributedForestRegressor, ExtraTreesRegressor
):
    """An extremely randomised trees regressor whose fit is spread over cores or a cluster.

    The prediction is the mean of T trees, and a node looks at one random threshold per feature::

        f(x) = 1/T sum over t of (mean of y in the leaf of tree t that x falls into)
        threshold_f ~ Uniform(min x_f, max x_f),    f among max_features random features

    The best of these by the score of :class:`DistributedRandomForestRegressor` is taken. Every tree
    sees all rows, each with its sample weight, unless ``bootstrap=True``: then rows are drawn with
    probabilities in proportion to the weights.

    A subclass of :class:`sklearn.ensemble.ExtraTreesRegressor`. What is the same and what differs
    is said in :class:`DistributedRandomForestClassifier`; so are all parameters and attributes not
    named here.

    Parameters
    ----------
    criterion : {"squared_error", "absolute_error", "poisson"}, default="squared_error"
        Loss that splits decrease. "absolute_error": exact trees only. "poisson": y is not negative.
    max_features : {"sqrt", "log2", None}, int or float, default=1.0
        Features drawn anew at every node; the default is all of them.
    bootstrap : bool, default=False
        Whether a tree sees rows drawn with replacement, or all rows. `oob_score` and `max_samples`
        need True.
    oob_score : bool or callable, default=False
        As in :class:`DistributedRandomForestRegressor`.
    n_estimators, max_depth, min_samples_split, min_samples_leaf, min_weight_fraction_leaf, \
max_leaf_nodes, min_impurity_decrease, n_jobs, random_state, verbose, warm_start, ccp_alpha, \
max_samples, monotonic_cst, n_shards, strategy, tree_method
        As in :class:`DistributedExtraTreesClassifier`, with the same defaults.

    Attributes
    ----------
    estimators_ : list of ExtraTreeRegressor
        The trees. After a binned fit they are built when first looked at.
    oob_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The out-of-bag predictions, with `oob_score`.
    report_ : FitReport
        What the fit did and what it cost.

    See Also
    --------
    DistributedRandomForestClassifier : All shared parameters; the cost per strategy.
    DistributedExtraTreesClassifier : The same for classes.
    skdist.merge : One forest out of several, fitted apart.

    References
    ----------
    .. [1] P. Geurts, D. Ernst, L. Wehenkel, "Extremely Randomized Trees", Machine Learning 63,
       2006.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from skdist import DistributedExtraTreesRegressor
    >>> X, y = make_friedman1(1000, random_state=0)
    >>> forest = DistributedExtraTreesRegressor(random_state=0).fit(X[:800], y[:800])
    >>> bool(forest.score(X[800:], y[800:]) > 0.8)
    True
    """

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
