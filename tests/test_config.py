# SPDX-License-Identifier: BSD-3-Clause
import threading

import pytest

from skdist._config import config_context, get_config


def test_the_setting_holds_inside_the_block_and_in_this_thread_only():
    seen = []
    with config_context(retries=7):
        with config_context(retries=1):
            seen.append(get_config())
        seen.append(get_config())
        thread = threading.Thread(target=lambda: seen.append(get_config()))
        thread.start()
        thread.join()
    assert seen == [{"retries": 1}, {"retries": 7}, {"retries": 3}]
    assert get_config() == {"retries": 3}


def test_none_changes_nothing():
    with config_context():
        assert get_config() == {"retries": 3}


def test_the_setting_ends_with_an_error():
    with pytest.raises(KeyError), config_context(retries=0):
        raise KeyError
    assert get_config() == {"retries": 3}


@pytest.mark.parametrize("retries", [-1, 1.5, "2", True])
def test_wrong_values(retries):
    with pytest.raises(ValueError, match="whole number"), config_context(retries=retries):
        pass
