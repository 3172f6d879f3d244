# SPDX-License-Identifier: BSD-3-Clause
"""What numba keeps on disk is forgotten when any kernel changes."""

import pkgutil
from importlib import import_module

import numpy as np
import pytest

import skdist.kernels
from skdist.kernels.compiling import KERNELS, digest_of, read_only


def entries():
    """Every kernel that numba keeps on disk, of all modules."""
    for module in pkgutil.iter_modules(skdist.kernels.__path__, "skdist.kernels."):
        for name, value in vars(import_module(module.name)).items():
            if hasattr(value, "py_func") and value.targetoptions.get("nogil"):
                yield f"{module.name}.{name}", value


def test_the_digest_changes_with_any_file(tmp_path):
    (tmp_path / "a.py").write_text("one")
    (tmp_path / "b.py").write_text("two")
    before = digest_of(tmp_path)
    (tmp_path / "b.py").write_text("2")
    assert before != digest_of(tmp_path)
    (tmp_path / "b.py").write_text("two")
    assert before == digest_of(tmp_path)


def test_there_are_entries():
    assert len(dict(entries())) > 10


@pytest.mark.parametrize(("name", "kernel"), list(entries()))
def test_what_is_kept_is_stamped_with_all_kernels(name, kernel):
    assert KERNELS in kernel._cache._cache_file._source_stamp


def test_read_only_gives_a_view_that_cannot_be_written():
    array = np.zeros(3)
    view = read_only(array)
    array[0] = 1.0
    assert view[0] == 1.0 and array.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        view[1] = 2.0
