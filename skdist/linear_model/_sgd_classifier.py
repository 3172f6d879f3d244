# SPDX-License-Identifier: BSD-3-Clause
"""Linear classifiers by stochastic gradient descent."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import SGDClassifier

from skdist._on_collections import ClassesOnCollections
from skdist._shard_classes import all_classes
from skdist._sklearn import check_sgd
from skdist._whole_fit import whole_fit
from skdist.linear_model._sgd import DistributedSGD
from skdist.sharding import is_dask


class DistributedSGDClassifier(ClassesOnCollections, DistributedSGD, SGDClassifier):
    """Linear classifier by stochastic gradient descent, its passes spread over shards of the rows.

    For two classes, y in {-1, 1}, it makes small ::

        1/n sum_i s_i L(y_i, w'x_i + b) + alpha ((1 - l1_ratio)/2 |w|^2 + l1_ratio |w|_1)

    with s the sample weights times the class weights; for more classes, one such problem for each
    against the others. Row after row, at step size eta(t), ::

        w <- (1 - eta alpha (1 - l1_ratio)) w - eta s_i L'(y_i, w'x_i + b) x_i

    (and the l1 penalty by truncation). Several shards pass over their rows side by side from where
    they last met. They meet at the mean of their parameters, by the weight of their rows; or, while
    their moves agree from pass to pass, farther along the mean move, up to the sum of the moves, if
    the objective is smaller there.

    It is :class:`sklearn.linear_model.SGDClassifier`, of which this is a subclass: the same
    parameters and fitted attributes. What differs:

    - Up to 24,575 rows the default is one shard, which in memory is scikit-learn's own compiled
      loop, bit for bit. Several give **another model**: means of parameters are not what one pass
      over all rows gives. `report_` says so, with what it cost.
    - ``n_jobs=None`` means what :func:`joblib.parallel_config` says, and all cores where it says
      nothing. No `n_jobs` and no backend changes the model.

    Parameters
    ----------
    loss : str, default="hinge"
        "hinge" (linear SVM), "log_loss" (logistic regression), "modified_huber", "squared_hinge",
        "perceptron", or one of regression: "squared_error", "huber", "epsilon_insensitive",
        "squared_epsilon_insensitive".
    penalty : {"l2", "l1", "elasticnet", None}, default="l2"
    alpha : float, default=0.0001
        Strength of the penalty; also sets the step sizes of ``learning_rate="optimal"``.
    l1_ratio : float, default=0.15
        Share of the absolute values in the penalty "elasticnet".
    fit_intercept : bool, default=True
    max_iter : int, default=1000
        Passes over the rows, at most.
    tol : float or None, default=1e-3
        What the objective, or the score on rows held out, must gain on the best so far to count as
        better. None: `max_iter` passes. The objective is the mean loss of rows when they are met,
        and the penalty.
    shuffle : bool, default=True
        Whether every pass has the rows in a new order. Rows in memory are dealt to several shards
        in random order in any case, always the same one with ``shuffle=False``.
    verbose : int, default=0
        Above 0: what scikit-learn prints; of several shards, a line per pass when the fit is done.
    epsilon : float, default=0.1
        Of the losses "huber", "epsilon_insensitive" and "squared_epsilon_insensitive".
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. See above for None.
    random_state : int, RandomState instance or None, default=None
        Orders of the rows, and which are held out.
    learning_rate : str, default="optimal"
        Step size at step t, which counts the rows of all shards: "constant" eta0; "optimal"
        1 / (alpha (t0 + t)); "invscaling" eta0 / t^power_t; "adaptive" eta0, divided by 5 where
        the fit would otherwise stop; "pa1" and "pa2" passive-aggressive, with the hinge loss.
    eta0 : float, default=0.01
    power_t : float, default=0.5
    early_stopping : bool, default=False
        Whether rows held out decide when to stop. Each of several shards holds out its share.
    validation_fraction : float, default=0.1
        Share of the rows held out.
    n_iter_no_change : int, default=5
        Passes without a gain of `tol` after which to stop.
    class_weight : dict or "balanced", default=None
        Weight of each class; "balanced" is in inverse proportion to its rows.
    warm_start : bool, default=False
        Start from the parameters of the last fit.
    average : bool or int, default=False
        Whether the fitted parameters are the mean of all iterates; of those from step `average` on,
        if it is an int. Of several shards, of the iterates of all.
    n_shards : int, default=None
        Pieces of the rows that are passed over side by side. None is 1 up to 24,575 rows, 2 up to
        131,071 and 4 beyond. For a Dask collection, whose partitions are the shards, it must be
        None.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        One row for two classes. float32 where X is.
    intercept_ : ndarray of shape (1,) or (n_classes,)
    n_iter_ : int
        Passes made; of several problems, the most.
    classes_ : ndarray of shape (n_classes,)
    t_ : float
        Rows passed over, plus 1.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
    report_ : FitReport
        What the fit did: `strategy` ("local" is scikit-learn's own loop), `exact` (False for
        several shards), `why`, `rounds`, `bytes_down`, `bytes_up`, `retries`, `seconds` per phase,
        a table of the `shards`, and for several shards in `extra`

        - "history": for each pass the mean loss that rows met, the objective, the score of rows
          held out, the agreement ``|mean D|^2 / mean |D|^2`` of the shards' moves D (1 where all
          moved alike, one over their number where they had nothing in common), and how many times
          the mean move was taken;
        - "objective": at the fitted parameters, over all rows;
        - "gap": mean loss over all rows of the fitted parameters, less that which rows met in the
          last pass. What it costs that shards agree on one model: large where shards are unlike,
          below 0 where averaging has done good.

    See Also
    --------
    skdist.merge : One model out of several, fitted apart.
    DistributedLogisticRegression : The log loss by merged sums: the exact optimum, in fewer rounds.

    Notes
    -----
    A round is a pass over the shards: of d features and P problems, 16 (d + 2) P bytes go down and
    up per shard, twice that with an l1 penalty. Partitions of a Dask collection that are sorted by
    y give poor averages, and a warning: shuffle them first.

    With `average` and an l1 penalty the mean is that of the iterates; scikit-learn's loop, and so
    one shard, credits later truncation to earlier iterates.

    References
    ----------
    .. [1] R. McDonald, K. Hall, G. Mann, "Distributed Training Strategies for the Structured
       Perceptron", NAACL 2010.
    .. [2] S. U. Stich, "Local SGD Converges Fast and Communicates Little", ICLR 2019.
    .. [3] L. Bottou, "Stochastic Gradient Descent Tricks", 2012.
    .. [4] Y. Tsuruoka, J. Tsujii, S. Ananiadou, "Stochastic Gradient Descent Training for
       L1-regularized Log-linear Models with Cumulative Penalty", ACL 2009.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skdist import DistributedSGDClassifier
    >>> X, y = make_classification(2_000, random_state=0)
    >>> model = DistributedSGDClassifier(random_state=0, n_shards=2).fit(X, y)
    >>> model.score(X, y) > 0.85
    True
    >>> model.n_shards_, model.report_.exact
    (2, False)
    """

    _parameter_constraints = {
        **SGDClassifier._parameter_constraints,
        **DistributedSGD._parameter_constraints,
    }

    def __init__(
        self,
        loss="hinge",
        *,
        penalty="l2",
        alpha=0.0001,
        l1_ratio=0.15,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-3,
        shuffle=True,
        verbose=0,
        epsilon=0.1,
        n_jobs=None,
        random_state=None,
        learning_rate="optimal",
        eta0=0.01,
        power_t=0.5,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        class_weight=None,
        warm_start=False,
        average=False,
        n_shards=None,
    ):
        super().__init__(
            loss=loss,
            penalty=penalty,
            alpha=alpha,
            l1_ratio=l1_ratio,
            fit_intercept=fit_intercept,
            max_iter=max_iter,
            tol=tol,
            shuffle=shuffle,
            verbose=verbose,
            epsilon=epsilon,
            n_jobs=n_jobs,
            random_state=random_state,
            learning_rate=learning_rate,
            eta0=eta0,
            power_t=power_t,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            class_weight=class_weight,
            warm_start=warm_start,
            average=average,
        )
        self.n_shards = n_shards

    @whole_fit
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Pass once over these rows, from where the last pass ended.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
            Enough rows for several shards are passed over side by side, as in `fit`.
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), default=None
            All classes there will be; needed at the first call.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        self._pass_once(X, y, sample_weight, classes)

    @whole_fit
    def fit_shard(self, X, y, sample_weight=None, classes=None):
        """Fit the rows that are here, for a later :func:`skdist.merge`.

        Merging takes the mean of the parameters, each model by the steps it has made.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All classes there are, where these rows lack some: these rows are then against them, and
            count when models are merged. Without it `merge` takes each class from the models that
            know it.

        Returns
        -------
        self
        """
        if classes is None or not self._lacks_some(y, classes):
            self._fit_rows(X, y, sample_weight=sample_weight)
        else:
            check_sgd(self)
            self._fit_shards(X, y, sample_weight, classes=classes)

    def _lacks_some(self, y, classes):
        """Whether y may lack some of the classes."""
        if is_dask(y):
            return True
        found = np.unique(np.asarray(y))
        return len(all_classes(found, classes)) > len(found)
