# SPDX-License-Identifier: BSD-3-Clause
"""Runs of shards that are folded in one place before their summary travels.

A run is 2^j consecutive shards, a whole branch of the tree in which all summaries are folded, so
that the result has the bits it has where every summary comes to the driver. Of streamed shards one
task opens and folds a run, and few summaries are alive at once; on a cluster a worker folds what
tasks made.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from skdist.sharding._executors import Wave
from skdist.sharding._faults import annotated
from skdist.sharding._store import Lazily, opened

RUNS_PER_WORKER = 4  # at least, so that none waits long for the last


def run_length(n_shards: int, workers: int) -> int:
    """Shards of a run: a power of two."""
    return 1 << max((n_shards // (RUNS_PER_WORKER * workers)).bit_length() - 1, 0)


def in_runs(wave: Wave, merge: Callable[[Any, Any], Any], workers: int) -> Wave:
    """A wave of one shard per task as one of a run of shards per task."""
    n, step = len(wave.own), run_length(len(wave.own), workers)
    starts = range(0, n, step)
    labels = [tuple(wave.labels[start : start + step]) for start in starts]
    own = [(own_labels, *(piece for (piece,) in wave.own[start : start + step]))
           for start, own_labels in zip(starts, labels, strict=True)]  # fmt: skip
    names = [own_labels[0] if step == 1 else f"{own_labels[0]} and after" for own_labels in labels]
    return Wave(Lazily(FoldRun(wave.function, merge)), own, wave.common, names)


@dataclass(frozen=True, eq=False)
class FoldRun:
    """``(labels, *shards, *common) -> merge of function(shard, *common)``, one shard at a time."""

    function: Callable[..., Any]
    merge: Callable[[Any, Any], Any]

    def __call__(self, labels: tuple[str, ...], *args: Any) -> Any:
        shards, common = args[: len(labels)], args[len(labels) :]
        values = (self._of(*each, common) for each in zip(shards, labels, strict=True))
        return fold_one_by_one(self.merge, values)

    def _of(self, shard: Any, label: str, common: tuple[Any, ...]) -> Any:
        try:
            return self.function(opened(shard), *common)
        except Exception as error:
            raise annotated(error, label)  # noqa: B904 - the same exception


# Bytes of a summary from which on a cluster's workers merge what is theirs before it is sent. A
# wave more costs some milliseconds, in which a network of 1 Gb/s moves a few such summaries.
MERGED_FROM = 1 << 15


def branch_length(n_shards: int, workers: int) -> int:
    """Shards of a branch that a worker merges: a power of two, about one branch a worker."""
    return 1 << max((n_shards // max(workers, 1)).bit_length() - 1, 0)


def pays_to_merge(n_shards: int, workers: int, size: float) -> bool:
    """Whether workers have more than a summary each of so many bytes, and these are large."""
    return branch_length(n_shards, workers) > 1 and size >= MERGED_FROM


def in_branches(
    pieces: Sequence[Any], labels: Sequence[str], merge: Callable[[Any, Any], Any], workers: int
) -> Wave:
    """A wave that merges the results of another on the workers, about one branch for each."""
    step = branch_length(len(pieces), workers)
    own = [tuple(pieces[start : start + step]) for start in range(0, len(pieces), step)]
    names = [f"the summaries of {step} shards from {label} on" for label in labels[::step]]
    return Wave(FoldBranch(merge), own, (), names)


@dataclass(frozen=True, eq=False)
class FoldBranch:
    """``(*summaries) -> merge of them``."""

    merge: Callable[[Any, Any], Any]

    def __call__(self, *summaries: Any) -> Any:
        return fold_one_by_one(self.merge, summaries)


def fold_one_by_one(merge: Callable[[Any, Any], Any], values: Iterable[Any]) -> Any:
    """:func:`tree_fold` of values that come one by one, log2 of their number alive at once."""
    waiting: list[tuple[int, Any]] = []  # (how many values it merges, the merge), ever fewer
    for value in values:
        size = 1
        while waiting and waiting[-1][0] == size:
            value, size = merge(waiting.pop()[1], value), 2 * size
        waiting.append((size, value))
    _, folded = waiting.pop()
    while waiting:
        folded = merge(waiting.pop()[1], folded)
    return folded


def drained(values: list[Any]) -> Iterator[Any]:
    """The values in order, each let go of by the list when it is given."""
    values.reverse()
    while values:
        yield values.pop()
