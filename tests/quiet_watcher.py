# SPDX-License-Identifier: BSD-3-Clause
"""Somebody who watches a fit and does nothing: what tests of rounds start from."""


class QuietWatcher:
    """Is told of rounds, tasks and notes."""

    def begins(self, round):
        """A round begins."""

    def arrived(self, round, task):
        """A task's result is there."""

    def ends(self, round):
        """A round ends."""

    def noted(self, values):
        """The solver says where it stands."""
