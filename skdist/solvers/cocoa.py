# SPDX-License-Identifier: BSD-3-Clause
"""CoCoA+: the hinge's dual, improved by all shards at once, and accelerated.

    max over 0 <= a <= c:   D(a) = sum_i a_i - |w(a)|^2 / 2,     w(a) = sum_i a_i r_i

with rows r_i = t_i [x_i, k] and costs c_i = C s_i. In a round shard k improves its own variables as
if the others stood still, but took the same step sigma-fold (Ma et al., 2015),

    max over da_k:   sum da_i - w'v_k - sigma |v_k|^2 / 2,      v_k = sum over its rows of da_i r_i

by epochs of dual coordinate ascent, and sends v_k and da_k. The driver goes along the sum of all
steps as far as D rises, so that any sigma is safe:

    a <- a + gamma da,   gamma = min(1, (sum da - w'v) / |v|^2),   v = sum_k v_k

sigma = m (shards whose rows all pull the same way) is always enough for gamma = 1; rows with few
entries have little to do with each other, and sigma follows gamma down and up.

What all shards share, an intercept or frequent words, is slow: each moves it by an m-th. So the
driver looks for the best point in the affine hull of the last points, which takes their w alone,

    theta = argmax D(sum_j theta_j a_j),    sum_j theta_j = 1,

asks the shards for w of that point, clipped to the box, and again goes as far as D rises.

The certificate is the duality gap of all rows, F at the lowest point met less D at the highest.

Shards keep nothing between rounds, so that a lost worker costs one task: dual variables go up and
come back. Cost of an iteration: two rounds; 8 p bytes down to and up from every shard in each, and
of dual variables 8 n up in all and 16 n down to every worker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skdist.kernels.dual_ascent import ascend_dense, ascend_sparse
from skdist.kernels.margin_rows import pulled, slack_of
from skdist.solvers.hinge_interior_point import CERTIFICATE, relative_gap
from skdist.solvers.linear_objective import LinearObjective, Solution
from skdist.solvers.rounds import Rounds, Shards, Step

if TYPE_CHECKING:
    from skdist.sharding import Shard

Floats = NDArray[np.float64]

EPOCHS = 10  # over a shard's rows per round
RECENT = 10  # points whose affine hull is searched
SINGULAR = 1e-13


@dataclass(frozen=True, eq=False)
class DualStep:
    """What shards say of a point and propose there; ``+`` puts it together.

    Parameters
    ----------
    hinge : float
        Cost of the hinges.
    gap : float
        Primal minus dual value, but for what w lacks of w(a): nothing.
    dual : dict of int to ndarray
        By the number of the shard: a + da.
    pull : ndarray of shape (p,), float64
        v.
    rise : float
        sum da.
    """

    hinge: float
    gap: float
    dual: dict[int, Floats]
    pull: Floats
    rise: float

    def __add__(self, other: DualStep) -> DualStep:
        return DualStep(
            self.hinge + other.hinge,
            self.gap + other.gap,
            {**self.dual, **other.dual},
            self.pull + other.pull,
            self.rise + other.rise,
        )

    @property
    def nbytes(self) -> int:
        """What travels."""
        return sum(a.nbytes for a in self.dual.values()) + self.pull.nbytes + 24


@dataclass(frozen=True, eq=False)
class DualPoint:
    """A feasible point of the dual.

    Parameters
    ----------
    dual : mapping of int to ndarray
        a by the number of the shard; none where they are all 0.
    w : ndarray of shape (p,)
        w(a).
    total : float
        sum a.
    """

    dual: Mapping[int, Floats]
    w: Floats
    total: float

    def towards(self, goal: DualPoint) -> tuple[DualPoint, float]:
        """The highest point on the way to `goal`, and the length at which D is highest."""
        step = goal.w - self.w
        square, slope = float(step @ step), goal.total - self.total - float(self.w @ step)
        best = slope / square if square > 0.0 else 1.0
        t = min(max(best, 0.0), 1.0)
        if t == 1.0:
            return goal, best
        return self.mixed(goal, t), best

    def mixed(self, goal: DualPoint, t: float) -> DualPoint:
        """t of the way."""
        dual = {k: self.dual.get(k, 0.0) * (1.0 - t) + t * a for k, a in goal.dual.items()}
        total = (1.0 - t) * self.total + t * goal.total
        return DualPoint(dual, (1.0 - t) * self.w + t * goal.w, total)


def cocoa(
    shards: Shards,
    objective: LinearObjective,
    *,
    tol: float = 1e-4,
    max_iter: int = 1000,
    pays: Callable[[Sequence[Step]], bool] | None = None,
) -> Solution:
    """Minimise |w|^2 / 2 + C sum of weighted hinges.

    Parameters
    ----------
    shards : Shards
        Of X (n_k, d), ndarray or CSR; y (n_k,), 0.0 or 1.0; weights (n_k,) or None.
    objective : LinearObjective
        Its `loss` is not looked at; `scale` is C, ``l2=1``, ``l1=0``; an intercept is penalised.
    tol : float, default=1e-4
        Stop once F - min F is at most ``max(tol^2, 64 eps) F``.
    max_iter : int, default=1000
        Rounds at most.
    pays : callable, optional
        Of the history; the first False ends it.

    Returns
    -------
    Solution
        Of the lowest point met; its bound is the difference to the highest dual value met.
    """
    rounds, enough = Rounds(shards), relative_gap(tol)
    at, share = DualPoint({}, np.zeros(objective.shape[1]), 0.0), 1.0
    best, value, lower = at.w, np.inf, 0.0
    history: list[Step] = []
    recent: deque[DualPoint] = deque(maxlen=RECENT)
    for n_iter in range(max_iter + 1):
        step = rounds.map_reduce(improve, objective, at, share, n_iter)
        here = 0.5 * float(at.w @ at.w) + step.hinge
        lower = max(lower, here - step.gap)
        if here < value:
            best, value = at.w, here
        history.append(rounds.step(value, value - lower, best[None, :]))
        converged = min(step.gap, value - lower) <= enough * value
        if converged or n_iter == max_iter or rounds.time_is_up:
            break
        if pays is not None and not pays(history):
            break
        at, length = at.towards(DualPoint(step.dual, at.w + step.pull, at.total + step.rise))
        share = min(1.0, share / min(max(length, 0.5), 2.0))
        if shares_work(step):
            at = accelerated(rounds, objective, at, recent)
            recent.append(at)
    w = best[None, :]
    return Solution(w, value, value - lower, CERTIFICATE, n_iter, converged, tuple(history))


def shares_work(step: DualStep) -> bool:
    """Whether there are several shards: one alone does not wait for others."""
    return len(step.dual) > 1


def accelerated(
    rounds: Rounds, objective: LinearObjective, at: DualPoint, recent: Sequence[DualPoint]
) -> DualPoint:
    """The best point on the way to the best one in the affine hull of `at` and the recent ones."""
    if not recent:
        return at
    ways = np.array([point.w - at.w for point in recent])
    slopes = np.array([point.total - at.total for point in recent]) - ways @ at.w
    gram = ways @ ways.T
    theta = np.linalg.lstsq(gram, slopes, rcond=SINGULAR)[0]
    goal = {
        k: a + sum(t * (point.dual[k] - a) for t, point in zip(theta, recent, strict=True))
        for k, a in at.dual.items()
    }
    clipped = rounds.map_reduce(clip, objective, goal)
    return at.towards(DualPoint(clipped.dual, clipped.pull, clipped.rise))[0]


def improve(
    shard: Shard, objective: LinearObjective, at: DualPoint, share: float, n_iter: int
) -> DualStep:
    """What one shard proposes, with sigma = share * (number of shards), at least 1."""
    constant, cost, u = objective.constant, _cost(shard, objective), at.w.copy()
    before = at.dual.get(shard.index, np.zeros(shard.n_rows))
    q = slack_of(shard.X, shard.y, at.w, constant)
    hinge = float(cost @ np.maximum(-q, 0.0))
    dual, sigma = before.copy(), max(1.0, share * shard.n_shards)
    seed = (n_iter << 20) + shard.index
    ascend = ascend_sparse if issparse(shard.X) else ascend_dense
    sign = 2.0 * shard.y - 1.0
    ascend(*_arrays(shard.X), sign, constant, cost, dual, u, sigma, EPOCHS, seed)
    change = dual - before
    pull = pulled(shard.X, shard.y, change, constant)
    gap = hinge + float(before @ q)
    return DualStep(hinge, gap, {shard.index: dual}, pull, float(change.sum()))


def clip(shard: Shard, objective: LinearObjective, dual: Mapping[int, Floats]) -> DualStep:
    """One shard's part of the feasible point nearest to `dual`: a, its pull and its sum."""
    a = np.clip(dual[shard.index], 0.0, _cost(shard, objective))
    pull = pulled(shard.X, shard.y, a, objective.constant)
    return DualStep(0.0, 0.0, {shard.index: a}, pull, float(a.sum()))


def _cost(shard: Shard, objective: LinearObjective) -> Floats:
    weight = np.ones(shard.n_rows) if shard.sample_weight is None else shard.sample_weight
    return objective.scale * weight


def _arrays(X: Any) -> tuple[NDArray[Any], ...]:
    return (X.data, X.indices, X.indptr) if issparse(X) else (X,)
