# SPDX-License-Identifier: BSD-3-Clause
import pytest

from skdist.sharding._tree import pairs, tree_fold


def bracket(a, b):
    return f"({a}{b})"


@pytest.mark.parametrize(
    ("letters", "expected"),
    [("a", "a"), ("ab", "(ab)"), ("abc", "((ab)c)"), ("abcde", "(((ab)(cd))e)")],
)
def test_the_tree_is_the_documented_one(letters, expected):
    assert tree_fold(bracket, letters) == expected


def test_pairs_cover_every_item_once_in_order():
    assert pairs(5) == [(0, 1), (2, 3), (4,)]
