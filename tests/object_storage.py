# SPDX-License-Identifier: BSD-3-Clause
"""A real S3 server on this machine: moto's, in a process of its own."""

import socket
import subprocess
import sys
import time
from contextlib import contextmanager

# It ends when its standard input does, so also when the tests are killed.
SERVER = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""


@contextmanager
def s3_server():
    """`storage_options` of a server that is running, with a bucket "rows"."""
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(process, port)
        options = {
            "key": "nobody",
            "secret": "nothing",
            "client_kwargs": {"endpoint_url": f"http://127.0.0.1:{port}"},
        }
        import s3fs

        s3fs.S3FileSystem(**options).mkdir("rows")
        yield options
    finally:
        process.stdin.close()
        process.wait(timeout=20)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(process, port, seconds=60.0):
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"moto's server did not start on port {port}.")
