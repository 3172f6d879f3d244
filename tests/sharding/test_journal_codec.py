# SPDX-License-Identifier: BSD-3-Clause
import json
from collections import namedtuple
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import sparse

from skdist.sharding import Shard, digest
from skdist.sharding._journal_codec import (
    NotWritable,
    decode,
    described,
    encode,
    in_memory_order,
    rebuilt,
)
from skdist.solvers.rounds import Step
from skdist.summaries import WeightedMean


def there_and_back(value):
    """Through JSON and bytes, as in a file."""
    tree, found = encode(value)
    stored = [(json.dumps(described(a)), in_memory_order(a).tobytes()) for a in found]
    again = [rebuilt(json.loads(about), data) for about, data in stored]
    return decode(json.loads(json.dumps(tree)), again)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        2**70,
        0.1,
        float("inf"),
        "ü",
        b"\x00\xff",
        range(2, 9, 3),
        (1, [2, (3,)], {"a": 1, 2: None}, {4, 5}, frozenset("x")),
        np.float32(0.1),
        np.int8(3),
        np.bool_(True),
        np.array(["a", "bcd"]),
        np.array(["2020-01-01"], "datetime64[D]"),
        np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
        np.array(["x", None, 3], object),
        np.zeros((0, 3)),
        np.array(2.0),
        np.dtype("float32"),
        np.dtype(object),
        np.dtype([("a", "i4"), ("b", "f8", (2,))]),
    ],
)
def test_values_come_back_as_they_were(value):
    again = there_and_back(value)
    assert type(again) is type(value)
    np.testing.assert_equal(again, value)
    assert getattr(again, "dtype", None) == getattr(value, "dtype", None)


@given(
    arrays(np.float64, array_shapes(max_dims=3, max_side=4)),
    st.permutations(range(3)),
)
def test_arrays_keep_their_bits_and_their_memory_order(array, axes):
    array = array.transpose([axis for axis in axes if axis < array.ndim])
    again = there_and_back(array)
    assert again.tobytes() == array.tobytes()
    assert again.flags.f_contiguous == array.flags.f_contiguous
    assert again.flags.c_contiguous == array.flags.c_contiguous
    assert again.flags.writeable


def test_a_value_of_skdist_keeps_its_class_and_fields():
    given = Step(3, 0.5, np.inf, 10)
    assert there_and_back(given) == given
    mean = there_and_back(WeightedMean(5.0, 2.0 * np.eye(2)))
    assert type(mean) is WeightedMean
    np.testing.assert_array_equal(mean.mean, 2.0 * np.eye(2))
    assert there_and_back(Shard(np.eye(2), rows=range(3, 5))).rows == range(3, 5)


@pytest.mark.parametrize("kind", ["csr_matrix", "csr_array", "csc_matrix", "csc_array"])
def test_sparse_matrices(kind):
    matrix = getattr(sparse, kind)(sparse.random(6, 4, 0.4, rng=0))
    again = there_and_back(matrix)
    assert type(again) is type(matrix)
    assert digest(again) == digest(matrix)


@dataclass(frozen=True)
class Elsewhere:
    x: int = 1


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize("value", [Elsewhere(), Pair(1, 2), Fraction(1, 2), {"a": [open]}])
def test_what_is_not_ours_is_refused(value):
    with pytest.raises(NotWritable):
        encode(value)


@pytest.mark.parametrize("name", ["os:system", "skdist.sharding._config:os", "skdist:journals"])
def test_a_file_names_no_code(name):
    module, _, what = name.partition(":")
    with pytest.raises((NotWritable, ModuleNotFoundError)):
        decode({"value": [module, what, {}]}, [])
