# SPDX-License-Identifier: BSD-3-Clause
"""Values on a Dask cluster, each with what it takes to make it again.

A future on its own is lost with the worker that held it, if nothing on the cluster knows how to
make it. A piece is a future and its origin: the driver's copy, a partition of the user's
collection, or a call of a function on other pieces.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

import cloudpickle
from distributed import Client, Future, get_worker

from skdist.sharding._dask_workers import await_workers
from skdist.sharding._executors import worker_scope
from skdist.sharding._faults import raise_portably
from skdist.sharding._pickling import Parcel
from skdist.sharding._spans import timed

SECONDS_UNTIL_KNOWN = (0.1, 0.5, 2.0, 8.0, 16.0)


class Piece(Protocol):
    """A value on the cluster."""

    future: "Future[Any]"
    label: str
    home: tuple[str, ...]
    n_bytes: int

    @property
    def parents(self) -> "tuple[Piece, ...]":
        """The pieces it is computed from."""

    def start(self, client: Client) -> None:
        """Make it (again), its parents being there."""


@dataclass(eq=False)
class Placed:
    """A copy of a value that the driver holds."""

    parcel: Parcel
    everywhere: bool
    future: "Future[Any]"
    label: str = "data sent to the cluster"
    parents: tuple[Piece, ...] = ()
    home: tuple[str, ...] = ()
    n_bytes: int = 0

    def start(self, client: Client) -> None:
        """Send it."""
        (self.future,) = scattered(client, [self.parcel], self.everywhere)
        self.home = ()


def scattered(client: Client, parcels: list[Parcel], everywhere: bool) -> list["Future[Any]"]:
    """Futures of values sent to the workers.

    The scheduler hangs up on whoever scatters to a worker that has just died. It will soon know.
    """
    for wait in SECONDS_UNTIL_KNOWN:
        await_workers(client)
        try:
            # hash=False: equal values of two fits are not worth hashing all data for.
            return list(client.scatter(parcels, hash=False, broadcast=everywhere))
        except OSError:
            time.sleep(wait)
    return list(client.scatter(parcels, hash=False, broadcast=everywhere))


@dataclass(eq=False)
class Partition:
    """A partition of the user's collection, computed and kept where Dask put it."""

    delayed: Any
    label: str
    future: "Future[Any]"
    parents: tuple[Piece, ...] = ()
    home: tuple[str, ...] = ()
    n_bytes: int = 0

    def start(self, client: Client) -> None:
        """Compute it from the collection's own graph."""
        self.future, self.home = client.compute(self.delayed), ()


@dataclass(frozen=True)
class Slot:
    """Stands for a piece among arguments that are pickled."""

    position: int


@dataclass(eq=False)
class Computed:
    """``function(*own, *common)``, some of `own` being pieces."""

    function: bytes
    common: Piece | None
    own: bytes
    parents: tuple[Piece, ...]
    label: str
    future: "Future[Any]" = field(init=False)
    home: tuple[str, ...] = ()
    n_bytes: int = 0
    ticket: int = -1

    @property
    def inputs(self) -> tuple[Piece, ...]:
        """The pieces among `own`."""
        return self.parents if self.common is None else self.parents[1:]

    def arguments(self) -> list[Any]:
        """Arguments of :func:`run_on_worker`, with futures for pieces."""
        common = None if self.common is None else self.common.future
        return [self.function, common, self.own, *(piece.future for piece in self.inputs)]

    def start(self, client: Client) -> None:
        """Submit it."""
        self.future = client.submit(run_on_worker, *self.arguments(), pure=False)
        self.home = ()


def computed(
    function: bytes,
    common: Piece | None,
    own: Sequence[Any],
    label: str,
    ticket: int,
    untold: Callable[[int], bool],
) -> Computed:
    """A call that has not been submitted yet.

    What its inputs took travels with its result, unless the driver has been told of that:
    ``untold(ticket)`` says whether it has not.
    """
    pieces = [arg for arg in own if type(arg) in PIECES]
    slots = iter(range(len(pieces)))
    plain = [Slot(next(slots)) if type(arg) in PIECES else arg for arg in own]
    parents = tuple(pieces) if common is None else (common, *pieces)
    tells = any(type(piece) is Computed and untold(piece.ticket) for piece in pieces)
    packed = cloudpickle.dumps((ticket, tells, plain))
    return Computed(function, common, packed, parents, label, ticket=ticket)


PIECES = (Placed, Partition, Computed)


def run_on_worker(function: bytes, common: Parcel | None, own: bytes, *inputs: Any) -> Any:
    """Run one task of a wave; Dask has put the inputs in place."""
    try:
        call, small = cloudpickle.loads(function)
        values = [value.value if type(value) is Parcel else value for value in inputs]
        ticket, tells, given = cloudpickle.loads(own)
        args = [values[arg.position] if type(arg) is Slot else arg for arg in given]
        where = get_worker().address
        with worker_scope():
            result, span = timed(where, call, *args, *(small if common is None else common.value))
        earlier = [value.spans for value in inputs if type(value) is Parcel] if tells else []
        return Parcel(result, True, (*chain(*earlier), (ticket, tuple(span))))
    except Exception as error:
        raise_portably(error)


def moved(client: Client, future: "Future[Any]", worker: str) -> "Future[Any]":
    """The same value at another worker; it is let go of where it was when it is there."""
    return client.submit(
        as_it_is, future, pure=False, workers=[worker], allow_other_workers=True, priority=1
    )


def as_it_is(value: Any) -> Any:
    """The value."""
    return value


def ancestry(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces and all they are computed from, each once, parents first."""
    seen: set[int] = set()

    def visit(piece: Piece) -> Iterator[Piece]:
        if id(piece) in seen:
            return
        seen.add(id(piece))
        for parent in piece.parents:
            yield from visit(parent)
        yield piece

    for piece in pieces:
        yield from visit(piece)


def settled(piece: Piece, look: Callable[[], None]) -> str:
    """Wait until the piece is there or is not coming; returns its future's status.

    `look` is called now and then.
    """
    while piece.future.status == "pending":
        with suppress(CancelledError, TimeoutError):
            piece.future.exception(timeout=1.0)
        look()
    return str(piece.future.status)
