# SPDX-License-Identifier: BSD-3-Clause
"""Random forests of numbers, whose fit is spread over the cores of a machine or a cluster."""

from sklearn.ensemble import RandomForestRegressor

from skdist._on_collections import OnCollections
from skdist.ensemble._forest_regressor import DistributedForestRegressor


class DistributedRandomForestRegressor(
    OnCollections, DistributedForestRegressor, RandomForestRegressor
):
    """A random forest regressor whose fit is spread over cores or a cluster.

    The forest is the mean of T trees, each grown on its own bootstrap sample of the rows::

        f(x) = 1/T sum over t of (mean of y in the leaf of tree t that x falls into)

    and a node is split, over the thresholds of max_features random features, where ::

        score = s(L)^2 / w(L) + s(R)^2 / w(R)                            (squared error)
        score = s(L) log(s(L) / w(L)) + s(R) log(s(R) / w(R))            (poisson)

    is highest: w is the weight of a side's rows and s their weighted sum of y.

    A subclass of :class:`sklearn.ensemble.RandomForestRegressor`. What is the same and what differs
    (binned trees above a size, the meaning of ``n_jobs=None`` and of sample weights) is said in
    :class:`DistributedRandomForestClassifier`; so are all parameters and attributes not named here.

    Parameters
    ----------
    criterion : {"squared_error", "absolute_error", "poisson"}, default="squared_error"
        Loss that splits decrease. "absolute_error": exact trees only. "poisson": y is not negative.
    max_features : {"sqrt", "log2", None}, int or float, default=1.0
        Features drawn anew at every node. The default is all of them, as in scikit-learn; 1/3 is
        the usual choice for random forests, and faster.
    oob_score : bool or callable, default=False
        Predict every row by the trees that have not seen it, and score that: by R^2, or by
        ``callable(y_true, y_pred)``.
    n_estimators, max_depth, min_samples_split, min_samples_leaf, min_weight_fraction_leaf, \
max_leaf_nodes, min_impurity_decrease, bootstrap, n_jobs, random_state, verbose, warm_start, \
ccp_alpha, max_samples, monotonic_cst, n_shards, strategy, tree_method
        As in the classifier, with the same defaults.

    Attributes
    ----------
    estimators_ : list of DecisionTreeRegressor
        The trees. After a binned fit they are built when first looked at.
    oob_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The out-of-bag predictions, with `oob_score`.
    report_ : FitReport
        What the fit did and what it cost.

    See Also
    --------
    DistributedRandomForestClassifier : All shared parameters; the cost per strategy.
    DistributedExtraTreesRegressor : Thresholds drawn at random.
    skdist.merge : One forest out of several, fitted apart.

    Notes
    -----
    Targets are added up as integers, in units of a power of two that leaves 62 bits for their sum.
    So "histogram" makes the splits and the predictions of "replicate", bit for bit; only the
    impurities in `estimators_` differ, by rounding. The bytes are those of the classifier with 2 in
    the place of K in the histograms, 1 in the trees, and 8 more for every row that goes to all
    workers, 16 for one that goes to one.

    References
    ----------
    .. [1] L. Breiman, "Random Forests", Machine Learning 45, 2001.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skdist import DistributedRandomForestRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> forest = DistributedRandomForestRegressor(
    ...     50, max_features=1/3, min_samples_leaf=5, oob_score=True, random_state=0
    ... )
    >>> bool(forest.fit(X, y).oob_score_ > 0.4)
    True
    """

    _parameter_constraints = {
        **RandomForestRegressor._parameter_constraints,
        **DistributedForestRegressor._parameter_constraints,
    }

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
        bootstrap=True,
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
