# SPDX-License-Identifier: BSD-3-Clause
"""A Dask cluster, driven through its client.

``joblib.Parallel`` on Dask ships every shard again in every call. Here shards are scattered once
and tasks get their futures, so that in a round only the broadcast and the summaries travel.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cloudpickle
from dask.base import annotate
from distributed import Client
from distributed.scheduler import KilledWorker

from skdist.sharding._cost import Meter, nbytes
from skdist.sharding._dask_pieces import (
    PIECES,
    Computed,
    Piece,
    Placed,
    ancestry,
    computed,
    run_on_worker,
    settled,
)
from skdist.sharding._executors import Wave
from skdist.sharding._faults import annotated, lost, retry_alone
from skdist.sharding._pickling import Parcel

# What is more than this many bytes in all tasks of a wave together does not travel inside the
# tasks, through the scheduler, but apart: a broadcast once per worker, an own argument once.
_SCATTER_ABOVE = 1 << 21
_GONE = frozenset({"cancelled", "lost", "error"})


@dataclass(eq=False)
class DaskExecutor:
    """Tasks on the workers of `client`; pieces are futures that know their origin."""

    workers: int
    client: Client
    shares_files: bool = False
    streams: bool = False
    _last_wave: Sequence[Piece] = field(default_factory=list)

    def place(self, values: Sequence[Any], meter: Meter, *, everywhere: bool = False) -> list[Any]:
        """Scatter values over the workers, or each of them to all workers."""
        parcels = [Parcel(value, writable=False) for value in values]
        futures = self.client.scatter(parcels, hash=False, broadcast=everywhere)
        copies = len(self.client.nthreads()) if everywhere else 1
        meter.add(bytes_down=copies * nbytes(list(values)))
        return [Placed(p, everywhere, f) for p, f in zip(parcels, futures, strict=True)]

    def keep(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """Results stay on the workers as they are."""
        return list(pieces)

    def run(self, wave: Wave, meter: Meter) -> list[Any]:
        """Submit a wave and return at once; its pieces may be arguments of the next wave."""
        tasks = self._tasks(wave, meter)
        self._revive_gone({id(p): p for task in tasks for p in task.parents}.values(), meter)
        if tasks:
            self._submit(tasks)
        # Dropping futures sends a message, and the client sends messages at least 10 ms apart: the
        # last wave is let go after this one was submitted, so that this one need not wait.
        self._last_wave = tasks
        return list(tasks)

    def collect(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """Gather; what was lost with a worker is made again first."""
        try:
            while True:
                try:
                    parcels = self.client.gather([piece.future for piece in pieces])
                    break
                except Exception:
                    if all(piece.future.status not in _GONE for piece in pieces):
                        raise
                    self._recover(pieces, meter)
        except BaseException:
            self._cancel_pending(pieces)
            raise
        values = [parcel.value for parcel in parcels]
        meter.add(bytes_up=nbytes(values))
        return values

    def _submit(self, tasks: Sequence[Computed]) -> None:
        """One message for all tasks, each sent to where the shard it reads is.

        Left to itself, the scheduler takes half a second for a task it does not know yet, and
        moves shards of megabytes to whoever is idle. Other workers are allowed, for the day when
        that one is gone.
        """
        self._locate([task.inputs[0] for task in tasks if len(task.inputs) == 1])
        name = uuid.uuid4().hex
        keys = [f"skdist-{name}-{k}" for k in range(len(tasks))]
        homes = {key: list(_home(task)) for key, task in zip(keys, tasks, strict=True)}
        columns = zip(*(task.arguments() for task in tasks), strict=True)
        # A dict's own method as the annotation: the scheduler calls it with each key.
        with annotate(workers=homes.get, allow_other_workers=True):
            futures = self.client.map(run_on_worker, *map(list, columns), key=keys, pure=False)
        for task, future in zip(tasks, futures, strict=True):
            task.future = future

    def _locate(self, pieces: Sequence[Piece]) -> None:
        """Ask once where pieces are that are there, unless they are everywhere."""
        unknown = {
            str(piece.future.key): piece
            for piece in pieces
            if not piece.home and piece.future.status == "finished" and not _is_everywhere(piece)
        }
        if unknown:
            holders = self.client.who_has([piece.future for piece in unknown.values()])
            for key, piece in unknown.items():
                piece.home = tuple(holders.get(key, ()))

    def _tasks(self, wave: Wave, meter: Meter) -> list[Computed]:
        """The calls of a wave, not yet submitted."""
        common: Piece | None = None
        small = wave.common
        if len(wave.own) * nbytes(small) > _SCATTER_ABOVE:
            (common,) = self.place([small], meter, everywhere=True)
            small = ()
        function = cloudpickle.dumps((wave.function, small))
        tasks = [
            computed(function, common, self._apart(own, len(wave.own), meter), label)
            for own, label in zip(wave.own, wave.labels, strict=True)
        ]
        meter.add(bytes_down=sum(len(task.function) + len(task.own) for task in tasks))
        return tasks

    def _apart(self, own: Sequence[Any], n_tasks: int, meter: Meter) -> list[Any]:
        """A task's own arguments, the large ones scattered: the scheduler is not to carry them."""
        return [
            self.place([arg], meter)[0]
            if type(arg) not in PIECES and n_tasks * nbytes(arg) > _SCATTER_ABOVE
            else arg
            for arg in own
        ]

    def _recover(self, pieces: Sequence[Piece], meter: Meter) -> None:
        """Raise what a task raised; make again, one at a time, what was lost with its worker."""
        family = list(ancestry(pieces))
        statuses = [settled(piece) for piece in family]
        for piece, status in zip(family, statuses, strict=True):
            if status == "error" and not _killed(piece):
                raise annotated(piece.future.exception(), piece.label)
        self._revive_gone(family, meter)

    def _revive_gone(self, pieces: Iterable[Piece], meter: Meter) -> None:
        for piece in pieces:
            if piece.future.status in _GONE:
                self._revive(piece, meter)

    def _revive(self, piece: Piece, meter: Meter) -> None:
        """Make a lost piece again, its parents first, with nothing else of ours running."""

        def attempt(_: int) -> bool:
            self._revive_gone(piece.parents, meter)
            piece.start(self.client)
            if settled(piece) == "error":
                raise self._final(piece)
            return piece.future.status not in _GONE

        retry_alone(attempt, [0], [piece.label], meter)

    def _final(self, piece: Piece) -> BaseException:
        """The error of a task that ran alone: its own, or the cluster's when it killed workers."""
        error: BaseException = piece.future.exception()
        if isinstance(error, KilledWorker):
            return lost(piece.label)
        return annotated(error, piece.label)

    def _cancel_pending(self, pieces: Sequence[Piece]) -> None:
        waiting = [p.future for p in ancestry(pieces) if p.future.status == "pending"]
        if waiting:
            self.client.cancel(waiting)


def _home(task: Computed) -> tuple[str, ...]:
    """Addresses of the workers that hold the one piece a task reads; empty where it is moot."""
    return task.inputs[0].home if len(task.inputs) == 1 else ()


def _is_everywhere(piece: Piece) -> bool:
    return type(piece) is Placed and piece.everywhere


def _killed(piece: Piece) -> bool:
    return isinstance(piece.future.exception(), KilledWorker)
