# SPDX-License-Identifier: BSD-3-Clause
"""Whether a Dask cluster has workers, and for how long it may have none."""

import time
from dataclasses import dataclass, field

from distributed import Client

from skdist._config import settings
from skdist.sharding._faults import WorkersLostError

LOOK_EVERY = 0.2  # seconds
COUNT_EVERY = 1.0  # seconds between two counts of the workers while results are awaited


@dataclass(eq=False)
class Roll:
    """Since when a cluster has had no worker."""

    client: Client
    _counted_at: float = field(default_factory=time.monotonic)
    _empty_since: float | None = None

    def call(self) -> None:
        """Count the workers now and then; give up when there have been none for long."""
        now = time.monotonic()
        if now - self._counted_at < COUNT_EVERY:
            return
        self._counted_at = now
        if self.client.nthreads():
            self._empty_since = None
            return
        self._empty_since = now if self._empty_since is None else self._empty_since
        if now - self._empty_since > settings().worker_timeout:
            raise WorkersLostError(
                f"The Dask cluster of {self.client!r} has had no worker for "
                f"worker_timeout={settings().worker_timeout:g} seconds. Start workers and fit "
                "again; with config_context(journal=...) the rounds that were done are not done "
                "again. config_context(worker_timeout=...) waits longer."
            )


def await_workers(client: Client) -> None:
    """Wait until there is a worker.

    Raises
    ------
    WorkersLostError
        When there has been none for `worker_timeout` seconds.
    """
    if client.nthreads():
        return
    roll = Roll(client)
    while not client.nthreads():
        time.sleep(LOOK_EVERY)
        roll.call()
