# SPDX-License-Identifier: BSD-3-Clause
"""Labels and their numbers, wherever the rows are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdist._labels import (
    check_total_weight,
    check_weights,
    column_of,
    count_classes,
    distinct,
    encode_labels,
    find_classes,
    weigh_classes,
)
from skdist.sharding import shard_rows

INTEGERS = st.sampled_from([np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64])


@given(INTEGERS.flatmap(lambda dtype: arrays(dtype, st.integers(1, 30))))
def test_integers_are_encoded_as_unique_does(y):
    classes, codes = np.unique(y, return_inverse=True)
    np.testing.assert_array_equal(distinct(y), classes)
    assert distinct(y).dtype == y.dtype
    np.testing.assert_array_equal(encode_labels(y, classes), codes)


@pytest.mark.parametrize(
    "y",
    [
        np.array(["b", "a", "b"]),
        np.array(["b", "a", "b"], object),
        np.array([True, False, True]),
        np.array([1.0, 0.0, 1.0]),
        np.array([1 << 40, -5, 1 << 40]),
        np.array([], np.int64),
    ],
    ids=lambda y: f"{y.dtype}-{len(y)}",
)
def test_other_labels_are_encoded_as_unique_does(y):
    classes, codes = np.unique(y, return_inverse=True)
    np.testing.assert_array_equal(distinct(y), classes)
    np.testing.assert_array_equal(encode_labels(y, classes), codes)


def test_labels_that_others_have_keep_their_numbers():
    np.testing.assert_array_equal(
        encode_labels(np.array([7, 3]), np.array([-9, 3, 7, 900])), [2, 1]
    )


def test_fractions_are_no_classes():
    with pytest.raises(ValueError, match="Unknown label type"):
        distinct(np.array([0.5, 0.25, 3.0]))


def test_classes_of_shards_are_united_and_counted(backend):
    y, w = np.array([3, 3, 1, 2, 2, 2]), np.arange(6.0)
    shards = shard_rows(np.zeros((6, 1)), y, w, n_shards=3)
    classes = find_classes(shards)
    assert classes.tolist() == [1, 2, 3]
    assert count_classes(shards, classes).tolist() == [2.0, 12.0, 1.0]
    assert count_classes(shards, classes, weighted=False).tolist() == [1.0, 3.0, 2.0]


def test_class_weights():
    classes, mass = np.array(["a", "b"]), np.array([1.0, 3.0])
    assert weigh_classes(None, classes, mass) is None
    np.testing.assert_allclose(weigh_classes("balanced", classes, mass), [2.0, 2 / 3])
    assert weigh_classes({"a": 5}, classes, mass).tolist() == [5.0, 1.0]
    assert weigh_classes({"a": 5, "b": 2, "z": 1}, classes, mass).tolist() == [5.0, 2.0]
    with pytest.raises(ValueError, match="are not in class_weight"):
        weigh_classes({"z": 1}, classes, mass)
    with pytest.raises(ValueError, match="class_weight has 1 negative"):
        weigh_classes({"a": -1}, classes, mass)


def test_weights_are_checked():
    check_weights(np.array([0.0, 1.0]))
    check_total_weight(1.0)
    with pytest.raises(ValueError, match="sample_weight has 2 negative values, the smallest -3"):
        check_weights(np.array([1.0, -3.0, -1.0]))
    with pytest.raises(ValueError, match="0 for all rows"):
        check_total_weight(0.0)


def test_one_column_of_y():
    assert column_of([[1], [2]]).tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"y has shape \(1, 2\)"):
        column_of([[1, 2]])
