# SPDX-License-Identifier: BSD-3-Clause
"""The linear support vector machine on rows at hand: a primal-dual interior point method.

    min over w:     |w|^2 / 2 - b'w + e + sum_i c_i max(0, 1 - r_i'w)
    max over a:     e + sum_i a_i - |b + R'a|^2 / 2,     0 <= a_i <= c_i,     w = b + R'a

with rows r_i = (2 y_i - 1) x_i. With q = R w - 1 = z - u, z, u > 0, and s = c - a, the central path
is a z = mu = s u. A Newton step towards a point of it needs one matrix of d x d, or of n x n where
there are many more columns than rows,

    (I + R'D R) dw = R'D f - (w - b - R'a),    D = (z / a + u / s)^-1,    da = D (f - R dw)

(Ferris & Munson, 2003; Woodsend & Gondzio, 2009), and is corrected once (Mehrotra, 1992). What
the pair (w, a) lacks is a sum without cancellation, so it is known to its last digit:

    primal - dual = sum_i (c_i max(0, -q_i) + a_i q_i) + |w - b - R'a|^2 / 2

Cost: 20 to 60 iterations, each of n d min(n, d) operations; no communication.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.sparse import issparse

Floats = NDArray[np.float64]

TO_THE_WALL = 0.995  # share of the way to the nearest bound that a step may go
SHORTEST_STEP = 1e-8
BLOCK = 1 << 16  # entries of a block of rows: half a megabyte
WIDE = 256  # columns up to which their own matrix is formed: it minds no scale of theirs
START = 0.3  # mu at the start, in units of the mean of c |q|


@dataclass(frozen=True, eq=False)
class HingeProgram:
    """The problem.

    Parameters
    ----------
    rows : ndarray or CSR of shape (n, d), float64
        r_i.
    cost : ndarray of shape (n,), float64
        c_i > 0.
    pull : ndarray of shape (d,), float64
        b.
    offset : float
        e.
    """

    rows: Any
    cost: Floats
    pull: Floats
    offset: float = 0.0


@dataclass(frozen=True, eq=False)
class HingeAnswer:
    """A primal and a dual point.

    Parameters
    ----------
    w : ndarray of shape (d,)
    dual : ndarray of shape (n,)
        a.
    gap : float
        Primal minus dual value.
    n_iter : int
    """

    w: Floats
    dual: Floats
    gap: float
    n_iter: int


@dataclass(frozen=True, eq=False)
class Iterate:
    """w; a, s, z, u > 0 per row; q = R w - 1; lack = w - b - R'a; primal value, and the gap."""

    w: Floats
    a: Floats
    s: Floats
    z: Floats
    u: Floats
    q: Floats
    lack: Floats
    value: float = np.inf
    gap: float = np.inf

    @property
    def mu(self) -> float:
        """Mean of a z and s u."""
        return float(self.a @ self.z + self.s @ self.u) / (2 * len(self.a))


@dataclass(frozen=True, eq=False)
class Direction:
    """Changes of w, q, a, z and u; that of s is -a's."""

    w: Floats
    q: Floats
    a: Floats
    z: Floats
    u: Floats


def solve_hinge_program(
    program: HingeProgram, start: Floats, *, relative_gap: float, max_iter: int = 100
) -> HingeAnswer:
    """Solve it until gap / primal value is small enough, or the numbers allow no further step.

    Parameters
    ----------
    program : HingeProgram
    start : ndarray of shape (d,)
        w to begin at; the nearer the better, but any will do.
    relative_gap : float
    max_iter : int, default=100

    Returns
    -------
    HingeAnswer
        Its gap is computed from its points alone.
    """
    if len(program.cost) == 0:
        return HingeAnswer(program.pull, np.empty(0), 0.0, 0)
    here, certified = central(program, start), np.inf
    normal_at = FewRows(program.rows) if has_few_rows(*program.rows.shape) else few_columns
    n_iter = 0
    while n_iter < max_iter:
        if here.gap <= relative_gap * abs(here.value):
            here = at(program, here.w, here.a, here.s, here.z, here.u)
            if here.gap <= relative_gap * abs(here.value) or here.gap >= certified:
                break
            certified = here.gap  # rounding had gathered in q and in what is lacking
        there = advance(program, here, normal_at)
        if there is None:
            break
        here, n_iter = there, n_iter + 1
    return answer(program, here, n_iter)


