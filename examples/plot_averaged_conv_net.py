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
for steps in (1, 3, 10):
    nets[f"averages, H = {steps}"] = fitted(sync="local", local_steps=steps)

# %%
plt.style.use("tableau-colorblind10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for (name, net), marker in zip(nets.items(), "Dos^", strict=True):
    report, accuracy = net.report_, net.history[:, "valid_acc"]
    megabytes = (report.bytes_down + report.bytes_up) / 1e6
    print(f"{name:>23}: {report.rounds:3d} rounds, {megabytes:4.1f} MB, {accuracy[-1]:.3f}")
    left.plot(range(1, 9), accuracy, marker=marker, label=name)
    right.plot(megabytes, accuracy[-1], marker, markersize=9)
left.set(xlabel="epochs", ylabel="accuracy on 597 rows held out")
left.legend(title="what is merged")
right.set(xscale="log", xlabel="sent down and up, megabytes", ylim=left.get_ylim())
right.set(title="After eight epochs", ylabel="accuracy")
right.set_xticks([2, 5, 10, 20, 50], [2, 5, 10, 20, 50])
right.minorticks_off()
plt.show()

# %%
