# SPDX-License-Identifier: BSD-3-Clause
"""Multilayer perceptrons that predict numbers."""

from __future__ import annotations

from sklearn.neural_network import MLPRegressor
from sklearn.utils.metaestimators import available_if

from skdist._on_collections import OnCollections
from skdist._whole_fit import whole_fit
from skdist.neural_network._mlp import DistributedMLP, Fit


class DistributedMLPRegressor(OnCollections, DistributedMLP, MLPRegressor):
    """Multilayer perceptron for one number per row or several, trained over shards of the rows.

    It makes small ::

        1/n sum_i s_i loss(y_i, a_L(x_i)) + alpha/(2n) sum_l |W_l|^2,
        a_0 = x,   a_l = f(a_(l-1) W_l + b_l)

    with half the squared error, or half the Poisson deviance of ``exp`` outputs. It is
    :class:`sklearn.neural_network.MLPRegressor`, of which this is a subclass; what differs, how
    shards are kept in step, and the parameters that are not named here are described at
    :class:`DistributedMLPClassifier`. One shard takes scikit-learn's steps bit for bit on one BLAS
    thread where X is float64; where it is float32, y and with it the gradients stay float32 here,
    and become float64 there.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default="squared_error"
    hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(100,)
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
    solver : {"lbfgs", "sgd", "adam"}, default="adam"
    alpha : float, default=0.0001
    batch_size : int, default="auto"
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
    learning_rate_init : float, default=0.001
    power_t : float, default=0.5
    max_iter : int, default=200
    shuffle : bool, default=True
    random_state : int, RandomState instance or None, default=None
    tol : float, default=1e-4
    verbose : bool, default=False
    warm_start : bool, default=False
    momentum : float, default=0.9
    nesterovs_momentum : bool, default=True
    early_stopping : bool, default=False
        By R squared of the rows held out.
    validation_fraction : float, default=0.1
    beta_1, beta_2 : float, default=0.9, 0.999
    epsilon : float, default=1e-8
    n_iter_no_change : int, default=10
    max_fun : int, default=15000
    sync : {"auto", "gradient", "local"}, default="auto"
    local_steps : int, "auto" or "measured", default="auto"
    n_shards : int, default=None
    n_jobs : int, default=None

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
    loss_, best_loss_ : float
    loss_curve_, validation_scores_ : list of float
    best_validation_score_ : float
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_, n_shards_ : int
    out_activation_ : str
    feature_names_in_ : ndarray of shape (n_features_in_,)
    report_ : FitReport
        See :class:`DistributedMLPClassifier`.

    See Also
    --------
    skdist.merge : One network out of several that started alike.
    skdist.neural_network.logit_ensemble : One network that averages the outputs of any.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from skdist import DistributedMLPRegressor
    >>> X, y = make_regression(1_000, 5, random_state=0)
    >>> model = DistributedMLPRegressor(solver="lbfgs", n_shards=2, random_state=0)
    >>> model.fit(X, y / y.std()).score(X, y / y.std()) > 0.99
    True
    """

    _parameter_constraints = {
        **MLPRegressor._parameter_constraints,
        **DistributedMLP._parameter_constraints,
    }

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        sync="auto",
        local_steps="auto",
        n_shards=None,
        n_jobs=None,
    ):
        super().__init__(
            loss=loss,
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.sync = sync
        self.local_steps = local_steps
        self.n_shards = n_shards
        self.n_jobs = n_jobs

    @available_if(lambda mlp: mlp._check_solver())
    @whole_fit
    def partial_fit(self, X, y, sample_weight=None):
        """Pass once over these rows, from where the last pass ended, moments included.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        self._pass_once(X, y, sample_weight)

    @whole_fit
    def fit_shard(self, X, y, sample_weight=None, fisher=False):
        """Train on the rows that are here, for a later :func:`skdist.merge`.

        Merging averages parameters, which makes sense for networks that started alike: with the
        same `random_state` and columns, or ``warm_start=True`` from copies of one model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
        fisher : bool, default=False
            Whether to keep the diagonal of Fisher's information, by which networks are then merged
            that all have it: each parameter by how sure the rows of a network are of it.

        Returns
        -------
        self
        """
        self._fit_network(X, y, sample_weight, Fit(self._starts_anew(), fisher=bool(fisher)))
