# SPDX-License-Identifier: BSD-3-Clause
"""Multilayer perceptrons that classify."""

from __future__ import annotations

from sklearn.neural_network import MLPClassifier
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target

from skdist._on_collections import ClassesOnCollections
from skdist._sklearn import check_partial_fit_classes, network_knows
from skdist._whole_fit import whole_fit
from skdist.neural_network._mlp import DistributedMLP, Fit
from skdist.sharding import is_dask


class DistributedMLPClassifier(ClassesOnCollections, DistributedMLP, MLPClassifier):
    """Multilayer perceptron for classes or several labels, trained over shards of the rows.

    It makes small ::

        1/n sum_i s_i loss(y_i, a_L(x_i)) + alpha/(2n) sum_l |W_l|^2,
        a_0 = x,   a_l = f(a_(l-1) W_l + b_l)

    with the log loss, s the sample weights, by minibatches (Adam, or gradient descent with
    momentum; n is then that of the batch) or by L-BFGS. Several shards are kept in step in one of
    two ways (`sync`) ::

        "gradient"   g = sum_j G_j / sum_j s_j at every step: the run of one machine
        "local"      every shard steps on batches of its own rows; after H steps parameters and
                     moments become their means over the shards, by the weight of the rows

    It is :class:`sklearn.neural_network.MLPClassifier`, of which this is a subclass: the same
    parameters and fitted attributes. What differs:

    - **One shard** has scikit-learn's initial parameters, batches and steps, bit for bit where both
      use one BLAS thread (a matrix product on several threads may sum in another order). It takes
      less time: everything is done in place, the update in one sweep.
    - **Several shards** are the default from ``n_samples * n_parameters = 1e9`` on. With
      ``sync="local"`` they give **another model** than one shard does, with "gradient" the same
      but for rounding. `report_` says which it was. With "local" each of m shards steps on
      `batch_size` rows at m times the step size (8 times at most; more shards take smaller
      batches), so that `learning_rate_init` need not be tuned again.
    - Several shards keep rows that are mostly zeros (images, indicators) as their other entries,
      and multiply those alone: the same sums, rounded in another order. One shard does not.
    - Neither ``n_jobs`` nor the backend changes the model, and neither does the speed of a
      network: "auto" parameters are functions of shapes. ``local_steps="measured"`` gives that up.
    - When parameters or losses become NaN or infinite the fit stops, and keeps those of before.

    Parameters
    ----------
    hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(100,)
        Width of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        f of the hidden layers.
    solver : {"lbfgs", "sgd", "adam"}, default="adam"
        "lbfgs" merges loss and gradient of all rows, whatever `sync`.
    alpha : float, default=0.0001
        Strength of the penalty, which is divided by the rows of the batch.
    batch_size : int, default="auto"
        Rows of a step: with ``sync="local"`` of each shard, with "gradient" of all together.
        "auto" is ``min(200, n_samples)``.
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Of ``solver="sgd"``: the step size stays; is divided by ``t_ ** power_t`` after a pass; is
        divided by 5 where the fit would otherwise stop.
    learning_rate_init : float, default=0.001
    power_t : float, default=0.5
    max_iter : int, default=200
        Passes over the rows, at most; iterations of "lbfgs".
    shuffle : bool, default=True
        Whether rows come in another order in each pass, and are dealt to shards at random. Rows of
        a Dask collection stay in their partition.
    random_state : int, RandomState instance or None, default=None
        Of initial parameters, rows held out, and orders. Nets to be merged need the same.
    tol : float, default=1e-4
        What the loss, or the score of rows held out, must gain to count as better.
    verbose : bool, default=False
    warm_start : bool, default=False
        Start from the parameters of the last fit.
    momentum : float, default=0.9
    nesterovs_momentum : bool, default=True
    early_stopping : bool, default=False
        Whether the score of rows held out decides when to stop, the best parameters being kept.
    validation_fraction : float, default=0.1
        Share of the rows held out: scikit-learn's draw, or a share of every Dask partition.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of Adam's moments.
    epsilon : float, default=1e-8
    n_iter_no_change : int, default=10
        Passes without a gain of `tol` after which to stop.
    max_fun : int, default=15000
        Evaluations by "lbfgs", at most.
    sync : {"auto", "gradient", "local"}, default="auto"
        How several shards are kept in step. "auto" is "gradient" where a round for each step would
        take a fifth of the step's time at most, by nominal costs of both: for batches of some
        hundred rows per shard and networks of 1e6 parameters; else "local".
    local_steps : int, "auto" or "measured", default="auto"
        H, the steps between two averages. "auto": so many that rounds take a tenth of the time, by
        nominal costs; for rows that were not dealt to the shards at random (Dask partitions,
        ``shuffle=False``) at least four rounds a pass. "measured": the same by the clock, in two
        rounds that are forgotten: the model then depends on how fast workers and network were.
    n_shards : int, default=None
        Pieces of the rows. None is 2 from ``n_samples * n_parameters = 1e9`` on and 4 from 1.6e10
        on, if each can have eight batches, else 1. For a Dask collection, whose partitions are
        the shards, it must be None.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. None is what
        :func:`joblib.parallel_config` says, and all cores where it says nothing.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coefs_ : list of ndarray
        W_1, ..., W_L, views into one vector. float32 where X is ("lbfgs": always float64).
    intercepts_ : list of ndarray
    loss_, best_loss_ : float
    loss_curve_ : list of float
        Mean loss of the batches of each pass before they were learnt from.
    validation_scores_ : list of float
    best_validation_score_ : float
    n_iter_ : int
        Passes made.
    t_ : int
        Rows met.
    n_layers_, n_outputs_ : int
    out_activation_ : str
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
    report_ : FitReport
        What the fit did: `strategy` ("local": one shard; "average" or "gradient"), `exact`, `why`,
        `rounds`, `bytes_down`, `bytes_up`, `retries`, `seconds` per phase, a table of the
        `shards`, and in `extra`

        - "sync" and, where shards were averaged, "local_steps" and "rate_factor", by which the
          step size was multiplied;
        - "history": of each round (each pass of "gradient") `n_pass`, `n_steps`, the mean `loss`,
          and the `agreement` ``|mean D|^2 / mean |D|^2`` of the shards' moves D, or gradients:
          1 where all were alike, one over their number where they had nothing in common. Of
          "lbfgs" the losses.

    See Also
    --------
    skdist.merge : One network out of several that started alike.
    skdist.neural_network.logit_ensemble : One network that averages the logits of any.

    Notes
    -----
    A round of k D numbers per shard down and up, D being the parameters: "local" sends k = 3 (Adam:
    with both moments) every H steps, "gradient" k = 1 every step.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
    .. [2] S. U. Stich, "Local SGD Converges Fast and Communicates Little", ICLR 2019.
    .. [3] A. Iacob et al., "DES-LOC: Desynced Low Communication Adaptive Optimizers for Training
       Foundation Models", 2025.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdist import DistributedMLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = DistributedMLPClassifier(n_shards=2, max_iter=40, tol=1e-2, random_state=0)
    >>> model.fit(X / 16, y).score(X / 16, y) > 0.97
    True
    >>> model.n_shards_, model.report_.strategy, model.report_.exact
    (2, 'average', False)
    """

    _parameter_constraints = {
        **MLPClassifier._parameter_constraints,
        **DistributedMLP._parameter_constraints,
    }

    def __init__(
        self,
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
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Pass once over these rows, from where the last pass ended, moments included.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All classes there will be; needed at the first call.

        Returns
        -------
        self
        """
        if check_partial_fit_classes(self, classes):
            several_labels = not is_dask(y) and type_of_target(y).startswith("multilabel")
            network_knows(self, y if several_labels else classes)
        self._pass_once(X, y, sample_weight)

    @whole_fit
    def fit_shard(self, X, y, sample_weight=None, classes=None, fisher=False):
        """Train on the rows that are here, for a later :func:`skdist.merge`.

        Merging averages parameters, which makes sense for networks that started alike: with the
        same `random_state`, columns and classes, or ``warm_start=True`` from copies of one model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All classes there are, where these rows lack some.
        fisher : bool, default=False
            Whether to keep the diagonal of Fisher's information, by which networks are then merged
            that all have it: each parameter by how sure the rows of a network are of it.

        Returns
        -------
        self
        """
        how = Fit(self._starts_anew(), classes=classes, fisher=bool(fisher))
        self._fit_network(X, y, sample_weight, how)
