# SPDX-License-Identifier: BSD-3-Clause
"""How long a fit may still take, by what is known of it; said as what it is, a bound or a guess.

steps or passes that are counted:     at most  t / made (max_iter - made)
a violation that falls to tol:        about    (log v - log tol) / (its fall a second, lately)
tasks of a long round:                about    t / arrived (n_tasks - arrived), of this round
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

# A violation hardly falls at the beginning of a search, of which nothing can be told of the rest.
# The share of the largest one below which a guess is made: a choice between guesses that are early
# and guesses that are near.
FALLING = 0.3
LONG_ROUND = 2.0  # seconds, of which somebody who watches wants to know how many there will be


def of_iterations(seconds: float, made: float, most: int | None) -> str:
    """Of the iterations that there are at most; "" where their number is not known."""
    if not most or not 0 < made <= most:
        return ""
    return f"at most {seconds / made * (most - made):.0f} s left"


def of_round(seconds: float, n_arrived: int, n_tasks: int) -> str:
    """Of a round that takes long; "" of others."""
    if seconds < LONG_ROUND or not 0 < n_arrived < n_tasks:
        return ""
    return f"about {seconds / n_arrived * (n_tasks - n_arrived):.0f} s left of this round"


@dataclass(eq=False)
class Fall:
    """A violation on its way down to `tol`.

    Parameters
    ----------
    tol : float
    """

    tol: float
    _largest: float = 0.0
    _seen: list[tuple[float, float]] = field(default_factory=list)

    def saw(self, seconds: float, violation: float) -> None:
        """The violation at a time of the fit; what counts is the least so far."""
        self._largest = max(self._largest, violation)
        least = min(violation, self._seen[-1][1]) if self._seen else violation
        self._seen.append((seconds, least))

    def text(self) -> str:
        """By the fall since half of what was seen; "" where it has hardly begun."""
        if len(self._seen) < 4:
            return ""
        (then, higher), (now, least) = self._seen[len(self._seen) // 2], self._seen[-1]
        if not self.tol < least < min(higher, FALLING * self._largest):
            return ""
        a_second = math.log(higher / least) / (now - then)
        return f"about {math.log(least / self.tol) / a_second:.0f} s left"
