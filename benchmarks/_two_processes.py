# SPDX-License-Identifier: BSD-3-Clause
"""A Dask cluster to measure on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import joblib


@contextmanager
def two_processes() -> Iterator[None]:
    """A Dask cluster of two worker processes of one thread each, on the loopback."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
        joblib.parallel_config(backend="dask", client=client),
    ):
        yield
