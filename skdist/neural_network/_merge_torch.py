# SPDX-License-Identifier: BSD-3-Clause
"""Nets fitted at different places become one.

    s = sum_j n_j s_j / sum_j n_j        s_j: parameters, buffers, moments; n_j: rows

if they started from the same parameters (running variances by Chan's formula), and

    logits(x) = sum_j n_j logits_j(x) / sum_j n_j

in any case. Importing it tells :func:`skdist.merge` of skorch's nets.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import reduce
from operator import add
from typing import Any

import torch
from sklearn.base import is_classifier
from skorch import NeuralNet
from skorch.history import History

from skdist._merge import merge_models
from skdist._merge_checks import check_classes, check_kinds, check_no_rows
from skdist.neural_network._alike import check_start, report_of, rows_behind
from skdist.neural_network._ensemble import average_logits
from skdist.neural_network._torch_state import read_state, write_state
from skdist.summaries import NetworkState

TELL_CLASSES = "the parameter classes=[...] of a net"
SAME_START = (
    "Call torch.manual_seed with the same number before each fit_shard, or go on from copies of "
    "one net with warm_start=True"
)


@merge_models.register(NeuralNet)
def merge_nets(first: Any, models: list[Any], X: Any, y: Any, sample_weight: Any) -> Any:
    """The average of nets that started alike.

    Raises
    ------
    ValueError
        If they did not, or differ in classes or layers; or if rows are passed.
    """
    check_no_rows(X, "network", "merged.partial_fit(X, y)")
    check_kinds(models, _kind_of)
    check_classes(models, TELL_CLASSES)
    check_start(models, "_start_", "skorch's", SAME_START)
    state = reduce(add, [_state_of(model) for model in models])
    merged = _copy_without_shards(first)
    write_state(merged, state)
    merged._n_rows_, merged.n_shards_ = int(state.weight), sum(m.n_shards_ for m in models)
    why = f"{len(models)} nets that started alike were averaged by their rows."
    merged.report_ = report_of(first.report_.method, "merge", why)
    return merged


def _kind_of(model: Any) -> tuple[bool, bool]:
    return isinstance(model, NeuralNet), is_classifier(model)


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


@average_logits.register(NeuralNet)
def average_net_logits(first: Any, models: list[Any]) -> Any:
    """The ensemble of nets; see `logit_ensemble`."""
    check_kinds(models, _kind_of)
    check_classes(models, TELL_CLASSES)
    rows = rows_behind(models, "_n_rows_")
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
    net.report_ = report_of(type(net.optimizer_).__name__, "ensemble", why)
    return net
