# SPDX-License-Identifier: BSD-3-Clause
"""The examples in docstrings and in the manual give what they say they give."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GENERATED = {"_build", "_templates", "api", "auto_examples"}  # by a build of the manual, if any
PAGES = [
    page
    for page in sorted((ROOT / "doc").rglob("*.rst"))
    if GENERATED.isdisjoint(page.relative_to(ROOT / "doc").parts)
]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "skdist").rglob("*.py"))
]
OPTIONS = doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    assert doctest.testmod(import_module(name), optionflags=OPTIONS).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(page):
    path = str(page)
    assert doctest.testfile(path, module_relative=False, optionflags=OPTIONS).failed == 0


def test_a_wrong_example_is_found(tmp_path):
    page = tmp_path / "page.rst"
    page.write_text("::\n\n    >>> 1 + 1\n    3\n", encoding="utf-8")
    assert doctest.testfile(str(page), module_relative=False, verbose=False).failed == 1
