# SPDX-License-Identifier: BSD-3-Clause
"""Nets fitted at different places become one.

    s = sum_j n_j s_j / sum_j n_j        s_j: parameters, buffers, moments; n_j: rows

if they started from the same parameters (running variances by Chan's formula), and

    logits(x) = sum_j n_j logits_j(x) / sum_j n_j

in any case. Importing it tells :func:`skdist.merge` of skorch's nets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import torch
from sklearn.base import is_classifier
from skorch import NeuralNet
from skorch.history import History

from skdist._merge import merge_models
from skdist._report import FitReport
from skdist.neural_network._torch_state import read_state, write_state
from skdist.summaries import NetworkState


@merge_models.register(NeuralNet)
def merge_nets(first: Any, models: list[Any], X: Any, y: Any, sample_weight: Any) -> Any:
    """The average of nets that started alike.

    Raises
    ------
    ValueError
        If they did not, or differ in classes or layers; or if rows are passed.
    """
    if X is not None:
        raise ValueError(
            "merge takes rows for forests only. To go on from a merged net with rows at hand: "
            "merged.partial_fit(X, y)."
        )
    check_alike(models)
    _check_start(models)
    state = reduce(add, [_state_of(model) for model in models])
    merged = _copy_without_shards(first)
    write_state(merged, state)
    merged._n_rows_, merged.n_shards_ = int(state.weight), sum(m.n_shards_ for m in models)
    why = f"{len(models)} nets that started alike were averaged by their rows."
    merged.report_ = FitReport(
        method=first.report_.method, strategy="merge", exact=False, why=(why,)
    )
    return merged


def _state_of(net: Any) -> NetworkState:
    """With what its optimiser remembers, where that can be averaged."""
    try:
        return read_state(net, float(net._n_rows_))
    except TypeError:
        return read_state(net, float(net._n_rows_), moments=False)


def _copy_without_shards(net: Any) -> Any:
    merged = deepcopy(net)
    merged.history = History()
    return merged


def check_alike(models: Sequence[Any]) -> None:
    """Raise if nets differ in what can be averaged at all."""
    first = models[0]
    for model in models:
        if not isinstance(model, NeuralNet) or is_classifier(first) != is_classifier(model):
            raise ValueError(
                f"merge got a {type(first).__name__} and a {type(model).__name__}: nets of "
                "different kinds."
            )
        model.check_is_fitted()
        if is_classifier(first) and not np.array_equal(first.classes_, model.classes_):
            raise ValueError(
                f"merge got nets of the classes {first.classes_.tolist()} and "
                f"{model.classes_.tolist()}: their outputs mean different things. Tell every net "
                "of all classes there are, by its parameter classes=[...]."
            )


def _check_start(models: Sequence[Any]) -> None:
    """Raise if it is not known of nets that they started from the same parameters."""
    starts = {vars(model).get("_start_") for model in models}
    if len(starts) == 1 and None not in starts:
        return
    raise ValueError(
        f"merge got {len(models)} nets that did not start from the same parameters (or of which "
        "that is not known, as of skorch's own). Hidden units of such nets do not correspond, and "
        "averaging them is meaningless. Call torch.manual_seed with the same number before each "
        "fit_shard, or go on from copies of one net with warm_start=True; or average what they "
        "predict: skdist.neural_network.net_ensemble(models)."
    )


class AveragedModules(torch.nn.Module):
    """``sum_j s_j f_j(x)``, or of probabilities p_j ``softmax(sum_j s_j log p_j(x))``.

    Parameters
    ----------
    modules : sequence of Module
        The f_j.
    shares : sequence of float
        The s_j; their sum is 1.
    probabilities : bool
        Whether the modules give probabilities.
    """

    def __init__(
        self, modules: Sequence[torch.nn.Module], shares: Sequence[float], probabilities: bool
    ) -> None:
        super().__init__()
        self.members = torch.nn.ModuleList(modules)
        self.shares = tuple(shares)
        self.probabilities = probabilities

    def forward(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """The average for some rows."""
        outputs = [member(*args, **kwargs) for member in self.members]
        if self.probabilities:
            smallest = torch.finfo(outputs[0].dtype).tiny
            outputs = [output.clamp_min(smallest).log() for output in outputs]
        mean = sum(share * output for share, output in zip(self.shares, outputs, strict=True))
        return torch.softmax(mean, dim=-1) if self.probabilities else mean


def net_ensemble(models: Iterable[Any]) -> Any:
    """One net that averages what several give, whatever they started from.

    ::

        logits(x) = sum_j n_j logits_j(x) / sum_j n_j        n_j the rows of net j

    Of modules that give probabilities (those trained by ``torch.nn.NLLLoss``) the logarithms are
    averaged; of all others, regressors among them, the outputs.

    Parameters
    ----------
    models : iterable of fitted nets
        :class:`skdist.DistributedNeuralNetClassifier`, or skorch's, or regressors; of the same
        classes. Modules may differ. If the rows of one are not known, all count alike.

    Returns
    -------
    net : a net of the class of the first
        Fitted; its module is as large as all together.

    Raises
    ------
    ValueError
        If the nets do not fit together, or there are none.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> from skdist import DistributedNeuralNetClassifier
    >>> from skdist.neural_network import net_ensemble
    >>> X, y = load_iris(return_X_y=True)
    >>> nets = []
    >>> for seed in range(3):
    ...     _ = torch.manual_seed(seed)
    ...     net = DistributedNeuralNetClassifier(
    ...         torch.nn.Linear(4, 3), criterion=torch.nn.CrossEntropyLoss, lr=0.1, max_epochs=20,
    ...         train_split=None, verbose=0)
    ...     nets.append(net.fit_shard(X[seed::3].astype("float32"), y[seed::3]))
    >>> net_ensemble(nets).predict(X.astype("float32")).shape
    (150,)
    """
    models = list(models)
    if not models:
        raise ValueError("net_ensemble got no models; pass at least one fitted net.")
    check_alike(models)
    first = models[0]
    known = all("_n_rows_" in vars(model) for model in models)
    rows = np.array([model._n_rows_ if known else 1 for model in models], np.float64)
    module = AveragedModules(
        [deepcopy(model.module_) for model in models],
        (rows / rows.sum()).tolist(),
        isinstance(first.criterion_, torch.nn.NLLLoss),
    )
    own = first.get_params(deep=False)
    kept = {key: value for key, value in own.items() if not key.startswith("module")}
    net = type(first)(module=module, **kept).initialize()
    if "classes_inferred_" in vars(first):
        net.classes_inferred_ = first.classes_inferred_
    net._n_rows_, net.n_shards_ = int(rows.sum()), len(models)
    why = f"The outputs of {len(models)} nets are averaged."
    net.report_ = FitReport(
        method=type(net.optimizer_).__name__, strategy="ensemble", exact=False, why=(why,)
    )
    return net
