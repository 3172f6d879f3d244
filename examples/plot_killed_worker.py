# SPDX-License-Identifier: BSD-3-Clause
"""
What happens to a fit whose worker is killed?
=============================================

A task is a pure function of its shard, of what the driver sent, and of the seed. So the tasks of a
worker that died are run again elsewhere, and the model is the same. Here two worker processes are
really killed: one to see what is run again, and one amid a fit.
"""

import os
import signal
import tempfile
import time
from pathlib import Path

import dask.array as da
import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification

from skdist import DistributedLogisticRegression
from skdist.sharding import shard_rows

X, y = make_classification(20_000, 20, n_informative=8, random_state=0)

# %%
# Twelve shards on two processes of joblib's ``loky``. The first time that shard 5 comes by, its
# task notes the time in a file and kills its own process, as the operating system does when memory
# runs out.


def work(shard, folder):
    """Where and when this shard was computed: (process, begin, end)."""
    begin = time.time()
    np.linalg.svd(shard.X.repeat(4, axis=1))
    note = Path(folder, "killed")
    if shard.index == 5 and not note.exists():
        note.write_text(f"{os.getpid()} {begin} {time.time()}")
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid(), begin, time.time()


with tempfile.TemporaryDirectory() as folder, joblib.parallel_config(backend="loky", n_jobs=2):
    shards = shard_rows(X, y, n_shards=12)
    done = shards.map(work, folder)
    pid, begin, end = Path(folder, "killed").read_text().split()
    killed = int(pid), float(begin), float(end)
print(f"{shards.cost.retries} tasks were run again")

# %%
# Each line is a process, each bar the task of a shard. The hatched bar is the one that died.
plt.style.use("tableau-colorblind10")
start = min(begin for _, begin, _ in [killed, *done])
processes = list(
    dict.fromkeys(pid for pid, begin, _ in sorted([killed, *done], key=lambda t: t[1]))
)
figure, ax = plt.subplots(figsize=(9, 3), layout="constrained")
for number, (pid, begin, end) in enumerate(done):
    line = processes.index(pid)
    ax.barh(line, end - begin, left=begin - start, height=0.6, color="C0", edgecolor="white")
    ax.text((begin + end) / 2 - start, line, number, ha="center", va="center", color="white")
pid, begin, end = killed
ax.barh(
    processes.index(pid), end - begin, left=begin - start, height=0.6,
    color="C1", hatch="///", edgecolor="white",
)  # fmt: skip
ax.annotate(
    "killed", (end - start, processes.index(pid)), xytext=(4, 0), textcoords="offset points"
)
ax.set_yticks(range(len(processes)), [f"process {n + 1}" for n in range(len(processes))])
ax.invert_yaxis()
ax.set(xlabel="seconds since the first task began")
plt.show()

# %%
# A pool of processes that has lost one is replaced as a whole. The tasks that had been given to it
# are run again in new processes, those that were done are not.
#
# Now a fit. Its rows are a Dask array whose partitions are computed by the tasks that need them,
# and one of them kills the process that computes it, the first time. The model is that of the same
# rows from which nobody dies, to the last bit.


def killing_once(block, note, block_id=None):
    """The block as it is, if there is the note; else the end of this process."""
    if block_id[0] == 3 and not Path(note).exists():
        Path(note).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return block


rows, labels = da.from_array(X, chunks=(2500, -1)), da.from_array(y, chunks=2500)
model = DistributedLogisticRegression()
with tempfile.TemporaryDirectory() as folder, joblib.parallel_config(backend="loky", n_jobs=2):
    calm = model.fit(rows, labels).coef_
    deadly = rows.map_blocks(killing_once, f"{folder}/killed", meta=rows._meta)
    disturbed = model.fit(deadly, labels).coef_
print(f"tasks run again: {model.report_.retries}")
print(f"largest difference of a coefficient: {np.abs(calm - disturbed).max()}")
