# SPDX-License-Identifier: BSD-3-Clause
"""The start of a net's training: rows are placed, and it is decided how often shards meet."""

from __future__ import annotations

import uuid
from hashlib import sha256
from typing import Any

import numpy as np
import torch

from skdist.neural_network._torch_order import places_of
from skdist.neural_network._torch_pace import local_steps_of
from skdist.neural_network._torch_recipe import recipe_of
from skdist.neural_network._torch_rows import PlacedRows, a_batch, place_rows
from skdist.neural_network._torch_training import Training


def shape_layers(net: Any, dataset: Any, fit_params: Any) -> None:
    """Show a net with lazy layers some rows: shards must start from parameters that are there."""
    batch = a_batch(dataset.shards) if isinstance(dataset, PlacedRows) else None
    if batch is None:
        batch = next(iter(net.get_iterator(dataset)))
    net.evaluation_step(batch, training=False, **fit_params)


def start_training(net: Any, dataset: Any, fit_params: Any, n_shards: int) -> Training:
    """Place the rows of a data set, and decide how often shards meet.

    Raises
    ------
    ValueError
        If there are fewer rows than shards.
    """
    n, fit, seed, order = len(dataset), uuid.uuid4().hex, _seed(net), None
    if n_shards > n:
        raise ValueError(
            f"n_shards={n_shards} is more than there are rows to train on, n_samples={n}; take "
            "fewer shards, or None."
        )
    if isinstance(dataset, PlacedRows):
        shards = dataset.shards
    else:
        if net.sync == "local":  # so that shards have like rows; each keeps those it has in order
            dealt = np.random.default_rng(seed).permutation(n)
            order = np.concatenate([np.sort(part) for part in np.array_split(dealt, n_shards)])
        shards = place_rows(net, dataset, order, n_shards, net.n_jobs)
    recipe = recipe_of(net, fit, shards.n_shards, fit_params)
    places = places_of(shards.rows, np.arange(n) if order is None else order)
    training = Training(net, dataset, shards, recipe, places, 0, seed)
    if net.sync == "local":
        training.local_steps = local_steps_of(training)
    return training


def _seed(net: Any) -> int:
    """From the state of torch's generator, which stays as it is: rows are drawn from it next."""
    state = torch.get_rng_state().numpy().tobytes()
    return int.from_bytes(sha256(state + b"%d" % len(net.history)).digest()[:4])
