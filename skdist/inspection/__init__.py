# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of fits: how they converged, who computed what when, and how alike the shards were.

Needs matplotlib: ``pip install "skdist[plot]"``. In the manner of scikit-learn's displays:
``from_estimator`` draws, ``plot`` draws again, ``figure_`` and ``ax_`` are there to be changed.
"""

from skdist.inspection._convergence import ConvergenceDisplay
from skdist.inspection._shards import ShardDisplay
from skdist.inspection._timeline import TimelineDisplay

__all__ = ["ConvergenceDisplay", "ShardDisplay", "TimelineDisplay"]
