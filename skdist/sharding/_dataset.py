# SPDX-License-Identifier: BSD-3-Clause
"""Rows cut into shards, and the distributed operations on them."""

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from skdist._config import settings
from skdist.sharding._derived_shards import DerivedShards
from skdist.sharding._executors import Wave
from skdist.sharding._group_reduction import GroupReduction
from skdist.sharding._loop import Loop
from skdist.sharding._placed_shards import Merge
from skdist.sharding._recall import Asked, Deferred
from skdist.sharding._replicated import Replicated, copies
from skdist.sharding._running_fit import Round
from skdist.sharding._shard_functions import Carrying, summary_of
from skdist.sharding._tree import tree_fold

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class ShardedDataset(DerivedShards):
    """Rows cut into shards, each placed once where its tasks run.

    Made by :func:`shard_rows`. Functions are called as ``function(shard, *broadcast)``; they must
    be module-level and pure, since a task whose worker died is run again.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.sharding import shard_rows
    >>> shards = shard_rows(np.arange(10.0).reshape(-1, 1), n_shards=3, n_jobs=1)
    >>> float(shards.map_reduce(lambda shard, power: (shard.X**power).sum(), 2))
    285.0
    >>> shards.rows
    [range(0, 4), range(4, 7), range(7, 10)]
    """

    def map(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """``[function(shard, *broadcast) for each shard]``, in shard order, in the driver.

        Cost: one round; ``n_shards`` results come up.
        """
        return self._recalled(self._asked(function, broadcast), self._results)

    def map_reduce(
        self, summarize: Callable[..., Any], *broadcast: Any, merge: Merge = operator.add
    ) -> Any:
        """Merge ``summarize(shard, *broadcast)`` over the shards, in the driver.

        The summaries are folded in a fixed pairwise tree that depends on ``n_shards`` only, so
        the result has the same bits wherever the tasks ran.

        Parameters
        ----------
        summarize : callable
            ``summarize(shard, *broadcast) -> summary``.
        *broadcast : any
            Values sent to every shard.
        merge : callable, default=operator.add
            Associative; changes none of its arguments.

        Returns
        -------
        summary

        Notes
        -----
        Cost: one round; ``n_shards`` summaries come up.
        """

        def compute(round: Round, asked: Asked) -> Any:
            return tree_fold(merge, self._summaries(round, asked, merge))

        return self._recalled(self._asked(summarize, broadcast), compute)

    @property
    def may_leave_out(self) -> bool:
        """Whether rounds may go on without shards that are late: see ``config_context(quorum=)``.

        Not where rows are streamed: there a worker has many shards, one after the other.
        """
        return settings().quorum < 1.0 and not self._executor.streams

    def map_of_most(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """:meth:`map` that may go on without shards that are late: None in their place.

        For rounds that are not the last, and functions that return something. Without a quorum it
        is :meth:`map`.
        """
        if not self.may_leave_out:
            return self.map(function, *broadcast)
        return self._of_most(self._asked(function, broadcast), list)

    def map_reduce_of_most(
        self, summarize: Callable[..., Any], *broadcast: Any, merge: Merge = operator.add
    ) -> Any:
        """:meth:`map_reduce` that may go on without shards that are late.

        For summaries that say themselves of how many rows they are, in rounds that are not the
        last. Without a quorum it is :meth:`map_reduce`.
        """
        if not self.may_leave_out:
            return self.map_reduce(summarize, *broadcast, merge=merge)
        return self._of_most(self._asked(summarize, broadcast), partial(_folded, merge))

    def _of_most(self, asked: Asked, finish: Callable[[list[Any]], R]) -> R:
        """What `finish` makes of the answers, None of shards that are late: that is recorded."""

        def compute(round: Round, asked: Asked) -> tuple[R, list[int]]:
            answers = self._answers(round, asked)
            return finish(answers), [k for k, answer in enumerate(answers) if answer is None]

        found, late = self._recalled(asked, compute)
        self._fit.leave_out(late, self.rows)
        return found

    def fold(self, values: Sequence[Any], merge: Merge = operator.add) -> Any:
        """A value of each shard, merged in the order in which :meth:`map_reduce` merges."""
        return tree_fold(merge, values)

    def map_tree_reduce(self, summarize: Callable[..., Any], *broadcast: Any, merge: Merge) -> Any:
        """:meth:`map_reduce` with the merges run on the workers, for a merge that is costly.

        The tree is the same one, so the result is bit-identical.

        Notes
        -----
        Cost: one round; ``log2(n_shards)`` waves of tasks; on Dask one summary comes up.
        """

        def compute(_: Round, asked: Asked) -> Any:
            level, labels = self._run(asked), self._labels
            while len(level) > 1:
                level, labels = self._merge_level(level, labels, merge)
            return self._executor.collect(level, self._meter)[0]

        return self._recalled(self._asked(summarize, broadcast), compute)

    def map_reduce_carrying(
        self,
        function: Callable[..., Any],
        carried: Sequence[Any] | None,
        *broadcast: Any,
        merge: Merge = operator.add,
    ) -> tuple[Any, Sequence[Any]]:
        """:meth:`map_reduce` of a function that leaves a value with its shard for the next time.

        Parameters
        ----------
        function : callable
            ``function(shard, own, *broadcast) -> (summary, own)``; module-level and pure.
        carried : sequence or None
            What the last call gave; ``None``: `own` is None.
        *broadcast : any
            Values sent to every shard.
        merge : callable, default=operator.add
            Of summaries, in the fixed tree.

        Returns
        -------
        merged : summary
        carried : sequence
            Stays where it was made, as values of :meth:`map_shards` do.

        Notes
        -----
        Cost: one round of two waves. A lost worker's values are made again from the first call
        that `carried` goes back to, and so are those of a fit that read its last rounds from a
        journal, where one is computed: begin anew with None now and then.
        """
        number, made = self._fit.n_rounds, list[Sequence[Any]]()

        def compute(round: Round, asked: Asked) -> Any:
            made.append(self._carry(asked, carried))
            told = Wave(summary_of, [(pair,) for pair in made[0]], (), self._labels)
            return tree_fold(merge, self._fit.run(self._executor, told, self._meter, round))

        def again() -> Sequence[Any]:
            with self._round(function, self.n_shards, number):
                return self._carry(self._asked(function, broadcast), carried)

        merged = self._recalled(self._asked(function, broadcast), compute)
        return merged, made[0] if made else Deferred(self.n_shards, again)

    def _carry(self, asked: Asked, carried: Sequence[Any] | None) -> Sequence[Any]:
        """Summaries, and what shards carry on from what they carried."""
        before = carried or [None] * self.n_shards
        wave = self._wave(replace(asked, function=Carrying(asked.function)))
        own = list(zip(self._pieces, before, strict=True))
        return self._made(replace(wave, own=own, rows=None))  # what is carried does not move

    def group_reduce(
        self,
        extract: Callable[..., Any],
        groups: Iterable[Any],
        *broadcast: Any,
        merge: Merge,
        finish: Callable[[Any, Any], Any],
    ) -> list[Any]:
        """Bring each group's pieces of all shards together at one worker, and finish it there.

        ``[finish(group, merge of extract(shard, group, *broadcast) over the shards) for group]``,
        merged in shard order in the fixed tree. Groups run in parallel. On Dask the pieces go
        from worker to worker, not through the driver.

        Parameters
        ----------
        extract : callable
            ``extract(shard, group, *broadcast) -> piece``.
        groups : iterable
            Small values that name the groups.
        *broadcast : any
            Values sent to every shard.
        merge : callable
            Associative; changes none of its arguments.
        finish : callable
            ``finish(group, merged) -> result``.

        Returns
        -------
        results : list
            One per group, in the order of `groups`.
        """
        groups = list(groups)
        reduction = GroupReduction(self._viewed(extract), merge, finish, self._labels)
        question = (reduction.extract, merge, groups, broadcast)

        def compute(round: Round, _: Asked) -> list[Any]:
            wave = self._brought_together(reduction, groups, broadcast)
            return self._fit.run(self._executor, wave, self._meter, round)

        return self._recalled(Asked(finish, question, len(groups), self._view), compute)

    def _brought_together(
        self, reduction: GroupReduction, groups: list[Any], broadcast: tuple[Any, ...]
    ) -> Wave:
        """The tasks that finish the groups."""
        executor, pieces = self._executor, self._pieces
        reads_are_free = executor.shares_files or (executor.streams and self._kept)
        if reads_are_free:
            return reduction.in_place(pieces, groups, broadcast, executor.streams)
        run = partial(executor.run, meter=self._meter)
        return reduction.apart(pieces, groups, broadcast, run)

    def replicated(self, value: Any) -> Replicated:
        """`value` on every worker that may hold shards of this data set: see :func:`replicate`."""
        return copies(value, self._executor)

    def loop(self, *, replays: bool = True) -> Loop:
        """A solver's loop, which begins now, and whose state a journal may keep.

        Only a solver whose rounds bring up too much to be recorded one by one needs it.

        Parameters
        ----------
        replays : bool, default=True
            Whether the loop asks for the same rounds again when it goes on from a state.

        Returns
        -------
        loop : Loop
            ``loop.latest(start)`` is the state to begin with, ``loop.keep(state)`` is said where
            the loop can go on from `state` alone, and ``loop.keep(result, last=True)`` at its end.
        """
        return self._fit.loop(replays=replays)

    @property
    def time_is_up(self) -> bool:
        """Whether the fit is to end with what it has: see ``config_context(max_time=...)``."""
        return self._fit.time_is_up

    def note(self, state: Any = None, **values: float) -> None:
        """Say where the solver stands, to whoever watches the fit.

        Parameters
        ----------
        state : any, optional
            The parameters there, from which the estimator can make a model.
        **values : float
            E.g. the ``objective`` and its ``certificate``, after the rounds so far.
        """
        self._fit.note(state, **values)


def _folded(merge: Merge, answers: Sequence[Any]) -> Any:
    """The answers that are there, merged."""
    return tree_fold(merge, [answer for answer in answers if answer is not None])
