# SPDX-License-Identifier: BSD-3-Clause
import copy
import math
import os
import pickle
import threading

import pytest
from sklearn.base import clone

import skdist
from skdist._carried_settings import carried_settings
from skdist._config import config_context, get_config

DEFAULTS = {
    "retries": 3,
    "journal": None,
    "max_time": math.inf,
    "worker_timeout": 60.0,
    "deadline": math.inf,
    "quorum": 1.0,
    "wire": "exact",
    "spill": True,
}


def retries():
    return get_config()["retries"]


def in_a_thread(call):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(call()))
    thread.start()
    thread.join()
    return seen[0]


def test_the_setting_holds_inside_the_block():
    with config_context(retries=7):
        with config_context(retries=1):
            assert retries() == 1
        assert retries() == 7
    assert get_config() == DEFAULTS


def test_a_thread_without_a_block_sees_what_is_open():
    def opens_its_own():
        with config_context(retries=2):
            return retries()

    with config_context(retries=7):
        with config_context(retries=1):
            assert in_a_thread(retries) == 1
            assert in_a_thread(opens_its_own) == 2
        assert in_a_thread(retries) == 7
    assert in_a_thread(retries) == 3


def test_an_unfitted_estimator_takes_the_settings_along():
    with config_context(retries=5):
        sent = pickle.dumps(skdist.DistributedRidge())
    arrived = clone(clone(pickle.loads(sent)))
    with carried_settings(arrived):
        assert retries() == 5
    assert vars(arrived) == vars(skdist.DistributedRidge())
    with config_context(retries=4), carried_settings(copy.copy(pickle.loads(sent))):
        assert retries() == 4


def test_without_settings_nothing_is_taken_along():
    plain = skdist.DistributedRidge()
    assert vars(pickle.loads(pickle.dumps(plain))) == vars(plain)
    plain.coef_ = 1.0
    with config_context(retries=5):
        assert vars(pickle.loads(pickle.dumps(plain))) == vars(plain)


def test_none_changes_nothing():
    with config_context():
        assert get_config() == DEFAULTS


def test_the_setting_ends_with_an_error():
    with pytest.raises(KeyError), config_context(retries=0):
        raise KeyError
    assert get_config() == DEFAULTS


def test_a_folder_becomes_absolute():
    with config_context(journal="here"):
        assert get_config()["journal"] == os.path.join(os.getcwd(), "here")


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_time": 0},
        {"max_time": "1"},
        {"worker_timeout": -1.0},
        {"deadline": 0.5},
        {"deadline": True},
        {"quorum": 0.0, "deadline": 2},
        {"quorum": 1.5, "deadline": 2},
    ],
)
def test_wrong_numbers(wrong):
    with pytest.raises(ValueError, match="it must be a number"), config_context(**wrong):
        pass


@pytest.mark.parametrize("retries", [-1, 1.5, "2", True])
def test_wrong_values(retries):
    with pytest.raises(ValueError, match="whole number"), config_context(retries=retries):
        pass


@pytest.mark.parametrize("wrong", ["float16", 1.0, 0, True])
def test_wrong_wires(wrong):
    with pytest.raises(ValueError, match='must be "exact"'), config_context(wire=wrong):
        pass


@pytest.mark.parametrize("wrong", ["/no/such/folder", 1, 0.5])
def test_wrong_folders(wrong):
    with pytest.raises(ValueError, match="a folder that is there"), config_context(spill=wrong):
        pass


def test_what_stays_with_shards_is_needed_in_every_round():
    other = {"quorum": 0.9, "deadline": 3}
    with (
        pytest.raises(ValueError, match=r"wire=0\.1 was given with quorum=0\.9"),
        config_context(**other, wire=0.1),
    ):
        pass
    with config_context(**other, wire="float32"):
        assert get_config()["wire"] == "float32"


def test_a_quorum_needs_a_deadline():
    with pytest.raises(ValueError, match="without a deadline"), config_context(quorum=0.9):
        pass
    with config_context(deadline=3), config_context(quorum=0.9):
        assert get_config()["quorum"] == 0.9
