# SPDX-License-Identifier: BSD-3-Clause
"""What a planned fit would cost: rounds, bytes, memory and seconds, of a sketch and a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skdist._plan_text import as_text
from skdist.sharding import Place

if TYPE_CHECKING:
    from skdist._plan import Shape, Sketch

# Nominal: what planning needs is the order of magnitude.
OPERATIONS = 2e9  # a second and core
BANDWIDTH = 3e8  # bytes a second between processes
LATENCY = {"threads": 2e-4, "processes": 2e-3, "cluster": 1e-2}  # seconds a round
TASK = 450  # bytes that tell a worker what to do
SCATTERED = 2 << 20  # what is more than so many bytes in all tasks of a round travels once a worker
LOADED = 150 << 20  # compiled code and libraries that the first task of a process loads
# Rounds in which the partitions of a collection are counted, their classes found, and they are
# encoded; next to nothing comes up.
FEWEST_LOOKS, MEAN_LOOKS, MOST_LOOKS = 1, 3, 5


@dataclass(frozen=True)
class Plan:
    """What :func:`plan` found; ``print`` it, or ask for its parts.

    Parameters
    ----------
    estimator : str
        Its class.
    shape : Shape
    place : Place
    sketch : Sketch
    """

    estimator: str
    shape: Shape
    place: Place
    sketch: Sketch

    @property
    def method(self) -> str:
        """What would compute the model, as in `report_`."""
        return self.sketch.method

    @property
    def strategy(self) -> str:
        """How the work would be spread, as in `report_`."""
        return self.sketch.strategy

    @property
    def n_shards(self) -> int:
        """Pieces of the rows."""
        return self.sketch.n_shards

    @property
    def rounds(self) -> tuple[int, int]:
        """Fewest and most; few apart where the algorithm fixes them."""
        few, many = self.sketch.rounds
        return few + FEWEST_LOOKS * self._looks, many + MOST_LOOKS * self._looks

    @property
    def _looks(self) -> bool:
        """Whether rows are looked at, and encoded, where they are, before a fit begins."""
        return self.shape.is_collection and not self.sketch.local

    @property
    def why(self) -> tuple[str, ...]:
        """Reasons for the method and the strategy."""
        return self.sketch.why

    def bytes_down(self, rounds: int) -> int:
        """Bytes that the driver would send, if there were so many rounds."""
        if self.place.kind == "threads" or self.sketch.local:
            return 0
        m, s = self.place.tasks(self.n_shards), self.sketch
        told = m * s.down if m * s.down < SCATTERED else self.place.processes * s.down
        rows = 0.0 if self.shape.is_collection else s.data
        return round(rows + s.once_down + rounds * (told + m * TASK))

    def bytes_up(self, rounds: int) -> int:
        """Bytes that would come back, if there were so many rounds."""
        if self.place.kind == "threads" or self.sketch.local:
            return 0
        carrying = max(rounds - MEAN_LOOKS * self._looks, 1)
        m, s = self.n_shards, self.sketch
        first, later = self.place.summaries(m), self.place.summaries(m, s.up)
        return round(s.once_up + (first + (carrying - 1) * later) * s.up)

    @property
    def bytes_moved(self) -> tuple[int, int]:
        """Down and up together, of the fewest and of the most rounds."""
        few, many = (self.bytes_down(r) + self.bytes_up(r) for r in self.rounds)
        return few, many

    @property
    def worker_memory(self) -> int:
        """Bytes that the process of a task would hold, what it holds now included."""
        p, s = self.place, self.sketch
        summaries = 0.0 if p.kind != "threads" else self._summaries
        return round(p.held + LOADED + self._rows_at_a_worker + s.worker + summaries)

    @property
    def driver_memory(self) -> int:
        """Bytes that this process would hold, what it holds now included."""
        if self.place.kind == "threads":
            return self.worker_memory + round(self.sketch.driver)
        return round(self.place.driver_held + self._summaries + self.sketch.driver)

    @property
    def _summaries(self) -> float:
        streamed = self.shape.is_collection and self.place.kind != "cluster"
        alive = min(self.n_shards, 9 * self.place.workers) if streamed else self.n_shards
        return alive * self.sketch.up

    @property
    def _rows_at_a_worker(self) -> float:
        """Bytes of rows, besides those that are in this process already."""
        shape, place = self.shape, self.place
        if shape.is_collection and place.kind != "cluster":  # streamed: as read, and as encoded
            largest = max(shape.partitions) / max(shape.n_samples, 1) * shape.data_bytes
            at_once = place.workers if place.kind == "threads" else 1
            return 3 * largest * at_once
        if place.kind == "threads" or self.sketch.local:
            return 0.0
        copies = 2 if shape.is_collection else 1
        return (
            copies
            * max(self.sketch.data, shape.data_bytes * shape.is_collection)
            / (place.processes if place.kind == "cluster" else 1)
        )

    @property
    def fits(self) -> bool:
        """Whether workers and driver have the memory."""
        return (
            self.worker_memory <= self.place.memory
            and self.driver_memory <= self.place.driver_memory
        )

    @property
    def seconds(self) -> tuple[float, float]:
        """On one core without rounds, and here: nominal, of the fewest rounds."""
        alone = self.sketch.operations / OPERATIONS
        if self.sketch.local:
            return alone, alone
        at_once = min(self.place.workers, self.n_shards)
        moving = self.bytes_moved[0] / BANDWIDTH + self.rounds[0] * LATENCY[self.place.kind]
        return alone, alone / at_once + moving

    @property
    def pays(self) -> bool:
        """Whether workers shorten the fit, or make it possible at all."""
        alone, here = self.seconds
        return here < alone or (self.shape.is_collection and self.fits)

    def __str__(self) -> str:
        return as_text(self)
