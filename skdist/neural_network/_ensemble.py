# SPDX-License-Identifier: BSD-3-Clause
"""One network that averages what several say, whatever they started from."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch
from typing import Any

from skdist._merge import import_families


def logit_ensemble(models: Iterable[Any]) -> Any:
    """One network that averages the logits of several, whatever they started from.

    ::

        logits(x) = sum_j n_j logits_j(x) / sum_j n_j        n_j the weight of the rows of j

    It is as large as all together, and an ordinary estimator. Of multilayer perceptrons, hidden
    layers stand side by side (matrices of hidden layers are block diagonal). Nets around torch
    modules become a net around all modules; of modules that give probabilities (those trained by
    ``torch.nn.NLLLoss``) the logarithms are averaged. Of regression, the outputs are averaged: of
    perceptrons, those before the last activation.

    Parameters
    ----------
    models : iterable of fitted estimators
        All perceptrons, ours or scikit-learn's, of the same columns, activation and number of
        layers, whose widths may differ; or all nets, ours or skorch's, whose modules may differ.
        Classifiers of the same classes, or regressors. If the rows of one are not known, as of
        scikit-learn's and skorch's own, all count alike.

    Returns
    -------
    model : DistributedMLPClassifier, DistributedMLPRegressor, or a net of the class of the first
        Fitted. It may go on with ``warm_start=True``.

    Raises
    ------
    ValueError
        If the models do not fit together, or there are none.
    TypeError
        If they are no networks.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdist import DistributedMLPClassifier
    >>> from skdist.neural_network import logit_ensemble
    >>> X, y = load_iris(return_X_y=True)
    >>> nets = [DistributedMLPClassifier(8, solver="lbfgs", random_state=s) for s in range(3)]
    >>> both = logit_ensemble([net.fit(X[s::3], y[s::3]) for s, net in enumerate(nets)])
    >>> [W.shape for W in both.coefs_]
    [(4, 24), (24, 3)]
    >>> both.score(X, y) > 0.95
    True
    """
    models = list(models)
    if not models:
        raise ValueError("logit_ensemble got no models; pass at least one fitted estimator.")
    import_families(models[0])
    return average_logits(models[0], models)


@singledispatch
def average_logits(first: Any, models: list[Any]) -> Any:
    """The ensemble of networks of the class of the first; kinds of networks register theirs."""
    raise TypeError(
        f"logit_ensemble got a {type(first).__name__}, which is no network; it takes multilayer "
        "perceptrons, and nets around torch modules."
    )
