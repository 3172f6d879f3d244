# SPDX-License-Identifier: BSD-3-Clause
"""What all tests share: the option --long, how hypothesis draws, and the backends."""

import logging
import os

import joblib
import pytest
from distributed import Client, LocalCluster
from hypothesis import settings

settings.register_profile("skdist", deadline=None, derandomize="CI" in os.environ, database=None)
settings.load_profile("skdist")


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="takes minutes: runs with --long")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def dask_client():
    """A client of a Dask cluster of two worker processes of one thread, on the loopback."""
    with _cluster(2, 1) as cluster, Client(cluster, set_as_default=False) as client:
        yield client


@pytest.fixture(scope="session")
def one_slot_client():
    """A client of a Dask cluster with a single slot."""
    with _cluster(1, 1) as cluster, Client(cluster, set_as_default=False) as client:
        yield client


@pytest.fixture(scope="session")
def two_slot_client():
    """A client of a Dask cluster of one worker process with two threads."""
    with _cluster(1, 2) as cluster, Client(cluster, set_as_default=False) as client:
        yield client


def _cluster(n_workers, threads_per_worker):
    return LocalCluster(
        n_workers=n_workers,
        threads_per_worker=threads_per_worker,
        processes=True,
        host="127.0.0.1",
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    )


@pytest.fixture(params=["serial", "threading", "loky", "dask"])
def backend(request):
    """Every place a fit can run; its name."""
    with _configured(request.param, request):
        yield request.param


@pytest.fixture(params=["loky", "dask"])
def process_backend(request):
    """The places where a task has a process of its own that can die."""
    with _configured(request.param, request):
        yield request.param
    if request.param == "dask":  # killed workers are back before the next test
        request.getfixturevalue("dask_client").wait_for_workers(2, timeout=30)


def _configured(name, request):
    if name == "serial":
        return joblib.parallel_config(n_jobs=1)
    if name == "dask":
        client = request.getfixturevalue("dask_client")
        return joblib.parallel_config(backend="dask", client=client)
    return joblib.parallel_config(backend=name, n_jobs=2)
