# SPDX-License-Identifier: BSD-3-Clause
"""Runs of shards that are folded in one place before their summary travels.

A run is 2^j consecutive shards, a whole branch of the tree in which all summaries are folded, so
that the result has the bits it has where every summary comes to the driver. A task folds a run, of
streamed shards or of neighbours that a worker of a cluster holds: few summaries are alive at once,
and there are few tasks. On a cluster what tasks made is folded once more where it is, if it is
large; if it is small, a task takes a group of any shards that a worker holds, and folds the
branches among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from skdist.sharding._executors import Arrived, Held, Wave
from skdist.sharding._faults import annotated
from skdist.sharding._store import Lazily, opened

Merge = Callable[[Any, Any], Any]

RUNS_PER_WORKER = 4  # at least, so that none waits long for the last
# A task on a cluster has all its shards in memory, those too that the worker had spilled to disk.
# Of larger runs the milliseconds that a task costs are little beside computing them.
MOST_BYTES_OF_RUN = 1 << 26


def run_length(n_shards: int, workers: int) -> int:
    """Shards of a run: a power of two."""
    return 1 << max((n_shards // (RUNS_PER_WORKER * workers)).bit_length() - 1, 0)


def even_runs(n_shards: int, workers: int) -> list[range]:
    """The shards in runs of one length."""
    step = run_length(n_shards, workers)
    return [range(k, min(k + step, n_shards)) for k in range(0, n_shards, step)]


def runs_of_neighbours(held: Sequence[Held], workers: int) -> list[range]:
    """The shards in the longest runs that are at one worker each, and of few bytes."""
    n, step = len(held), run_length(len(held), workers)

    def split(start: int, length: int) -> Iterator[range]:
        run = range(start, min(start + length, n))
        if length == 1 or are_neighbours([held[k] for k in run]):
            yield run
        else:
            yield from split(start, length // 2)
            if start + length // 2 < n:
                yield from split(start + length // 2, length // 2)

    return [run for start in range(0, n, step) for run in split(start, step)]


def are_neighbours(held: Sequence[Held]) -> bool:
    """Whether pieces are at one worker, which can have all of them in memory at once."""
    workers = {piece.worker for piece in held}
    few = sum(piece.n_bytes for piece in held) <= MOST_BYTES_OF_RUN
    return len(workers) == 1 and "" not in workers and few


def groups_at_workers(held: Sequence[Held], workers: int) -> list[list[int]]:
    """The shards in groups that one worker has each, neighbours or not, and of few bytes."""
    longest, groups = run_length(len(held), workers), list[list[int]]()
    latest: dict[str, list[int]] = {}  # by worker, the group that takes what comes
    for k, piece in enumerate(held):
        group = latest.get(piece.worker, [])
        n_bytes = piece.n_bytes + sum(held[i].n_bytes for i in group)
        if not piece.worker or len(group) in (0, longest) or n_bytes > MOST_BYTES_OF_RUN:
            group = latest[piece.worker] = []
            groups.append(group)
        group.append(k)
    return groups


def in_groups(wave: Wave, merge: Merge | None, groups: Sequence[Sequence[int]]) -> Wave:
    """A wave of one shard per task as one of a group of shards per task."""
    own = [
        (tuple((k, wave.labels[k]) for k in group), *(wave.own[k][0] for k in group))
        for group in groups
    ]
    labels = [f"{wave.labels[k]} and others" if more else wave.labels[k] for k, *more in groups]
    rows = None if wave.rows is None else [sum(wave.rows[k] for k in group) for group in groups]
    order = None
    if wave.order is not None and rows is not None:
        order = sorted(range(len(groups)), key=lambda g: -rows[g])
    function = Lazily(FoldGroup(wave.function, merge))
    return Wave(function, own, wave.common, labels, order=order, rows=rows)


class Part(NamedTuple):
    """The merge of so many shards from one on: a branch of the tree."""

    start: int
    length: int
    value: Any

    def is_sibling_of(self, after: Part) -> bool:
        """Whether the tree merges the two."""
        return (
            self.length == after.length
            and self.start + self.length == after.start
            and self.start % (2 * self.length) == 0
        )


@dataclass(frozen=True, eq=False)
class FoldGroup:
    """``(numbers and labels, *shards, *common) -> parts``, what shards give, in ever larger parts.

    Without `merge`, a part of every shard.
    """

    function: Callable[..., Any]
    merge: Merge | None

    def __call__(self, group: tuple[tuple[int, str], ...], *args: Any) -> list[Part]:
        shards, common = args[: len(group)], args[len(group) :]
        parts = (
            Part(k, 1, called(self.function, shard, common, label))
            for (k, label), shard in zip(group, shards, strict=True)
        )
        return list(parts) if self.merge is None else joined(self.merge, parts)


def called(function: Callable[..., Any], shard: Any, common: tuple[Any, ...], label: str) -> Any:
    """What a function gives of a shard; an error says of which."""
    try:
        return function(opened(shard), *common)
    except Exception as error:
        raise annotated(error, label)  # noqa: B904 - the same exception


def leaves(values: Iterable[Any]) -> Iterator[Part]:
    """Values of all shards, in order, as parts."""
    return (Part(k, 1, value) for k, value in enumerate(values))


def joined(merge: Merge, parts: Iterable[Part]) -> list[Part]:
    """Parts in order, siblings merged as they come: log2 of their number alive at once, at best."""
    waiting: list[Part] = []
    for part in parts:
        while waiting and waiting[-1].is_sibling_of(part):
            before = waiting.pop()
            part = Part(before.start, 2 * part.length, merge(before.value, part.value))
        waiting.append(part)
    return waiting


def fold_parts(merge: Merge, parts: Iterable[Part]) -> Any:
    """:func:`tree_fold` of what all shards gave, from parts in order that may come one by one."""
    *waiting, last = joined(merge, parts)
    folded = last.value
    while waiting:
        folded = merge(waiting.pop().value, folded)
    return folded


def in_order(found: Iterable[Iterable[Part]]) -> Iterator[Part]:
    """Parts by their shards, each let go of when it is given."""
    parts = sorted(chain.from_iterable(found), key=lambda part: -part.start)
    del found  # its lists would keep what is given alive
    while parts:
        yield parts.pop()


def of_groups(arrived: Arrived | None, groups: Sequence[Sequence[int]]) -> Arrived | None:
    """What is told of every shard when its group has arrived."""
    if arrived is None:
        return None

    def group_arrived(k: int, result: Any) -> None:
        for shard in groups[k]:
            arrived(shard, result)

    return group_arrived


# Bytes of a summary from which on a cluster's workers merge what is theirs before it is sent. A
# choice: it saves the way of all summaries but one a worker, and costs a wave of tasks more.
MERGED_FROM = 1 << 15


def branch_length(n_shards: int, workers: int) -> int:
    """Shards of a branch that a worker merges: a power of two, about one branch a worker."""
    return 1 << max((n_shards // max(workers, 1)).bit_length() - 1, 0)


def pays_to_merge(n_summaries: int, workers: int, size: float) -> bool:
    """Whether workers have more than a summary each of so many bytes, and these are large."""
    return branch_length(n_summaries, workers) > 1 and size >= MERGED_FROM


def in_branches(
    pieces: Sequence[Any],
    runs: Sequence[range],
    labels: Sequence[str],
    merge: Merge,
    workers: int,
) -> Wave:
    """A wave that merges the parts of runs on the workers, about one branch for each."""
    step = branch_length(runs[-1].stop, workers)
    branches: dict[int, list[Any]] = {}
    for piece, run in zip(pieces, runs, strict=True):
        branches.setdefault(run.start // step, []).append(piece)
    own = [tuple(branch) for branch in branches.values()]
    names = [f"the summaries of {step} shards from {label} on" for label in labels[::step]]
    return Wave(FoldBranch(merge), own, (), names)


@dataclass(frozen=True, eq=False)
class FoldBranch:
    """``(*lists of parts) -> merge of them``."""

    merge: Merge

    def __call__(self, *found: list[Part]) -> Any:
        return fold_parts(self.merge, in_order(found))
