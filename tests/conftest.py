# SPDX-License-Identifier: BSD-3-Clause
"""What all tests share: the option --long, how hypothesis draws, and the backends."""

import contextlib
import logging
import os

import joblib
import pytest
from distributed import Client, LocalCluster
from hypothesis import settings

HOW = {"deadline": None, "derandomize": "CI" in os.environ, "database": None}
settings.register_profile("skdist", max_examples=40, **HOW)
settings.register_profile("long", max_examples=200, **HOW)
settings.load_profile("skdist")  # when tests are collected, decorators take their numbers from it


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also run the tests that take minutes")


def pytest_configure(config):
    if config.getoption("--long"):
        settings.load_profile("long")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.get_closest_marker("timed"):
            item.add_marker(pytest.mark.flaky(reruns=2))
    if config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="takes minutes: runs with --long")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)


class ClusterOfTwo:
    """A Dask cluster of two worker processes, started again where a killed one stays away.

    Dask's nanny does not restart a worker that was killed before the nanny had noted that it runs.
    """

    def __init__(self):
        self._open = contextlib.ExitStack()
        self._client = None

    def client(self):
        """A client of the cluster, both workers being there."""
        if self._client is None or not self._is_whole():
            self.close()
            cluster = self._open.enter_context(_cluster(2, 1))
            self._client = self._open.enter_context(Client(cluster, set_as_default=False))
        return self._client

    def close(self):
        """Stop it.

        Dask's cluster forgets a killed worker once and may be told of its end twice: by then all
        has been stopped.
        """
        self._client = None
        with contextlib.suppress(KeyError):
            self._open.close()

    def _is_whole(self):
        try:
            self._client.wait_for_workers(2, timeout=5)
        except TimeoutError:
            return False
        return True


@pytest.fixture(scope="session")
def cluster_of_two():
    """The one cluster of two processes that all tests share."""
    cluster = ClusterOfTwo()
    yield cluster
    cluster.close()


@pytest.fixture
def dask_client(cluster_of_two):
    """A client of two worker processes of one thread each, on the loopback."""
    return cluster_of_two.client()


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


@pytest.fixture(params=["streamed", "on the cluster"])
def place(request):
    """Where partitions of a collection are computed."""
    if request.param == "streamed":
        yield request.param
    else:
        with request.getfixturevalue("dask_client").as_current():
            yield request.param


def _configured(name, request):
    if name == "serial":
        return joblib.parallel_config(n_jobs=1)
    if name == "dask":
        client = request.getfixturevalue("dask_client")
        return joblib.parallel_config(backend="dask", client=client)
    return joblib.parallel_config(backend=name, n_jobs=2)
