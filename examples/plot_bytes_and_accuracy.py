# SPDX-License-Identifier: BSD-3-Clause
"""
How much accuracy does a byte buy?
==================================

Four shards train one neural network. They may merge the gradients of every step, or take H steps
each before parameters and moments are averaged. The fewer rounds, the fewer bytes: does the network
get worse?
"""

import warnings

import joblib
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from skdist import DistributedMLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    (X / 16).astype("float32"), y, test_size=600, random_state=0
)


def fitted(**sync):
    """A network after fifteen passes over the rows on four shards, in two worker processes."""
    net = DistributedMLPClassifier((32,), n_shards=4, max_iter=15, random_state=0, **sync)
    with warnings.catch_warnings(), joblib.parallel_config(backend="loky", n_jobs=2):
        warnings.simplefilter("ignore", ConvergenceWarning)  # passes are limited on purpose
        # True: these digits are too few to gain from processes. What is sent is the question here.
        warnings.filterwarnings("ignore", "A task of this fit took")
        return net.fit(X_train, y_train)


# %%
# Threads share memory and send nothing. Here the workers are processes, and ``report_`` counts the
# bytes of both directions: the rows once, then parameters or gradients in each round. Four shards
# that step side by side take steps four times as long as one would; merged gradients do not, and
# are given the longer step by hand, to compare like with like.
models = {
    f"averages, H = {steps}": fitted(sync="local", local_steps=steps, batch_size=25)
    for steps in (1, 2, 6, 12)
}
models["merged gradients"] = fitted(sync="gradient", batch_size=100, learning_rate_init=0.004)

plt.style.use("tableau-colorblind10")
figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for (name, model), marker in zip(models.items(), "os^vD", strict=True):
    megabytes = (model.report_.bytes_down + model.report_.bytes_up) / 1e6
    score = model.score(X_test, y_test)
    print(
        f"{name:>16}: {model.report_.rounds:4d} rounds, {megabytes:5.2f} MB, accuracy {score:.3f}"
    )
    ax.plot(megabytes, score, marker, markersize=9, label=name)
ax.set(xscale="log", xlabel="sent down and up, megabytes", ylabel="accuracy on 600 rows held out")
ax.set(ylim=(0.9, 0.98))
ax.set_xticks([5, 10, 20, 40], [5, 10, 20, 40])
ax.minorticks_off()
ax.legend(title="what is merged; H: steps between rounds")
plt.show()

# %%
# On shards that are alike, as these are, a round for every twelve steps is as good as one for every
# step, at a fraction of the bytes. (Merged gradients are one set of numbers per step; averages are
# three, since Adam's two moments travel along.) Where shards are unlike this is no longer so: see
# :ref:`sphx_glr_auto_examples_plot_sorted_shards.py`.
