# SPDX-License-Identifier: BSD-3-Clause
"""What a fit did and what it cost: the value behind every estimator's `report_`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skdist._report_text import as_html, as_text

if TYPE_CHECKING:
    from skdist.sharding import Cost, Note, Record, TaskRecord


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
    feature_skew : float or None
        Largest distance of a feature's mean from that of all rows, in standard deviations, beyond
        what chance does; None where it was not measured.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skdist import DistributedRidge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> report = DistributedRidge(n_shards=2).fit(X, y).report_
    >>> [(shard.rows, shard.weight, shard.skew < 0.1) for shard in report.shards]
    [(range(0, 221), 221.0, True), (range(221, 442), 221.0, True)]
    """

    rows: range
    weight: float
    rates: tuple[float, ...]
    skew: float
    feature_skew: float | None = None


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
    compute, waiting, transfer : float
        Seconds in rounds. `compute`: of tasks, added up over the workers. `waiting`: of workers
        that had nothing to do while others computed, added up. `transfer`: in which nobody
        computed, since the driver packed, sent, received or merged.
    memory : mapping of str to int
        Bytes that ``"driver"``, and each worker that is another process, held at most: exact where
        a process had not held more before the fit, else as seen when tasks ended.
    tasks : tuple of TaskRecord
        Who computed what when: the last 2,048 of `n_tasks`.
    n_tasks : int
        Tasks in all.
    trace : tuple of Note
        Where the solver stood, round by round; thinned out evenly where there are over 2,048.
    certificate : float or None
        Upper bound of the sub-optimality, where the algorithm has one.
    shards : tuple of ShardFacts
    extra : mapping
        What a single family reports, e.g. the decision on a leaf refit.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skdist import DistributedRidge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> report = DistributedRidge(n_shards=2).fit(X, y).report_
    >>> report.strategy, report.exact, report.n_tasks == len(report.tasks)
    ('sums', True, True)
    >>> print(report)  # doctest: +ELLIPSIS
    method       ...
    strategy     sums; the same for any number of shards
    shards       2 of 221 rows, skew of y up to 0.0...
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
    compute: float = 0.0
    waiting: float = 0.0
    transfer: float = 0.0
    memory: Mapping[str, int] = field(default_factory=dict)
    tasks: tuple[TaskRecord, ...] = field(default=(), repr=False)
    n_tasks: int = 0
    trace: tuple[Note, ...] = field(default=(), repr=False)

    def charged(self, cost: Cost) -> FitReport:
        """The same, of a fit that has cost so much."""
        return replace(
            self,
            rounds=cost.rounds,
            bytes_down=cost.bytes_down,
            bytes_up=cost.bytes_up,
            retries=cost.retries,
            compute=cost.compute,
            waiting=cost.waiting,
            transfer=cost.transfer,
        )

    def recorded(self, record: Record) -> FitReport:
        """The same, with what was written down while the fit ran."""
        return replace(
            self,
            tasks=record.tasks,
            n_tasks=record.n_tasks,
            trace=record.trace,
            memory=record.memory,
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

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
