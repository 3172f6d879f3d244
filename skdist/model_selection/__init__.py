# SPDX-License-Identifier: BSD-3-Clause
"""Rows to train on and rows to test with, of Dask collections too."""

from skdist.model_selection._split import train_test_split

__all__ = ["train_test_split"]
