# SPDX-License-Identifier: BSD-3-Clause
"""Every name of the reference is described, with an example that is run."""

import doctest
import importlib.util
import inspect
import sys
from importlib import import_module
from pathlib import Path

import pytest

PAGES = Path(__file__).parent.parent / "doc" / "sphinxext" / "api_pages.py"


def public_names(folder):
    """What the site's reference lists, by the code that writes it."""
    spec = importlib.util.spec_from_file_location("api_pages", PAGES)
    api_pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(api_pages)
    return [name for names in api_pages.write_index(folder).values() for name in names]


def look_up(full_name):
    package, _, name = full_name.rpartition(".")
    return getattr(import_module(package), name)


def lacks_an_example(value):
    """Whether there is none in its own docstring, or where no doctest of modules finds it."""
    finder = doctest.DocTestFinder(recurse=False)
    module = sys.modules[value.__module__]
    found = finder.find(value, value.__qualname__, module)
    has_section = "Examples\n--------\n" in inspect.getdoc(value)
    examples = [example for test in found for example in test.examples]
    skipped = any(example.options.get(doctest.SKIP) for example in examples)
    return not (has_section and examples and not skipped)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    return public_names(tmp_path_factory.mktemp("api"))


def test_every_name_of_the_reference_has_an_example(names):
    assert len(names) > 60
    assert [name for name in names if lacks_an_example(look_up(name))] == []


def test_the_reference_has_what_users_meet(names):
    assert {"skdist.merge", "skdist.clear_journal", "skdist.journals"} <= set(names)
    assert {"skdist._report.FitReport", "skdist._report.ShardFacts"} <= set(names)
    for name in ("JournalWarning", "KeptFit", "ShardLostError", "WorkersLostError"):
        assert f"skdist.sharding.{name}" in names


def test_a_name_without_an_example_is_found():
    class Nothing:
        """Says nothing."""

    assert lacks_an_example(Nothing)
