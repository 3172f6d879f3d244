# SPDX-License-Identifier: BSD-3-Clause
import pickle
import sys

import numpy as np
import scipy.sparse as sp

from skdist.sharding import Shard
from skdist.sharding._shard import shard_seed


def test_seeds_depend_on_seed_and_index_alone_and_differ():
    seeds = [shard_seed(seed, index) for seed in range(20) for index in range(50)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert shard_seed(3, 4) == shard_seed(3, 4)


def test_pickling_keeps_memory_order_and_read_only():
    X = np.asfortranarray(np.arange(20.0).reshape(10, 2))
    shard = pickle.loads(pickle.dumps(Shard(X[2:7], rows=range(2, 7))))
    np.testing.assert_array_equal(shard.X, X[2:7])
    assert shard.X.flags.f_contiguous
    assert not shard.X.flags.writeable


def test_arrays_at_odd_addresses_are_copied_to_aligned_memory():
    raw = np.zeros(81, np.uint8)
    odd = raw[1:].view(np.float64)
    assert not odd.flags.aligned
    assert Shard(odd).X.flags.aligned


def test_size_is_that_of_the_arrays():
    X = sp.csr_matrix(np.eye(1000))
    expected = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    assert expected <= sys.getsizeof(Shard(X)) <= expected + 1000
