# SPDX-License-Identifier: BSD-3-Clause
"""Bytes of a fit whose shards send a share of their moves; see ``config_context(wire=...)``."""

from __future__ import annotations

from math import ceil

from skdist.sharding import Place
from skdist.solvers.owed_moves import bytes_of_rounds


def of_share(
    share: float, n_entries: int, m: int, place: Place, *, told: float, sent: float, kept: float
) -> dict[str, float]:
    """What a `Sketch` is told of it.

    Parameters
    ----------
    share : float
    n_entries : int
        Of which a share is sent.
    m : int
        Shards.
    place : Place
    told, sent : float
        Bytes of a round in which shards are told all, and in which they send all.
    kept : float
        Bytes that a shard keeps between rounds.

    Returns
    -------
    bytes : dict of str to float
        ``down``, ``up``, ``once_down``, ``once_up``.
    """
    k = ceil(share * n_entries)
    down, once_down = bytes_of_rounds(told, min(m * k, n_entries))
    up, once_up = bytes_of_rounds(sent, k)
    # No task of a pool of processes finds the process again that ran the one before.
    travels = kept if place.kind == "processes" else 0.0
    return {
        "down": down + travels,
        "up": up + travels,
        "once_down": m * once_down,
        "once_up": m * once_up,
    }
