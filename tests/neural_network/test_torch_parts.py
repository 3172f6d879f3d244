# SPDX-License-Identifier: BSD-3-Clause
"""Random numbers, threads, recipes, states: what nets over shards are built of."""

import os
import pickle
import platform
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_problems import SCORES, Normed, Perceptron, digits, made

from skdist import DistributedNeuralNetClassifier
from skdist.neural_network._torch_pace import Work
from skdist.neural_network._torch_random import OwnRandomNumbers
from skdist.neural_network._torch_recipe import MOST_FITS, device_of, recipe_of
from skdist.neural_network._torch_state import read_state, write_state
from skdist.neural_network._torch_threads import torch_threads

CPU = torch.device("cpu")
ADAM = {**SCORES, "optimizer": torch.optim.Adam, "batch_size": 32, "max_epochs": 1}


def ones():
    return torch.ones(40, 3)


DRAWS = {
    "dropout": lambda: F.dropout(ones(), 0.4),
    "dropout in place": lambda: F.dropout(ones(), 0.4, inplace=True),
    "dropout of maps": lambda: F.dropout2d(torch.ones(4, 3, 2, 2), 0.4),
    "alpha dropout": lambda: F.alpha_dropout(ones(), 0.4, training=True),
    "rand": lambda: torch.rand(5),
    "randn_like": lambda: torch.randn_like(ones()),
    "bernoulli_": lambda: ones().bernoulli_(0.5),
    "normal_": lambda: ones().normal_(),
    "rrelu": lambda: F.rrelu(-ones(), training=True),
    "a layer's start": lambda: nn.Linear(3, 4).weight.detach(),
    "a recurrent net": lambda: recurrent(ones().reshape(8, 5, 3)),
}


def recurrent(X):
    torch_layer = nn.LSTM(3, 4, 2, dropout=0.5, batch_first=True)
    return torch_layer(X)[0].detach()


