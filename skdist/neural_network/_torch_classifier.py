# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers around any torch module, trained over shards of the rows."""

from __future__ import annotations

from skorch import NeuralNetClassifier

from skdist._on_collections import ClassesOnCollections
from skdist.neural_network._torch_net import DistributedNeuralNet


class DistributedNeuralNetClassifier(
    ClassesOnCollections, DistributedNeuralNet, NeuralNetClassifier
):
    """Classifier around any torch module, trained over shards of the rows.

    It is :class:`skorch.NeuralNetClassifier`, of which this is a subclass: the same parameters,
    callbacks, attributes and methods.

    Parameters
    ----------
    module : torch Module (class or instance)
        Its output are probabilities with the default criterion, ``torch.nn.NLLLoss``, of which
        skorch takes the logarithm; scores with ``torch.nn.CrossEntropyLoss``.
    n_shards : int, default=None
        Pieces of the rows that are trained on side by side. None is one per CUDA device where the
        net is on CUDA; else 1 up to 24,575 rows, 2 up to 131,071 and 4 beyond. Part of the model
        with ``sync="local"``.
    sync : {"local", "gradient"}, default="local"
        "local": each shard takes H steps on batches of its own rows; then parameters, optimiser
        moments and running statistics are averaged by the rows met. "gradient": every batch is
        spread over the shards and its gradients are summed: the same fit for any number of shards,
        but for layers that look at a whole batch (see the notes), at a round per step.
    local_steps : int, "auto" or "measured", default="auto"
        H. "auto" is ``9 t_round / t_step``, between 1 and a quarter of an epoch, so that rounds
        take a tenth of the time; of nominal times, from the counted work of a step and the bytes of
        a round, so that the same seed gives the same model. `report_` has the measured ones.
        "measured" goes by these, of two rounds that are forgotten: the net then depends on how
        fast workers and network were.
    outer : {"average", "nesterov"}, default="average"
        "nesterov" takes the average as a direction, and goes along it with rate 0.7 and Nesterov's
        momentum 0.9 [2]_; worth a try where rounds are rare.
    rate_factor : float or "auto", default="auto"
        How many times as long steps are as `lr` says, with ``sync="local"``. An epoch of m shards
        has an m-th of the steps of one, and the mean of m steps is less noisy: "auto" is m, at most
        8. 1.0 is `lr` as it is.
    n_jobs : int, default=None
        How many shards are trained at once; -1 is all cores or slots, None what
        :func:`joblib.parallel_config` says, and all cores where it says nothing. Never changes the
        model.
    device : str, default="cuda" where there is some, else "cpu"
        With several shards on CUDA, each has a device of its own.
    **kwargs : dict
        All other parameters of skorch's class: `optimizer`, `lr`, `max_epochs`, `batch_size`,
        `callbacks`, ``module__...``, ``optimizer__...``, ``iterator_train__...`` and so on.

    Attributes
    ----------
    module_, criterion_, optimizer_ : as skorch's
    history : History
        Epochs and batches; batches of all shards, told when their round is over.
    n_shards_ : int
    report_ : FitReport
        What the last fit did: `strategy` ("local" is skorch's own loop), `exact`, `why`, `rounds`,
        `bytes_down`, `bytes_up`, `retries`, `seconds`; and in `extra` "history", for each round its
        epoch, steps, loss, bytes, seconds, and the agreement ``|mean D|^2 / mean |D|^2`` of the
        shards' moves D (1 where all moved alike, one over their number where they had nothing in
        common); "local_steps"; "rate_factor"; and "measured": seconds of a round and of a step, and
        the H that these ask for.

    Raises
    ------
    ValueError
        In `fit`, when a loss, a gradient or a parameter is no number any more, naming the round and
        the shard. The net keeps the parameters of before that round.

    See Also
    --------
    skdist.merge : One net out of several that started alike and were fitted apart.
    DistributedMLPClassifier : Multilayer perceptrons without torch.

    Notes
    -----
    X and y may be Dask collections: partitions are the shards, ``train_split`` must be None or
    ``skorch.helper.predefined_split(...)``.

    One shard is skorch's own loop, bit for bit. Rows in memory are dealt to several shards at
    random with ``sync="local"``; each keeps the order that the iterator draws.

    Batch normalisation: running means and variances of the shards merge by Chan's formula; with
    "gradient" each shard normalises its own part of a batch, which must then have two rows at
    least. Dropout draws from a generator of each shard's own, so that threads give what processes
    give. PyTorch's threads are divided among the shards of a machine.

    Only arrays travel, and names: modules, criteria and optimisers must be importable where shards
    are in other processes. With D parameters, a round of "local" with Adam is 12 D bytes down and
    up per shard, once in H steps; one of "gradient" 4 D down and 4 D up, every step. Callbacks are
    run here, and hear of the batches of a round when it is over; only those of `on_grad_computed`
    are sent to the shards, as copies. With "local", a scheduler of steps moves between rounds.

    References
    ----------
    .. [1] S. U. Stich, "Local SGD Converges Fast and Communicates Little", ICLR 2019.
    .. [2] A. Douillard et al., "DiLoCo: Distributed Low-Communication Training of Language Models",
       2023.
    .. [3] A. Iacob et al., "DES-LOC: Desynced Low Communication Adaptive Optimizers", 2025.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> from skdist import DistributedNeuralNetClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> _ = torch.manual_seed(0)
    >>> module = torch.nn.Sequential(
    ...     torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))
    >>> net = DistributedNeuralNetClassifier(
    ...     module, criterion=torch.nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=0.02,
    ...     max_epochs=20, batch_size=16, iterator_train__shuffle=True, n_shards=2, verbose=0)
    >>> net.fit(X.astype("float32"), y).score(X.astype("float32"), y) > 0.9
    True
    >>> net.report_.strategy, net.n_shards_
    ('average', 2)
    """
