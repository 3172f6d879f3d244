# SPDX-License-Identifier: BSD-3-Clause
"""A Dask cluster, driven through its client.

``joblib.Parallel`` on Dask ships every shard again in every call. Here shards are scattered once
and tasks get their futures, so that in a round only the broadcast and the summaries travel.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count, groupby
from typing import Any

import cloudpickle
import numpy as np
from dask.base import annotate
from distributed import Client
from distributed.scheduler import KilledWorker

from skdist.sharding._cost import Meter, nbytes
from skdist.sharding._dask_balance import Balance, Took
from skdist.sharding._dask_pieces import (
    PIECES,
    Computed,
    Piece,
    Placed,
    ancestry,
    computed,
    moved,
    run_on_worker,
    scattered,
    settled,
)
from skdist.sharding._dask_vigil import gathered
from skdist.sharding._dask_workers import Roll
from skdist.sharding._executors import Arrived, Held, Wave
from skdist.sharding._faults import annotated, lost, retry_alone
from skdist.sharding._pickling import Parcel
from skdist.sharding._running_fit import Round, current_round
from skdist.sharding._spans import Span
from skdist.sharding._stragglers import QuorumMet

# What is more than this many bytes in all tasks of a wave together does not travel inside the
# tasks, through the scheduler, but apart: a broadcast once per worker, an own argument once.
_SCATTER_ABOVE = 1 << 21
_GONE = frozenset({"cancelled", "lost", "error"})


_ticket_numbers = count()


@dataclass
class Ticket:
    """A task that was sent, of which has not been told what it took."""

    round: Round
    task: int
    sent: float
    attempt: int = 1
    shards: Sequence[Piece] = ()  # the placed ones that it is about
    rows: int = 0


@dataclass(eq=False)
class DaskExecutor:
    """Tasks on the workers of `client`; pieces are futures that know their origin."""

    workers: int
    client: Client
    shares_files: bool = False
    streams: bool = False
    merges_there: bool = True
    _last_wave: Sequence[Piece] = field(default_factory=list)
    _tickets: "dict[int, Ticket]" = field(default_factory=dict)
    _balance: Balance = field(default_factory=Balance)

    def place(self, values: Sequence[Any], meter: Meter, *, everywhere: bool = False) -> list[Any]:
        """Scatter values over the workers, or each of them to all workers."""
        parcels = [Parcel(value, writable=False) for value in values]
        order = range(len(parcels)) if everywhere else dealt(len(parcels), self.workers)
        futures = dict(
            zip(order, scattered(self.client, [parcels[k] for k in order], everywhere), strict=True)
        )
        copies = len(self.client.nthreads()) if everywhere else 1
        meter.add(bytes_down=copies * nbytes(list(values)))
        return [Placed(p, everywhere, futures[k]) for k, p in enumerate(parcels)]

    def held(self, pieces: Sequence[Any]) -> list[Held]:
        """Where pieces are; the scheduler is asked of each once."""
        self._locate(pieces)
        unknown = [piece for piece in pieces if piece.home and not piece.n_bytes]
        if unknown:
            sizes = self.client.nbytes([piece.future.key for piece in unknown], summary=False)
            for piece in unknown:
                piece.n_bytes = int(sizes.get(piece.future.key, 0))
        return [Held(piece.home[0] if piece.home else "", piece.n_bytes) for piece in pieces]

    def keep(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """Results stay on the workers as they are."""
        return list(pieces)

    def run(self, wave: Wave, meter: Meter) -> list[Any]:
        """Submit a wave and return at once; its pieces may be arguments of the next wave."""
        tasks = self._tasks(wave, meter)
        self._revive_gone({id(p): p for task in tasks for p in task.parents}.values(), meter)
        if tasks:
            self._submit([tasks[k] for k in wave.begun])
        # Dropping futures sends a message, and the client sends messages at least 10 ms apart: the
        # last wave is let go after this one was submitted, so that this one need not wait.
        self._last_wave = tasks
        return list(tasks)

    def collect(
        self,
        pieces: Sequence[Any],
        meter: Meter,
        arrived: Arrived | None = None,
        is_enough: Callable[[], bool] | None = None,
    ) -> list[Any]:
        """Gather; what was lost with a worker is made again first."""
        told: set[int] = set()
        try:
            while True:
                try:
                    parcels = gathered(self.client, pieces, told, arrived, is_enough)
                    break
                except QuorumMet:
                    raise
                except Exception:
                    if all(piece.future.status not in _GONE for piece in pieces):
                        raise
                    self._recover(pieces, meter)
        except BaseException:
            self._cancel_pending(pieces)
            raise
        self._note_spans(parcels, meter)
        values = [parcel.value for parcel in parcels]
        meter.add(bytes_up=nbytes(values))
        if arrived is not None:
            for k in set(range(len(values))) - told:
                arrived(k, values[k])
        return values

    def results(self, wave: Wave, meter: Meter, arrived: Arrived | None = None) -> list[Any]:
        """Submit a wave, and gather."""
        return self.collect(self.run(wave, meter), meter, arrived, wave.is_enough)

    def _note_spans(self, parcels: Sequence[Parcel], meter: Meter) -> None:
        """Write down what tasks took, each once, however many results tell of it."""
        of_shards = []
        for parcel in parcels:
            for number, span in parcel.spans:
                t = self._tickets.pop(number, None)
                if t is not None:
                    took = Span(*span)
                    meter.task(t.task, took, attempt=t.attempt, sent=t.sent, round=t.round)
                    n, seconds = len(t.shards) or 1, took.stop - took.start
                    of_shards += [Took(p, took.worker, seconds / n, t.rows // n) for p in t.shards]
        for move in self._balance.after(of_shards, self.client.nthreads, self._sizes):
            move.piece.future = moved(self.client, move.piece.future, move.to)
            move.piece.home = (move.to,)

    def _sizes(self, pieces: Sequence[Piece]) -> float:
        """Bytes of pieces, as the scheduler knows them."""
        held = self.client.nbytes([piece.future.key for piece in pieces], summary=False)
        return float(sum(held.values()))

    def _submit(self, tasks: Sequence[Computed]) -> None:
        """One message for all tasks alike, each sent to where the shard it reads is.

        Left to itself, the scheduler takes half a second for a task it does not know yet, and
        moves shards of megabytes to whoever is idle. Other workers are allowed, for the day when
        that one is gone.
        """
        self._locate([task.inputs[0] for task in tasks if len(task.inputs) == 1])
        for _, alike in groupby(tasks, key=lambda task: len(task.inputs)):
            self._submit_alike(list(alike))

    def _submit_alike(self, tasks: Sequence[Computed]) -> None:
        """One message for tasks of so many inputs each."""
        name = uuid.uuid4().hex
        keys = [f"skdist-{name}-{k}" for k in range(len(tasks))]
        homes = {key: list(_home(task)) for key, task in zip(keys, tasks, strict=True)}
        # Below 1 apart: whoever else uses the cluster has whole numbers.
        ranks = {key: -k / len(keys) for k, key in enumerate(keys)}
        columns = zip(*(task.arguments() for task in tasks), strict=True)
        # A dict's own method as the annotation: the scheduler calls it with each key.
        with annotate(workers=homes.get, allow_other_workers=True, priority=ranks.get):
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
        untold = self._tickets.__contains__
        tasks = [
            computed(function, common, self._apart(own, len(wave.own), meter), label, n, untold)
            for own, label, n in zip(wave.own, wave.labels, self._issue(wave), strict=True)
        ]
        meter.add(bytes_down=sum(len(task.function) + len(task.own) for task in tasks))
        return tasks

    def _issue(self, wave: Wave) -> list[int]:
        """Tickets for the tasks of a wave, by which what they took is recognised when it comes."""
        sent, round = time.perf_counter(), current_round()
        numbers = [next(_ticket_numbers) for _ in wave.own]
        rows = wave.rows or [0] * len(wave.own)
        for task, (number, own, n) in enumerate(zip(numbers, wave.own, rows, strict=True)):
            shards = [arg for arg in own if type(arg) in PIECES] if n else []
            self._tickets[number] = Ticket(round, task, sent, shards=shards, rows=n)
        return numbers

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
        roll = Roll(self.client)
        statuses = [settled(piece, roll.call) for piece in family]
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
            self._stamp(piece)
            piece.start(self.client)
            if settled(piece, Roll(self.client).call) == "error":
                raise self._final(piece)
            return piece.future.status not in _GONE

        retry_alone(attempt, [0], [piece.label], meter)

    def _stamp(self, piece: Piece) -> None:
        """One more attempt is made at a task."""
        ticket = self._tickets.get(getattr(piece, "ticket", -1))
        if ticket is not None:
            ticket.attempt += 1
            ticket.sent = time.perf_counter()

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


def dealt(n_values: int, workers: int) -> list[int]:
    """An order in which values that are dealt to workers one by one leave neighbours together."""
    blocks = np.array_split(np.arange(n_values), max(workers, 1))
    return [int(block[i]) for i in range(len(blocks[0])) for block in blocks if i < len(block)]


def _home(task: Computed) -> tuple[str, ...]:
    """Addresses of the workers that hold all that a task reads; empty where it is moot."""
    homes = {piece.home for piece in task.inputs}
    return homes.pop() if len(homes) == 1 else ()


def _is_everywhere(piece: Piece) -> bool:
    return type(piece) is Placed and piece.everywhere


def _killed(piece: Piece) -> bool:
    return isinstance(piece.future.exception(), KilledWorker)
