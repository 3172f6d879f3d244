# SPDX-License-Identifier: BSD-3-Clause
"""
What do averages cost a convolutional net?
==========================================

Four shards train one small convolutional net of torch. They may merge the gradients of every step,
which is what one process would do, or take H steps apart before their nets are averaged. How much
worse does the net learn, and how many bytes does that save?
"""

import warnings

import joblib
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn

from skdist import DistributedNeuralNetClassifier

X, y = load_digits(return_X_y=True)
pictures = (X / 16).astype("float32").reshape(-1, 1, 8, 8)
X_train, X_test, y_train, y_test = train_test_split(pictures, y, test_size=597, random_state=0)
torch.set_num_threads(1)  # pictures of 64 pixels are too small to share the work on one


def conv_net():
    """Two convolutions and a dense layer, 3,818 parameters, drawn from torch's generator."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip


def fitted(**sync):
    """A net after eight epochs on four shards, in two worker processes."""
    torch.manual_seed(0)  # all nets start from the same parameters
    net = DistributedNeuralNetClassifier(
        conv_net(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.002,
        batch_size=30,
        max_epochs=8,
        iterator_train__shuffle=True,
        train_split=predefined_split(Dataset(X_test, y_test)),  # looked at after each epoch
        n_shards=4,
        verbose=0,
        **sync,
    )
    with warnings.catch_warnings(), joblib.parallel_config(backend="loky", n_jobs=2):
        # These digits are too few to gain from processes. What is sent is the question here.
        warnings.filterwarnings("ignore", "A task of this fit took")
        return net.fit(X_train, y_train)


# %%
# A batch is 30 rows. Merged gradients spread one batch over the shards, which makes 40 steps an
# epoch; averages have a batch on each shard, ten steps an epoch, of four times the length.
nets = {"gradients of every step": fitted(sync="gradient")}
for steps in (2, 10):
    nets[f"averages, H = {steps}"] = fitted(sync="local", local_steps=steps)

# %%
# The history of a fit has a line for each round, with the bytes that it moved in both directions.
plt.style.use("tableau-colorblind10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
for (name, net), marker in zip(nets.items(), "Dos", strict=True):
    accuracy = net.history[:, "valid_acc"]
    epochs = np.arange(1, len(accuracy) + 1)
    rounds = net.report_.extra["history"]
    sent = [sum(r.n_bytes for r in rounds if r.epoch <= epoch) / 1e6 for epoch in epochs]
    print(f"{name:>23}: {len(rounds):3d} rounds, {sent[-1]:4.1f} MB, accuracy {accuracy[-1]:.3f}")
    left.plot(epochs, accuracy, marker=marker, label=name)
    right.plot(sent, accuracy, marker=marker)
left.set(xlabel="epochs", ylabel="accuracy on 597 rows held out")
left.legend(title="what is merged")
right.set(xscale="log", xlabel="sent down and up, megabytes")
right.set_xticks([0.3, 1, 3, 10, 30], [0.3, 1, 3, 10, 30])
right.minorticks_off()
plt.show()

# %%
# Averages learn more slowly at first, whatever H is, and catch up after seven epochs: what
# is left is two pictures of the 597. Against merged gradients a round for every ten steps moves a
# twenty-fifth of the bytes. These shards are alike. Where they are not, averages cost more:
# :ref:`sphx_glr_auto_examples_plot_sorted_shards.py`.
