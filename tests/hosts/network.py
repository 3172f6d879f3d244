# SPDX-License-Identifier: BSD-3-Clause
"""Hosts with addresses of their own, on a network that is made for a test and goes with it.

Each host is a network namespace with one interface; all interfaces are ports of one bridge, which
lies in a namespace as well. Nothing of it is connected to any other network.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path

SUBNET = "10.77.0"


def why_not():
    """Why namespaces cannot be made here; None where they can."""
    if sys.platform != "linux" or shutil.which("ip") is None:
        return "needs Linux and its command ip"
    name = f"skd-{uuid.uuid4().hex[:6]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode:
        return f"ip netns add: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None


def run(*command):
    """Run a command to its end; what it says is in the error if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


class Host:
    """A namespace with an address, and the processes that were started in it."""

    def __init__(self, network, number):
        self.number = number
        self.address = f"{SUBNET}.{number}"
        self._hub, self._port = network.hub, f"p{number}"
        self._name = f"{network.hub}-{number}"
        self._processes = []

    def open(self):
        """Make it."""
        end = f"e{self.number}"
        run("ip", "netns", "add", self._name)
        run("ip", "-n", self._hub, "link", "add", self._port, "type", "veth", "peer", "name", end)
        run("ip", "-n", self._hub, "link", "set", end, "netns", self._name)
        run("ip", "-n", self._hub, "link", "set", self._port, "master", "bridge")
        run("ip", "-n", self._name, "addr", "add", f"{self.address}/24", "dev", end)
        for link in (end, "lo"):
            run("ip", "-n", self._name, "link", "set", link, "up")
        self.connect()

    def connect(self):
        """Plug it in."""
        run("ip", "-n", self._hub, "link", "set", self._port, "up")

    def cut_off(self):
        """Pull the plug: nothing is said to anybody."""
        run("ip", "-n", self._hub, "link", "set", self._port, "down")

    def disturb(self, *how):
        """Delay or lose what leaves it, e.g. ``"delay", "50ms"``: RuntimeError without netem."""
        run("ip", "netns", "exec", self._name, "tc", "qdisc", "add", "dev", f"e{self.number}",
            "root", "netem", *how)  # fmt: skip

    def start(self, *command, env, log):
        """Start a process in it, which leads a group of its own."""
        with open(log, "ab") as out:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self._name, *command],
                stdout=subprocess.PIPE if env.get("READ") else out,
                stderr=out,
                env={**os.environ, **env},
                start_new_session=True,
                text=True,
            )
        self._processes.append(process)
        return process

    def kill(self):
        """Kill all that runs in it."""
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._processes.clear()
        # What has left the group, as the processes that a nanny starts do.
        pids = subprocess.run(
            ["ip", "netns", "pids", self._name], capture_output=True, text=True
        ).stdout.split()
        for pid in map(int, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self):
        """Kill what runs in it, and remove it."""
        self.kill()
        subprocess.run(["ip", "netns", "del", self._name], capture_output=True)


class Network:
    """A bridge, and the hosts on it."""

    def __init__(self):
        self.hub = f"skd-{uuid.uuid4().hex[:6]}"
        self._open = contextlib.ExitStack()

    def __enter__(self):
        run("ip", "netns", "add", self.hub)
        self._open.callback(run, "ip", "netns", "del", self.hub)
        run("ip", "-n", self.hub, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", self.hub, "link", "set", "bridge", "up")
        return self

    def __exit__(self, *exc):
        self._open.close()

    def host(self, number):
        """A new host, with the last part of its address."""
        host = Host(self, number)
        self._open.callback(host.close)
        host.open()
        return host


TESTS = Path(__file__).parent
