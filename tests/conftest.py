# SPDX-License-Identifier: BSD-3-Clause
"""What all tests share: the option --long and how hypothesis draws."""

import os

import pytest
from hypothesis import settings

settings.register_profile("skdist", deadline=None, derandomize="CI" in os.environ, database=None)
settings.load_profile("skdist")


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="takes minutes: runs with --long")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)
