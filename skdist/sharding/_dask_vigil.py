# SPDX-License-Identifier: BSD-3-Clause
"""Looking after a Dask cluster while results are awaited: are there workers, is one behind?"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future as Coming
from dataclasses import dataclass, field
from typing import Any

from distributed import Client

from skdist.sharding._dask_pieces import Computed, Piece, run_on_worker
from skdist.sharding._dask_workers import Roll
from skdist.sharding._executors import Arrived
from skdist.sharding._stragglers import Stragglers

LOOK_EVERY = 0.2  # seconds; also how long a Ctrl-C waits at most


def gathered(
    client: Client,
    pieces: Sequence[Piece],
    told: set[int],
    arrived: Arrived | None,
    is_enough: Callable[[], bool] | None = None,
) -> list[Any]:
    """The parcels of pieces; late tasks are started elsewhere, and lost workers are waited for.

    Of those that come early ``arrived(k, value)`` tells, and `told` gets their numbers.

    Raises
    ------
    WorkersLostError
        When there has been no worker for `worker_timeout` seconds.
    QuorumMet
        When some are late, and the others are enough.
    """
    vigil = Vigil(client, pieces, told, arrived, is_enough)
    loop: Any = client.loop
    while True:
        coming: Coming[list[Any]] = asyncio.run_coroutine_threadsafe(
            client.gather([piece.future for piece in pieces], asynchronous=True),
            loop.asyncio_loop,
        )
        try:
            if vigil.waits_for(coming):
                return coming.result()
        finally:
            coming.cancel()


@dataclass(eq=False)
class Vigil:
    """One wave's pieces, and twins of those that are late."""

    client: Client
    pieces: Sequence[Piece]
    told: set[int]
    arrived: Arrived | None
    is_enough: Callable[[], bool] | None = None
    _twins: dict[int, Computed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stragglers = Stragglers(
            (k for k, piece in enumerate(self.pieces) if type(piece) is Computed),
            is_enough=self.is_enough,
        )
        self._roll = Roll(self.client)

    def waits_for(self, coming: "Coming[Any]") -> bool:
        """Wait until it is there (True), or a twin has come in the place of a late piece."""
        while True:
            try:
                coming.exception(timeout=LOOK_EVERY)
                return True
            except TimeoutError:
                self._roll.call()
                self._tell()
                if self._stragglers.is_watching and self._overtaken():
                    return False

    def _tell(self) -> None:
        """Tell of results that are there."""
        if self.arrived is None:
            return
        for k, piece in enumerate(self.pieces):
            if k not in self.told and piece.future.status == "finished":
                try:
                    parcel = self.client.gather(piece.future)
                except Exception:
                    continue  # lost between there and here, or an error: who waits for all is told
                self.told.add(k)
                self.arrived(k, parcel.value)

    def _overtaken(self) -> bool:
        """Start twins of what is late; whether one is there before its piece, and in its place."""
        for k, piece in enumerate(self.pieces):
            if piece.future.status == "finished":
                self._stragglers.came(k)
        for k in self._stragglers.late():
            self._twins[k] = self._twin(self.pieces[k])
        ahead = [
            k
            for k, twin in self._twins.items()
            if twin.future.status == "finished" and self.pieces[k].future.status == "pending"
        ]
        for k in ahead:
            self.pieces[k].future = self._twins.pop(k).future
        return bool(ahead)

    def _twin(self, piece: Any) -> Computed:
        """The same task, anywhere but where it is now."""
        where = self.client.processing()
        busy = {address for address, keys in where.items() if piece.future.key in keys}
        others = sorted(set(where) - busy)
        twin = Computed(piece.function, piece.common, piece.own, piece.parents, piece.label)
        twin.future = self.client.submit(
            run_on_worker, *piece.arguments(), pure=False, workers=others or None, priority=1
        )
        return twin
