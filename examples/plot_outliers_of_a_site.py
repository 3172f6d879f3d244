# SPDX-License-Identifier: BSD-3-Clause
"""
What do the outliers of one site do to a line?
==============================================

Three sites measure the same thing, and the instrument of one of them fails now and then. Least
squares and Huber regression are fitted to the rows of all sites, and Huber models of the single
sites are merged. Which of the lines stay where they belong?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_regression

import skdist

X, y, slope = make_regression(900, 1, noise=15.0, coef=True, random_state=0)
site = np.repeat([0, 1, 2], 300)
grid = np.linspace(X.min(), X.max(), 2).reshape(-1, 1)


def spoilt(share):
    """y, after the instrument of site 2 has failed for this share of its highest readings."""
    values, rows = y.copy(), np.flatnonzero(site == 2)
    highest = rows[np.argsort(X[rows, 0])[::-1]]
    failed = highest[: round(share * len(rows))]
    values[failed] = -250.0
    return values, failed


def at_sites(values):
    """A model of each site, fitted there."""
    return [
        skdist.DistributedHuberRegressor().fit_shard(X[site == k], values[site == k])
        for k in range(3)
    ]


def fitted(values):
    """Three lines for these readings."""
    huber = skdist.DistributedHuberRegressor(n_shards=3)
    return {
        "least squares": skdist.DistributedLinearRegression(n_shards=3).fit(X, values),
        "Huber, models of three sites merged": skdist.merge(at_sites(values)),
        "Huber, sums of three shards merged": huber.fit(X, values),
    }


# %%
# On the left a fifth of that site's readings has failed, on the right none to half of them.
values, failed = spoilt(0.2)
lines = fitted(values)
found = lines["Huber, sums of three shards merged"].outliers_
print(f"{found[failed].sum()} of the {len(failed)} readings that failed are outliers to all rows")
for k, model in enumerate(at_sites(values)):
    print(
        f"site {k} alone: slope {model.coef_[0]:5.1f}, scale of the residuals {model.scale_:4.1f}"
    )

shares = np.linspace(0, 0.5, 11)
slopes = [{name: model.coef_[0] for name, model in fitted(spoilt(s)[0]).items()} for s in shares]

# %%
plt.style.use("tableau-colorblind10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
left.scatter(X, values, s=5, color="lightgrey", label="readings")
left.scatter(X[failed], values[failed], s=14, marker="x", color="black", label="failed")
for (name, model), color, dash in zip(
    lines.items(), ["C1", "C3", "C0"], ["--", ":", "-"], strict=True
):
    left.plot(grid, model.predict(grid), dash, color=color, linewidth=2.5)
    right.plot(100 * shares, [s[name] for s in slopes], dash, marker="o", color=color, label=name)
left.set(xlabel="x", ylabel="y", title="One reading of five has failed at one site")
left.legend(loc="upper left")
right.axhline(slope, color="grey", linewidth=0.8)
right.annotate(
    "the slope that made the data",
    (50, slope),
    ha="right",
    xytext=(0, 5),
    textcoords="offset points",
)
right.set(xlabel="readings of one site that have failed, %", ylabel="slope of the line")
right.set(ylim=(35, 105))
figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# Least squares gives way at once. The Huber fit on merged sums finds that the failed readings are
# few among all rows, and lets each pull by its distance and not by its square: half of a site may
# fail before the slope has lost a twentieth. A site alone does not know the other rows. Somewhere
# between 15 and 20 % its own line turns towards the failed readings, and a third of that is in the
# mean of the three models. So let sums be merged where rows may be asked for them. Where models of
# sites must do, look at them before they are averaged: the scale of the residuals, printed above,
# tells which one is unlike the others.