def has_few_rows(n: int, d: int) -> bool:
    """Whether the matrix of n rows is formed, and not that of d columns."""
    return d > max(WIDE, 2 * n)


def advance(program: HingeProgram, here: Iterate, normal_at: Any) -> Iterate | None:
    """The next iterate; None where the numbers allow no further step."""
    try:
        solve = normal_at(program.rows, here)
        step = corrected(here, solve, *predicted(here, solve))
    except LinAlgError:
        return None
    length = min(TO_THE_WALL * longest(here, step), 1.0)
    return moved(program, here, step, length) if length > SHORTEST_STEP else None


def central(program: HingeProgram, w: Floats) -> Iterate:
    """The point of the central path that w belongs to: for each row the root a of

    mu / a - mu / (c - a) = q.
    """
    c, q = program.cost, program.rows @ w - 1.0
    mu = START * max(float(np.mean(c * np.abs(q))), 1e-3 * float(c.mean()))
    # Of a and c - a the smaller one, without cancellation.
    small = 2.0 * mu * c / (np.abs(q) * c + 2.0 * mu + np.hypot(q * c, 2.0 * mu))
    a, s = np.where(q > 0.0, small, c - small), np.where(q > 0.0, c - small, small)
    return at(program, w, a, s, mu / a, mu / s)


def at(program: HingeProgram, w: Floats, a: Floats, s: Floats, z: Floats, u: Floats) -> Iterate:
    """What follows from w and a."""
    q = program.rows @ w - 1.0
    return valued(program, Iterate(w, a, s, z, u, q, w - program.pull - program.rows.T @ a))


def valued(program: HingeProgram, here: Iterate) -> Iterate:
    """The same, its value and gap known."""
    w, q = here.w, here.q
    value = program.offset + float(
        (0.5 * w - program.pull) @ w + program.cost @ np.maximum(-q, 0.0)
    )
    gap = excess(program.cost, here.a, q) + 0.5 * float(here.lack @ here.lack)
    return replace(here, value=value, gap=gap)


def excess(cost: Floats, a: Floats, q: Floats) -> float:
    """Sum of c max(0, -q) + a q; no term is negative."""
    return float(cost @ np.maximum(-q, 0.0) + a @ q)


def answer(program: HingeProgram, found: Iterate, n_iter: int) -> HingeAnswer:
    """The better primal point of two: w, and b + R'a, which lacks nothing."""
    a = np.minimum(found.a, program.cost)
    points = (found.w, program.pull + program.rows.T @ a)
    gaps = [at(program, w, a, found.s, found.z, found.u).gap for w in points]
    better = int(np.argmin(gaps))
    return HingeAnswer(points[better], a, gaps[better], n_iter)


# -- one step --------------------------------------------------------------------------------------


Normal = Callable[[Floats], tuple[Floats, Floats, Floats]]  # of f: dw, R dw, da


def few_columns(rows: Any, here: Iterate) -> Normal:
    """With I + R'D R, (d, d)."""
    weight = 1.0 / (here.z / here.a + here.u / here.s)
    solve_gram = factored(gram_of(rows, weight), np.ones(rows.shape[1]))

    def solve(f: Floats) -> tuple[Floats, Floats, Floats]:
        dw = solve_gram(rows.T @ (weight * f) - here.lack)
        dq = rows @ dw
        return dw, dq, weight * (f - dq)

    return solve


