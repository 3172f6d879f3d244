# SPDX-License-Identifier: BSD-3-Clause
"""A scheduler, workers and a driver on hosts of their own, speaking TLS; and hosts that go away."""

import json
import sys
import time

import joblib
import network
import numpy as np
import pytest
from certificates import certified
from driver import fit_all

NOT_HERE = network.why_not()
pytestmark = [
    pytest.mark.timed,
    pytest.mark.skipif(NOT_HERE is not None, reason=f"no network namespaces: {NOT_HERE}"),
    pytest.mark.timeout(240),
]

# A host that is cut off says nothing: after so many seconds its connections count as lost. It is
# the least that Dask takes.
LOST_AFTER = 11
IMPATIENT = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": f"{LOST_AFTER}s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
    "OMP_NUM_THREADS": "1",
}


class Cluster:
    """The hosts: number 1 has the scheduler, from 11 on one worker each, 2 drives."""

    def __init__(self, net, folder):
        self._net, self._folder = net, folder
        self.certificates = certified(folder, "ours")
        self.scheduler = net.host(1)
        self.driver = net.host(2)
        self.address = f"tls://{self.scheduler.address}:8786"
        self._start(self.scheduler, "dask_scheduler", "--host", self.scheduler.address,
                    "--port", "8786", "--no-dashboard", *self._tls(self.certificates))  # fmt: skip

    def worker(self, number, certificates=None):
        """A host with a worker on it."""
        host = self._net.host(number)
        self._start(host, "dask_worker", self.address, "--host", host.address, "--nthreads", "1",
                    "--no-dashboard", "--local-directory", str(self._folder / str(number)),
                    *self._tls(certificates or self.certificates))  # fmt: skip
        return host

    def drive(self, fits, workers=2, certificates=None, address=None):
        """A driver that fits so many times with so many workers, and how many it found.

        None if it failed.
        """
        files = certificates or self.certificates
        tls = ("none",) * 3 if address else (files.ca, files.cert, files.key)
        command = (address or self.address, *map(str, tls), str(workers), str(fits))
        driver = self.driver.start(
            sys.executable, str(network.TESTS / "driver.py"), *command,
            env={**IMPATIENT, "READ": "1"}, log=self._folder / "driver.log",
        )  # fmt: skip
        line = driver.stdout.readline()
        return driver, int(line.split()[0]) if line else None

    def _start(self, host, module, *options):
        host.start(sys.executable, "-m", f"distributed.cli.{module}", *options,
                   env=IMPATIENT, log=self._folder / f"{host.number}.log")  # fmt: skip

    def _tls(self, files):
        return ("--tls-ca-file", str(files.ca), "--tls-cert", str(files.cert),
                "--tls-key", str(files.key))  # fmt: skip


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler and two workers, each on a host of its own."""
    with network.Network() as net:
        cluster = Cluster(net, tmp_path_factory.mktemp("hosts"))
        for number in (11, 12):
            cluster.worker(number)
        yield cluster


@pytest.fixture(scope="module")
def undisturbed():
    """The models of one thread of this process."""
    with joblib.parallel_config(backend="threading", n_jobs=1):
        return fit_all()


def assert_same(lines, undisturbed):
    for models in map(json.loads, lines):
        for model, expected in zip(models, undisturbed, strict=True):
            np.testing.assert_allclose(model["p"], expected["p"], rtol=1e-6, atol=1e-9)


def test_the_model_of_several_hosts_is_that_of_one_process(cluster, undisturbed):
    driver, workers = cluster.drive(1)
    assert workers == 2
    lines = driver.stdout.readlines()
    assert driver.wait() == 0 and len(lines) == 1
    assert_same(lines, undisturbed)
    assert json.loads(lines[0])[0]["bytes_down"] > 6000 * 12 * 8


def test_strangers_get_nowhere(cluster, tmp_path):
    strange = certified(tmp_path, "strange")
    host = cluster.worker(31, strange)
    for refused in ({"certificates": strange}, {"address": cluster.address.replace("tls", "tcp")}):
        driver, workers = cluster.drive(1, **refused)
        assert workers is None and driver.wait() != 0
    driver, workers = cluster.drive(0)
    assert workers == 2 and driver.wait() == 0
    host.close()


def interrupt(cluster, number, harm, fits):
    """Lines of a driver, a host that has begun to work being harmed during its fits."""
    host = cluster.worker(number)
    driver, workers = cluster.drive(fits, workers=3)
    assert workers == 3
    lines = [driver.stdout.readline()]
    harm(host)
    lines += driver.stdout.readlines()
    assert driver.wait() == 0
    host.close()
    assert len(lines) == fits
    return lines


def test_a_host_that_is_killed_for_good(cluster, undisturbed):
    assert_same(interrupt(cluster, 13, lambda host: host.kill(), fits=3), undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("seconds", [2, LOST_AFTER + 5])
def test_a_host_that_is_cut_off_and_restored(cluster, undisturbed, seconds):
    """For a moment: the fit waits for it; so long that it counts as lost: others do its work."""

    def harm(host):
        host.cut_off()
        time.sleep(seconds)
        host.connect()

    assert_same(interrupt(cluster, 20 + seconds, harm, fits=8), undisturbed)


def test_delay_and_loss_change_the_time_and_not_the_model(cluster, undisturbed):
    host = cluster.worker(15)
    try:
        host.disturb("delay", "50ms", "loss", "1%")
    except RuntimeError as error:
        host.close()
        pytest.skip(f"no netem in this kernel: {error}")
    driver, _ = cluster.drive(1, workers=3)
    lines = driver.stdout.readlines()
    assert driver.wait() == 0 and len(lines) == 1
    assert_same(lines, undisturbed)
    host.close()
