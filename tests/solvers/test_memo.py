# SPDX-License-Identifier: BSD-3-Clause
"""What is remembered, how much of it, and where not."""

import pickle

import numpy as np

from skdist.solvers.memo import Memo


def test_what_finds_no_room_is_made_again():
    memo, made = Memo(1.0), []

    def array(size):
        made.append(size)
        return np.empty(size, np.int8)

    for size in (2**21, 2**21, 2**19, 2**19, 2**20):
        memo.get(size, lambda size=size: array(size))
    assert made == [2**21, 2**21, 2**19, 2**20]


def test_a_copy_remembers_nothing():
    memo = Memo(1.0)
    memo.get("x", lambda: np.ones(1))
    copy = pickle.loads(pickle.dumps(memo))
    first, second = (copy.get("x", lambda: np.zeros(1)) for _ in range(2))
    assert first is not second
