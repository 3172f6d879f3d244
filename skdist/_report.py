# SPDX-License-Identifier: BSD-3-Clause
"""What a fit did and what it cost: the value behind every estimator's `report_`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skdist.sharding import Cost


@dataclass(frozen=True)
class ShardFacts:
    """One line of the table of shards.

    Parameters
    ----------
    rows : range
        The shard's rows, numbered among all.
    weight : float
        Sum of the sample weights; the number of rows where there are none.
    rates : tuple of float
        Share of each class in the weight; for regression the mean of y alone.
    skew : float
        Classification: half the sum of absolute differences from the rates of all rows (0: alike,
        near 1: a class of its own). Regression: distance of the mean from that of all rows, in
        standard deviations of y.
    """

    rows: range
    weight: float
    rates: tuple[float, ...]
    skew: float


@dataclass(frozen=True)
class FitReport:
    """How a model was fitted.

    Parameters
    ----------
    method : str
        What computed it, e.g. "hist" or "exact" trees.
    strategy : str
        How the work was spread; "local" where scikit-learn's own fit was used.
    exact : bool
        Whether the model is the same for any number of shards and workers.
    why : tuple of str
        Reasons for the method and the strategy, as sentences.
    rounds : int
        Communications: broadcast, map, merge.
    bytes_down, bytes_up : int
        Sent to the workers and back; 0 where memory is shared.
    retries : int
        Tasks that ran again because their worker died.
    seconds : mapping of str to float
        Wall-clock time per phase.
    certificate : float or None
        Upper bound of the sub-optimality, where the algorithm has one.
    shards : tuple of ShardFacts
    extra : mapping
        What a single family reports, e.g. the decision on a leaf refit.
    """

    method: str
    strategy: str
    exact: bool
    why: tuple[str, ...] = ()
    rounds: int = 0
    bytes_down: int = 0
    bytes_up: int = 0
    retries: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    certificate: float | None = None
    shards: tuple[ShardFacts, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)

    def charged(self, cost: Cost) -> FitReport:
        """The same, of a fit that has cost so much."""
        return replace(
            self,
            rounds=cost.rounds,
            bytes_down=cost.bytes_down,
            bytes_up=cost.bytes_up,
            retries=cost.retries,
        )

    def saying(self, why: str) -> FitReport:
        """The same with one more sentence of reasons."""
        return replace(self, why=(*self.why, why))

    def in_one_line(self) -> str:
        """What ``verbose=1`` prints."""
        times = ", ".join(f"{phase} {seconds:.2f} s" for phase, seconds in self.seconds.items())
        moved = f"{self.bytes_down:,} bytes down, {self.bytes_up:,} up"
        return (
            f"{self.method}, {self.strategy}, {len(self.shards)} shards: {times}; "
            f"{self.rounds} rounds, {moved}"
        )
