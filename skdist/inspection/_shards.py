# SPDX-License-Identifier: BSD-3-Clause
"""How alike the shards are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skdist._report import ShardFacts
from skdist._skew import FEATURES_TOO_SKEWED, TOO_SKEWED
from skdist.inspection._drawing import ALARM, COLOURS, colour, new_axes, report_of

# Shards up to which the skew of each is written above it.
MOST_NUMBERED = 24
OTHERS = len(COLOURS) - 1


class ShardDisplay:
    """Rows of each shard, and of which class; what would make averaging unsafe stands out.

    A bar per shard, as high as it has rows, parted by class; above it its skew: half the sum of
    absolute differences between its class rates and those of all rows; for regression, the
    distance of its mean of y from that of all rows, in standard deviations. Where the features were
    looked at, as before averages, a second number is the largest distance of a feature's mean from
    that of all rows, in standard deviations. Shards beyond 0.25, or 0.5 in a feature, are framed
    and hatched. Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    shards : sequence of ShardFacts
    classes : sequence, default=None
        Labels, of the class rates; None for regression.

    Attributes
    ----------
    bars_ : list of matplotlib containers
        One per class; of regression, one.
    too_skewed_ : list of int
        Numbers of the shards that stand out.
    ax_ : matplotlib axes
    figure_ : matplotlib figure

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdist import DistributedLogisticRegression
    >>> from skdist.inspection import ShardDisplay
    >>> X, y = load_iris(return_X_y=True)  # sorted by label
    >>> model = DistributedLogisticRegression(n_shards=3).fit(X, y)
    >>> display = ShardDisplay.from_estimator(model)
    >>> display.too_skewed_
    [0, 1, 2]
    """

    def __init__(self, shards: Sequence[ShardFacts], classes: Sequence[Any] | None = None) -> None:
        self.shards = list(shards)
        self.classes = None if classes is None else list(classes)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> ShardDisplay:
        """Draw the shards of a fit.

        Parameters
        ----------
        estimator : fitted estimator
        ax : matplotlib axes, default=None
            Where to draw; by default a new figure.

        Returns
        -------
        display : ShardDisplay

        Raises
        ------
        ValueError
            If the report has no table of shards: fits of scikit-learn's own, several targets.
        ImportError
            If matplotlib is not installed.
        """
        report = report_of(estimator)
        if not report.shards:
            raise ValueError(
                f"{type(estimator).__name__} has no table of shards to draw: it was fitted by "
                f"{report.method!r}, {report.strategy!r}, or to several targets."
            )
        classes = vars(estimator).get("classes_")
        n_rates = max(len(shard.rates) for shard in report.shards)
        known = classes is not None and len(classes) == n_rates
        return cls(report.shards, classes if known else None).plot(ax=ax)

    def plot(self, ax: Any = None) -> ShardDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, default=None
            By default a new figure.

        Returns
        -------
        display : ShardDisplay
        """
        self.ax_, self.figure_ = new_axes(self, ax)
        n_rows = np.array([len(shard.rows) for shard in self.shards], float)
        self.too_skewed_ = [k for k, shard in enumerate(self.shards) if _is_too_skewed(shard)]
        self.bars_, bottom = [], np.zeros(len(n_rows))
        for k, (label, share) in enumerate(self._parts()):
            look = {"color": colour(k), "label": label}
            self.bars_.append(
                self.ax_.bar(range(len(n_rows)), n_rows * share, bottom=bottom, **look)
            )
            bottom = bottom + n_rows * share
        self._mark(n_rows)
        of_features = any(shard.feature_skew is not None for shard in self.shards)
        also = ", x: of a feature" if of_features else ""
        self.ax_.set_xlabel(f"Shard (above it: its skew{also})")
        self.ax_.set_ylabel("Rows")
        self.ax_.set_ylim(0.0, (1.2 if of_features else 1.1) * max(n_rows.max(), 1.0))
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        if self.ax_.get_legend_handles_labels()[0]:
            self.ax_.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title=self._title())
        return self

    def _title(self) -> str | None:
        return None if self.classes is None else "Class"

    def _parts(self) -> list[tuple[str | None, np.ndarray]]:
        """Label and share of the rows of each shard; small classes beyond the colours together."""
        if self.classes is None:
            return [(None, np.ones(len(self.shards)))]
        rates = np.array([shard.rates or (0.0,) * len(self.classes) for shard in self.shards])
        if len(self.classes) <= OTHERS:
            return [(str(c), rates[:, k]) for k, c in enumerate(self.classes)]
        largest = np.sort(np.argsort(-rates.sum(axis=0), kind="stable")[:OTHERS])
        rest = np.delete(rates, largest, axis=1)
        named = [(str(self.classes[k]), rates[:, k]) for k in largest]
        return [*named, (f"{rest.shape[1]} others", rest.sum(axis=1))]

    def _mark(self, n_rows: np.ndarray) -> None:
        """Frame shards that are too unlike the rest, and write the skew above."""
        if self.too_skewed_:
            self.ax_.bar(
                self.too_skewed_,
                n_rows[self.too_skewed_],
                fill=False,
                edgecolor=ALARM,
                hatch="//",
                linewidth=2.0,
                label="too unlike:\ndo not average",
            )
        every = len(self.shards) <= MOST_NUMBERED
        for k, shard in enumerate(self.shards):
            stands_out = k in self.too_skewed_
            if every or stands_out:
                self.ax_.annotate(
                    _skew_of(shard),
                    (k, n_rows[k]),
                    xytext=(0, 3),
                    textcoords="offset points",
                    ha="center",
                    fontsize="small",
                    color=ALARM if stands_out else "black",
                    fontweight="bold" if stands_out else "normal",
                )


def _is_too_skewed(shard: ShardFacts) -> bool:
    return shard.skew > TOO_SKEWED or (shard.feature_skew or 0.0) > FEATURES_TOO_SKEWED


def _skew_of(shard: ShardFacts) -> str:
    """That of y, and below it that of the features, as far as they were measured."""
    of_y = "" if np.isnan(shard.skew) else f"{shard.skew:.2f}"
    of_x = "" if shard.feature_skew is None else f"x: {shard.feature_skew:.2f}"
    return "\n".join(part for part in (of_y, of_x) if part)