@pytest.mark.parametrize("name", DRAWS)
def test_draws_depend_on_the_seed_alone_and_not_on_the_thread(name):
    def draw(seed):
        with OwnRandomNumbers(seed, CPU):
            return torch.cat([DRAWS[name]().flatten() for _ in range(3)])

    state = torch.get_rng_state()
    expected = [draw(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(draw, list(range(4)) * 5))
    for seed, values in enumerate(found):
        assert torch.equal(values, expected[seed % 4])
    assert not torch.equal(expected[0], expected[1])
    assert torch.equal(torch.get_rng_state(), state)


def test_dropout_keeps_the_mean_and_is_off_where_nothing_is_trained():
    with OwnRandomNumbers(0, CPU):
        dropped = F.dropout(torch.ones(20_000), 0.25)
        assert dropped.unique().tolist() == pytest.approx([0.0, 4.0 / 3.0])
        assert float(dropped.mean()) == pytest.approx(1.0, abs=0.02)
        assert torch.equal(F.dropout(ones(), 0.25, training=False), ones())
        assert float(F.dropout(ones(), 1.0).sum()) == 0.0


def test_blocks_that_open_while_others_close_restore_the_threads_of_torch(monkeypatch):
    before, plainly = torch.get_num_threads(), torch.set_num_threads

    def slowly(n_threads):
        time.sleep(0.002)  # for other blocks to open meanwhile
        plainly(n_threads)

    def blocks():
        for _ in range(10):
            with torch_threads(before + 1):
                pass

    monkeypatch.setattr(torch, "set_num_threads", slowly)
    threads = [threading.Thread(target=blocks) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == before


def test_threads_of_torch_are_restored():
    before = torch.get_num_threads()
    inside, out = threading.Event(), threading.Event()

    def other():
        with torch_threads(before + 2):
            inside.set()
            out.wait(30)
            return torch.get_num_threads()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(other)
        inside.wait(30)
        with torch_threads(before + 1):
            assert torch.get_num_threads() == before + 1
        out.set()
        assert future.result() == before + 2
    assert torch.get_num_threads() == before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == before


def test_a_thread_that_lives_long_does_not_restore_a_number_of_long_ago(one_torch_thread):
    def block():
        with torch_threads(2):
            return torch.get_num_threads()

    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as fresh:
        assert pool.submit(block).result() == 2  # it has restored 1, and keeps it
        torch.set_num_threads(3)
        assert pool.submit(block).result() == 2
        assert fresh.submit(torch.get_num_threads).result() == 3


def trained():
    return made(DistributedNeuralNetClassifier, Normed, **ADAM).fit(*digits(200))


def untrained(module, **parameters):
    return made(DistributedNeuralNetClassifier, module, **{**ADAM, **parameters}).initialize()


def test_a_state_is_read_and_written():
    net, other = (
        trained(),
        made(DistributedNeuralNetClassifier, Normed, seed=1, **ADAM).initialize(),
    )
    state = read_state(net, 3.0)
    write_state(other, state)
    for key, value in net.module_.state_dict().items():
        assert torch.equal(value, other.module_.state_dict()[key]), key
    ours, theirs = (n.optimizer_.state_dict()["state"] for n in (net, other))
    assert ours.keys() == theirs.keys()
    for number, memory in ours.items():
        for key, value in memory.items():
            assert torch.equal(value, theirs[number][key]), key
    assert state.n_parameters == sum(p.numel() for p in net.module_.parameters())
    assert state.variance.shape == (32,)
    assert read_state(other, 3.0).layout == state.layout


def test_half_precision_travels_as_single():
    module = nn.Linear(4, 2).bfloat16()
    net = untrained(module)
    state = read_state(net, 1.0)
    assert state.mean.dtype == np.float32
    before = module.weight.detach().clone()
    write_state(net, state)
    assert torch.equal(module.weight, before)


def test_states_of_unlike_networks_do_not_merge():
    one = made(DistributedNeuralNetClassifier, Perceptron, **ADAM).initialize()
    other = made(
        DistributedNeuralNetClassifier, Perceptron, module__n_hidden=7, **ADAM
    ).initialize()
    with pytest.raises(ValueError, match="States of unlike networks cannot be merged; they differ"):
        read_state(one, 1.0) + read_state(other, 1.0)


def test_a_recipe_is_names_and_values():
    net = made(
        DistributedNeuralNetClassifier, Normed, criterion__weight=torch.ones(10), **ADAM
    ).initialize()
    recipe = recipe_of(net, "a fit", 2, {})
    again = pickle.loads(pickle.dumps(recipe))
    assert (again.cls, again.fit, again.parameters["module"]) == (type(net), "a fit", Normed)
    assert b"running_mean" not in recipe.packed
    assert len(recipe.packed) < 4_000
    with again.net(0) as made_net, again.net(1) as other:
        assert made_net is not other
        with again.net(0) as meanwhile:  # a late task's is not given to the next one
            assert meanwhile is not made_net
    with again.net(0) as next_time, recipe.net(2) as own:
        assert next_time is made_net
        assert own.criterion_.weight is not net.criterion_.weight
    for fit in range(MOST_FITS):
        with recipe_of(net, f"fit {fit}", 2, {}).net(0):
            pass
    with again.net(0) as anew:  # nets of old fits are let go
        assert anew is not made_net


def test_what_cannot_be_imported_cannot_travel():
    class Local(Perceptron):
        pass

    for given in ({"module": Local}, {"module": Perceptron, "module__softmax": lambda x: x}):
        net = made(
            DistributedNeuralNetClassifier, given.pop("module"), **ADAM, **given
        ).initialize()
        with pytest.raises(TypeError, match="must be importable by name"):
            pickle.dumps(recipe_of(net, "a fit", 2, {}))


IN_MAIN = """
import joblib, numpy as np, torch
from skdist import DistributedNeuralNetClassifier
class Mine(torch.nn.Linear):
    pass
def fit():
    net = DistributedNeuralNetClassifier(
        Mine, module__in_features=4, module__out_features=3, verbose=0,
        criterion=torch.nn.CrossEntropyLoss, max_epochs=1, n_shards=2)
    return net.fit(np.ones((30, 4), "float32"), np.arange(30) % 3)
if __name__ == "__main__":
    fit()
    with joblib.parallel_config(backend="loky", n_jobs=2):
        fit()
"""


def test_a_module_of_the_main_program_is_for_threads(tmp_path):
    script = tmp_path / "main.py"
    script.write_text(IN_MAIN, encoding="utf-8")
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=Path.cwd())
    assert "TypeError: Mine is defined in the main program" in done.stderr
    assert "parallel_config(backend='threading')" in done.stderr


def test_devices():
    assert device_of("cpu", 3) == CPU
    assert device_of(None, 3) == CPU
    n_devices = torch.cuda.device_count()
    expected = torch.device("cuda", 3 % n_devices) if n_devices else CPU
    assert device_of("cuda", 3) == expected


def test_work_is_counted():
    X, layer = torch.ones(8, 5), nn.Linear(5, 3)
    with Work() as work:
        layer(X).sum().backward()
    assert work.n_flops == 2 * 2 * 8 * 5 * 3  # forward, and the gradient of the weights
    assert 4 < work.n_calls < 40


FAULTS = """
import resource, sys
import numpy as np
from skdist.neural_network._torch_memory import keep_what_steps_free

def step():
    blocks = [np.ones(400_000, np.float32) for _ in range(6)]

if sys.argv[1] == "kept":
    keep_what_steps_free()
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives back")
@pytest.mark.parametrize("environment", [{}, {"MALLOC_TRIM_THRESHOLD_": "65536"}], ids=["", "dask"])
def test_a_process_keeps_the_memory_that_steps_free(environment):
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}

    def n_faults(how):
        command = [sys.executable, "-c", FAULTS, how]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env=plain | environment
        )
        return int(done.stdout)

    assert n_faults("kept") < n_faults("given back") / 20
