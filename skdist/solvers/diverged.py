# SPDX-License-Identifier: BSD-3-Clause
"""The error of a fit that got lost on its way, and has gone back to where it still was good."""

from typing import Any


class Diverged(ValueError):
    """A loss, a gradient or a parameter is no number any more.

    `trained` is what there was before, where the solver and not the estimator holds it.
    """

    trained: Any = None