class FewRows:
    """With R R' + D^-1, (n, n): the first term is formed once."""

    def __init__(self, rows: Any):
        gram = rows @ rows.T
        self._gram = np.asarray(gram.toarray() if issparse(gram) else gram)

    def __call__(self, rows: Any, here: Iterate) -> Normal:
        solve_gram = factored(self._gram.copy(), here.z / here.a + here.u / here.s)
        lacking = rows @ here.lack

        def solve(f: Floats) -> tuple[Floats, Floats, Floats]:
            da = solve_gram(f + lacking)
            return rows.T @ da - here.lack, self._gram @ da - lacking, da

        return solve


def factored(matrix: Floats, diagonal: Floats) -> Callable[[Floats], Floats]:
    """Solves with matrix + diag(diagonal), which it overwrites, in units of its diagonal."""
    matrix.flat[:: len(matrix) + 1] += diagonal
    unit = np.diag(matrix) ** -0.5
    matrix *= unit
    matrix *= unit[:, None]
    factor = cho_factor(matrix, overwrite_a=True, check_finite=False)
    return lambda right: np.asarray(unit * cho_solve(factor, unit * right, check_finite=False))


def gram_of(rows: Any, weight: Floats) -> Floats:
    """R'D R, dense; of blocks that stay in the cache."""
    if issparse(rows):
        return np.asarray((rows.T @ rows.multiply(weight[:, None])).toarray())
    n, d = rows.shape
    root, gram, size = np.sqrt(weight)[:, None], np.zeros((d, d)), max(BLOCK // d, 64)
    for start in range(0, n, size):
        scaled = rows[start : start + size] * root[start : start + size]
        gram += scaled.T @ scaled
    return gram


def predicted(here: Iterate, solve: Normal) -> tuple[Direction, float]:
    """The step towards mu = 0, and where to aim instead: (what it would leave / mu)^3 mu."""
    nothing = np.zeros_like(here.a)
    step = towards(here, solve, nothing - here.a * here.z, nothing - here.s * here.u)
    t = min(longest(here, step), 1.0)
    left = (here.a + t * step.a) @ (here.z + t * step.z)
    left += (here.s - t * step.a) @ (here.u + t * step.u)
    ratio = float(left) / (2 * len(here.a)) / here.mu
    return step, ratio**3 * here.mu


def corrected(here: Iterate, solve: Normal, step: Direction, aim: float) -> Direction:
    """The step towards mu = `aim`, with the second order that the predictor shows."""
    return towards(
        here,
        solve,
        aim - here.a * here.z - step.a * step.z,
        aim - here.s * here.u + step.a * step.u,
    )


def towards(here: Iterate, solve: Normal, for_z: Floats, for_u: Floats) -> Direction:
    """The step with z da + a dz = for_z and s du - u da = for_u."""
    f = here.z - here.u - here.q + for_z / here.a - for_u / here.s
    dw, dq, da = solve(f)
    return Direction(dw, dq, da, (for_z - here.z * da) / here.a, (for_u + here.u * da) / here.s)


def longest(here: Iterate, step: Direction) -> float:
    """How far the step can go until something that must be positive is 0; at most 1 / 0.995."""
    pairs = ((here.a, step.a), (here.s, -step.a), (here.z, step.z), (here.u, step.u))
    shrinkage = max(float(np.max(-change / value)) for value, change in pairs)
    return 1.0 / max(shrinkage, TO_THE_WALL) if np.isfinite(shrinkage) else 0.0


def moved(program: HingeProgram, here: Iterate, step: Direction, t: float) -> Iterate:
    """The iterate t of the step further; a full step leaves nothing of `lack`."""
    return valued(
        program,
        Iterate(
            here.w + t * step.w,
            here.a + t * step.a,
            here.s - t * step.a,
            here.z + t * step.z,
            here.u + t * step.u,
            here.q + t * step.q,
            (1.0 - t) * here.lack,
        ),
    )
