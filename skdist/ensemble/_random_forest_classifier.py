# SPDX-License-Identifier: BSD-3-Clause
"""Random forests of classes, whose fit is spread over the cores of a machine or a cluster."""

from sklearn.ensemble import RandomForestClassifier

from skdist._on_collections import ClassesOnCollections
from skdist.ensemble._forest_classifier import DistributedForestClassifier


class DistributedRandomForestClassifier(
    ClassesOnCollections, DistributedForestClassifier, RandomForestClassifier
):
    """A random forest classifier whose fit is spread over cores or a cluster.

    The forest is the mean of T trees, each grown on its own bootstrap sample of the rows::

        p(class k | x) = 1/T sum over t of p_t(k | x)
        p_t(k | x)     = share of class k in the leaf of tree t that x falls into

    and a node is split, over the thresholds of max_features random features, where ::

        score = w(L) g(L) + w(R) g(R),    g = sum over k of p_k^2        (gini)
                                          g = sum over k of p_k log p_k  (entropy)

    is highest: w is the weight of a side's rows and p_k the share of class k in it. That is the
    largest decrease of the impurity.

    The same as in :class:`sklearn.ensemble.RandomForestClassifier`, of which this is a subclass:
    every parameter and its default, the fitted attributes (`estimators_` holds scikit-learn's own
    trees, with thresholds in the units of X), and what the trees' classes mean. What differs:

    - Where rows x trees x max_features reach a million, trees are grown on *binned* features by
      compiled code: each feature is cut into at most 255 bins once, NaN apart. Below that, and
      with the parameters that binned trees do not know, scikit-learn's exact trees are grown and
      the forest is scikit-learn's, tree for tree. See `tree_method`.
    - ``n_jobs=None`` means what :func:`joblib.parallel_config` says, and all cores where it says
      nothing; scikit-learn's is one core. No `n_jobs` changes the forest.
    - With ``bootstrap=True`` a row's sample weight, times its class weight, is the probability
      with which it is drawn, as in scikit-learn 1.9; binned trees draw so beside 1.8 too.
      ("balanced_subsample" weighs the classes within each tree's sample.)

    Parameters
    ----------
    n_estimators : int, default=100
        Number of trees, T.
    criterion : {"gini", "entropy", "log_loss"}, default="gini"
        Impurity that splits decrease; "entropy" and "log_loss" are the same.
    max_depth : int, default=None
        Splits on the longest path from the root; None: no limit.
    min_samples_split : int or float, default=2
        Rows that a node must hold to be split; a float is a share of all rows.
    min_samples_leaf : int or float, default=1
        Rows that each side of a split must hold; a float is a share of all rows.
    min_weight_fraction_leaf : float, default=0.0
        Share of the tree's total weight that each side of a split must hold.
    max_features : {"sqrt", "log2", None}, int or float, default="sqrt"
        Features drawn anew at every node; a float is a share of them, None means all.
    max_leaf_nodes : int, default=None
        Leaves of a tree, grown best split first; None: no limit. Exact trees only.
    min_impurity_decrease : float, default=0.0
        Decrease of the impurity, times the node's share of the tree's weight, that a split must
        bring.
    bootstrap : bool, default=True
        Whether a tree sees rows drawn with replacement, or all rows.
    oob_score : bool or callable, default=False
        Predict every row by the trees that have not seen it, and score that: by accuracy, or by
        ``callable(y_true, y_pred)``.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. See above for None.
    random_state : int, RandomState instance or None, default=None
        Gives each tree its seed, from which its sample and its features are drawn.
    verbose : int, default=0
        Progress of exact trees, as joblib prints it; of a binned fit, one line when it is done.
    warm_start : bool, default=False
        Keep the trees of the last fit and grow those that `n_estimators` asks for besides.
    class_weight : {"balanced", "balanced_subsample"}, dict or list of dicts, default=None
        Weight of each class. "balanced": in inverse proportion to the class's weight in y;
        "balanced_subsample": in each tree's sample. A list has a dict for each output.
    ccp_alpha : float, default=0.0
        Cost per leaf by which grown trees are pruned. Above 0: exact trees only.
    max_samples : int or float, default=None
        Rows drawn for each tree: None: as many as there are; a float is a share of their number
        or, with weights, of the sum of weights.
    monotonic_cst : array-like of int of shape (n_features,), default=None
        1, -1 or 0: the prediction may only rise, only fall or do either as the feature rises.
        Exact trees only.
    n_shards : int, default=None
        Pieces that the rows are cut into. With ``strategy="shard"`` they are part of the model,
        and None is 4; else the forest does not depend on them, and None is one per 16,384 rows, at
        least 1 and at most 64. For a Dask collection, whose partitions are the shards, it must be
        None.
    strategy : {"auto", "replicate", "histogram", "shard"}, default="auto"
        How the work on binned rows is spread; scikit-learn's exact trees are always grown from
        rows in memory.

        - "replicate": every worker gets all binned rows, and grows its share of the trees.
        - "histogram": rows stay in their shards; histograms of the nodes are merged. The forest
          of "replicate", bit for bit.
        - "shard": each tree is grown on one shard. Approximate; `report_` says so.
        - "auto": "replicate" while the binned rows, n (d + 16) bytes, take no more than a quarter
          of this machine's memory and 4 GiB, else "histogram".
    tree_method : {"auto", "hist", "exact"}, default="auto"
        - "hist": binned trees. A feature of at most 255 distinct values loses nothing by it.
        - "exact": scikit-learn's trees, which look at every threshold.
        - "auto": binned where X is large, dense and y has one output, unless `max_leaf_nodes`,
          `ccp_alpha` or `monotonic_cst` asks for exact trees; always for a Dask collection.

        What cannot be had together (``tree_method="hist"`` and sparse X, say) is an error.

    Attributes
    ----------
    estimators_ : list of DecisionTreeClassifier
        The trees. After a binned fit they are built when first looked at, 64 + 8 K bytes a node;
        predicting does not need them.
    estimator_ : DecisionTreeClassifier
        The unfitted template of the trees.
    classes_ : ndarray of shape (n_classes,), or list of such arrays
        The labels, sorted; one array for each output.
    n_classes_ : int or list of int
        Number of labels.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_outputs_ : int
        Columns of y.
    feature_importances_ : ndarray of shape (n_features_in_,)
        Mean share of each feature in the decrease of impurity.
    estimators_samples_ : list of arrays
        Rows in each tree's sample, drawn again from its seed.
    oob_score_ : float
        Score of the out-of-bag predictions, with `oob_score`.
    oob_decision_function_ : ndarray of shape (n_samples, n_classes)
        The out-of-bag predictions, with `oob_score`.
    n_shards_ : int
        Number of shards the rows were cut into; 1 for exact trees.
    report_ : FitReport
        What the fit did: `method` ("hist", "exact"), `strategy`, whether it is `exact` for any
        number of shards, `why` in sentences, `rounds`, `bytes_down` and `bytes_up`, `retries`,
        `seconds` per phase, a table of the `shards`, and in `extra` the decision on the refit of
        the leaves ("shard").

    See Also
    --------
    DistributedRandomForestRegressor : The same for numbers.
    DistributedExtraTreesClassifier : Thresholds drawn at random.
    skdist.merge : One forest out of several, fitted apart.

    Notes
    -----
    With n rows, d features, T trees, K classes and m shards, a binned fit takes

    ===========  ==========================  =====================================================
    strategy     rounds                      bytes
    ===========  ==========================  =====================================================
    replicate    6                           n (d + 16) up, and down to every worker; the trees,
                                             37 + 8 K a node, up
    histogram    6 + levels of the nodes of  per level and shard T * nodes * max_features * 256 *
                 20,000 rows or more         (8 K + 4) up, at most; then d + 8 for every row of
                                             every tree's sample, from worker to worker
    shard        8                           the trees up, and twice down, 12 a node; 8 K a leaf
                                             up from every shard
    ===========  ==========================  =====================================================

    besides 4 d min(n, 200,000) bytes up, the sample of rows that bin edges are read from ("shard":
    at most 3,060 d from every shard, quantiles and masses), and the
    rows themselves, 4 n d down once, where they are not yet on the workers. Threads share memory:
    nothing travels. Sums over rows are sums of integers, which do not depend on their order.

    References
    ----------
    .. [1] L. Breiman, "Random Forests", Machine Learning 45, 2001.
    .. [2] B. Panda, J. S. Herbach, S. Basu, R. J. Bayardo, "PLANET: Massively Parallel Learning
       of Tree Ensembles with MapReduce", PVLDB 2, 2009. (Merged histograms; small nodes are
       finished by one worker.)
    .. [3] G. Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS,
       2017. (Trees on features that are binned once.)

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdist import DistributedRandomForest
    >>> X, y = load_iris(return_X_y=True)
    >>> forest = DistributedRandomForest(random_state=0).fit(X, y)
    >>> forest.predict([[6.5, 3.0, 5.5, 1.8]])
    array([2])
    >>> forest.report_.why
    ("scikit-learn's exact trees: (150, 4) is small.",)

    Binned trees, from three shards that stay apart and from rows at one place, are the same:

    >>> apart = DistributedRandomForest(20, random_state=0, strategy="histogram", n_shards=3)
    >>> whole = DistributedRandomForest(20, random_state=0, tree_method="hist")
    >>> p, q = apart.fit(X, y).predict_proba(X), whole.fit(X, y).predict_proba(X)
    >>> bool((p == q).all())
    True
    """

    _parameter_constraints = {
        **RandomForestClassifier._parameter_constraints,
        **DistributedForestClassifier._parameter_constraints,
    }

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
        bootstrap=True,
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
