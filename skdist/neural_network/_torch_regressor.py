# SPDX-License-Identifier: BSD-3-Clause
"""Regressors around any torch module, trained over shards of the rows."""

from __future__ import annotations

from skorch import NeuralNetRegressor

from skdist._on_collections import OnCollections
from skdist.neural_network._torch_net import DistributedNeuralNet


class DistributedNeuralNetRegressor(OnCollections, DistributedNeuralNet, NeuralNetRegressor):
    """Regressor around any torch module, trained over shards of the rows.

    It is :class:`skorch.NeuralNetRegressor`, of which this is a subclass: the same parameters,
    callbacks, attributes and methods.

    Parameters
    ----------
    module : torch Module (class or instance)
        Its output has the shape of y, (n_samples, n_outputs).
    n_shards, sync, local_steps, outer, rate_factor, n_jobs, device, **kwargs
        As in :class:`DistributedNeuralNetClassifier`, with the same defaults.

    Attributes
    ----------
    module_, criterion_, optimizer_ : as skorch's
    history : History
        Epochs and batches; batches of all shards, told when their round is over.
    n_shards_ : int
    report_ : FitReport
        What the last fit did; see :class:`DistributedNeuralNetClassifier`.

    Raises
    ------
    ValueError
        In `fit`, when a loss, a gradient or a parameter is no number any more, naming the round and
        the shard. The net keeps the parameters of before that round.

    See Also
    --------
    DistributedNeuralNetClassifier : All parameters.
    skdist.merge : One net out of several that started alike and were fitted apart.
    DistributedMLPRegressor : Multilayer perceptrons without torch.

    Notes
    -----
    What is the same for any shards, what travels and what callbacks see is said in the notes of
    :class:`DistributedNeuralNetClassifier`.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import make_regression
    >>> from skdist import DistributedNeuralNetRegressor
    >>> X, y = (a.astype("float32") for a in make_regression(400, 5, random_state=0))
    >>> _ = torch.manual_seed(0)
    >>> net = DistributedNeuralNetRegressor(
    ...     torch.nn.Linear(5, 1), lr=0.1, max_epochs=20, sync="gradient", n_shards=2, verbose=0)
    >>> net.fit(X, y.reshape(-1, 1)).score(X, y.reshape(-1, 1)) > 0.99
    True
    """
