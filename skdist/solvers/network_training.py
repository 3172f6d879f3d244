# SPDX-License-Identifier: BSD-3-Clause
"""Passes over the rows until the loss, or the score of rows held out, gets no better."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from skdist._caller import level_of_caller
from skdist.solvers.diverged import Diverged
from skdist.solvers.gradient_sync import gradient_pass, whole_step
from skdist.solvers.local_steps import Steps, local_round
from skdist.solvers.network import Array, Network, State
from skdist.solvers.owed_gradients import owing_step
from skdist.solvers.owed_moves import Memory
from skdist.solvers.owed_steps import owing_round
from skdist.summaries import WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import ShardedDataset

SMALLEST_RATE = 1e-6  # an adaptive step size below it is not reduced any more


@dataclass(frozen=True)
class Round:
    """One line of a fit's history: local steps and their average, or a pass of merged gradients.

    Parameters
    ----------
    n_pass : int
        Passes over the rows begun so far.
    n_steps : int
        Steps of a shard in this round, or of all in this pass.
    loss : float
        Mean loss of the batches before they were learnt from, the penalty included.
    agreement : float
        ``|mean D_j|^2 / mean |D_j|^2`` of the shards' moves, or gradients, D_j: 1 if all are
        alike, 1 / m if those of m shards have nothing in common.
    n_late : int
        Shards that were late and left out.
    """

    n_pass: int
    n_steps: int
    loss: float
    agreement: float
    n_late: int = 0


@dataclass(frozen=True, eq=False)
class Progress:
    """How good each pass was, and the best so far; scikit-learn's rule of when that is better.

    Parameters
    ----------
    losses, scores : tuple of float
        Of the passes; scores of rows held out, if there are any.
    best_loss, best_score : float
    best_w : ndarray of shape (D,) or None
        Parameters of the best score.
    stale : int
        Passes without a gain of `tol`.
    """

    losses: tuple[Any, ...] = ()
    scores: tuple[float, ...] = ()
    best_loss: Any = np.inf
    best_score: float = -np.inf
    best_w: Array | None = None
    stale: int = 0

    def after_loss(self, loss: Any, tol: float) -> Progress:
        """After a pass that is judged by its loss."""
        return replace(
            self,
            losses=(*self.losses, loss),
            stale=self.stale + 1 if loss > self.best_loss - tol else 0,
            best_loss=min(loss, self.best_loss),
        )

    def unjudged(self, loss: Any) -> Progress:
        """After a pass of some of the rows; its score is the last one."""
        return replace(self, losses=(*self.losses, loss), scores=(*self.scores, *self.scores[-1:]))

    def after_score(self, loss: Any, score: float, w: Array, tol: float) -> Progress:
        """After a pass that is judged by the score of rows held out."""
        better = score > self.best_score
        return replace(
            self,
            losses=(*self.losses, loss),
            scores=(*self.scores, score),
            stale=self.stale + 1 if score < self.best_score + tol else 0,
            best_score=score if better else self.best_score,
            best_w=w.copy() if better else self.best_w,
        )


@dataclass(frozen=True)
class Schedule:
    """How the step size changes from pass to pass.

    Parameters
    ----------
    kind : {"constant", "invscaling", "adaptive"}
        "adaptive" divides it by 5 where training would stop.
    rate : float
        The first.
    power_t : float
        Of the number of rows met, for "invscaling".
    """

    kind: str
    rate: float
    power_t: float

    def after_pass(self, state: State, n_met: int) -> State:
        """After `n_met` rows in all."""
        if self.kind != "invscaling":
            return state
        return replace(state, rate=float(self.rate) / (n_met + 1) ** self.power_t)

    def when_stuck(self, state: State) -> State | None:
        """The state to go on from, None to stop."""
        if self.kind != "adaptive" or state.rate <= SMALLEST_RATE:
            return None
        return replace(state, rate=state.rate / 5.0)


@dataclass(frozen=True, eq=False)
class Trained:
    """Where a fit came to, after `n_iter` passes.

    `stopped` is False if the passes ran out.
    """

    state: State
    progress: Progress
    n_iter: int
    history: tuple[Round, ...]
    stopped: bool


class PassResult(NamedTuple):
    """Where a pass came to: the state, the mean loss, the rounds, and what shards owe."""

    state: State
    loss: Any
    rounds: tuple[Round, ...]
    memory: Memory


class Pass(Protocol):
    """One pass over all rows."""

    @property
    def shards(self) -> ShardedDataset:
        """The rows."""

    def __call__(self, state: State, n_pass: int, memory: Memory) -> PassResult:
        """Where pass number `n_pass` comes to.

        Raises
        ------
        Diverged
        """

    def skip(self, n_passes: int) -> None:
        """Go on after so many passes, which were made before a fit was resumed."""


@dataclass(frozen=True, eq=False)
class LocalPass:
    """A pass of local steps; see `local_steps`.

    `orders` are those of the rows of one shard, pass by pass; None if shards draw their own. Of
    `n_passes` the last is one of all shards, however late some are.
    """

    shards: ShardedDataset
    network: Network
    steps: Steps
    orders: Iterator[Array] | None = None
    n_passes: int = 1

    def __call__(self, state: State, n_pass: int, memory: Memory) -> PassResult:
        """See `Pass`."""
        order = None if self.orders is None else next(self.orders)
        rounds: list[Round] = []
        lost: list[WeightedMean] = []
        whole, here = n_pass + 1 >= self.n_passes, (self.shards, self.network, self.steps)
        for first in range(0, self.steps.per_pass, self.steps.local_steps):
            before = state
            if self.steps.share:
                is_last = whole and first + self.steps.local_steps >= self.steps.per_pass
                state, sums, memory = owing_round(*here, before, n_pass, first, memory, is_last)
            else:
                state, sums = local_round(*here, before, n_pass, first, order, whole)
            if sums.diverged:
                raise _diverged(sums.diverged, n_pass, f"round {len(rounds)} of pass {n_pass + 1}")
            lost.append(sums.loss)
            move, apart = state.w - before.w, float(sums.motion.mean)
            agreement = float(np.dot(move, move)) / apart if apart > 0.0 else 1.0
            done = state.t - before.t
            late = self.shards.n_shards - sums.n_shards
            rounds.append(Round(n_pass + 1, done, float(sums.loss.mean), agreement, late))
            passes = n_pass + min(1.0, (first + self.steps.local_steps) / self.steps.per_pass)
            loss = rounds[-1].loss
            self.shards.note(state.w, loss=loss, agreement=agreement, passes=passes)
        return PassResult(state, reduce(add, lost).mean[()], tuple(rounds), memory)

    def skip(self, n_passes: int) -> None:
        """See `Pass`."""
        for _ in range(n_passes if self.orders is not None else 0):
            next(self.orders)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class GradientPass:
    """A pass of steps along merged gradients; see `gradient_sync`."""

    shards: ShardedDataset
    network: Network
    steps: Steps
    starts: Sequence[int]
    orders: Iterator[Array]
    n_passes: int = 1

    def __call__(self, state: State, n_pass: int, memory: Memory) -> PassResult:
        """See `Pass`."""
        order = next(self.orders)
        is_last = n_pass + 1 >= self.n_passes
        step = owing_step if self.steps.share else whole_step
        after, means = gradient_pass(
            self.shards, self.network, self.steps, state, self.starts, order, step, memory, is_last
        )
        if means.diverged:
            raise _diverged(means.diverged, n_pass, f"pass {n_pass + 1}")
        done = after.t - state.t
        loss, agreement = float(means.loss), float(means.agreement)
        self.shards.note(after.w, loss=loss, agreement=agreement, passes=n_pass + 1.0)
        rounds = (Round(n_pass + 1, done, means.loss, means.agreement),)
        return PassResult(after, means.loss, rounds, means.memory)

    def skip(self, n_passes: int) -> None:
        """See `Pass`."""
        for _ in range(n_passes):
            next(self.orders)


def _diverged(shards: Sequence[int], n_pass: int, when: str) -> Diverged:
    which = ", ".join(map(str, shards))
    return Diverged(
        f"Solver produced non-finite parameter weights or a non-finite loss in {when}, on shard "
        f"{which}. The input data may contain large values and need to be preprocessed; or take "
        "a smaller learning_rate_init. The parameters are those before it."
    )


def train(
    run: Pass, start: State, progress: Progress, schedule: Schedule, *, max_iter: int, tol: float,
    n_iter_no_change: float, n_rows: int, n_met: int = 0,
    score: Callable[[Array], float] | None = None, tell: Callable[[str], None] | None = None,
) -> Trained:  # fmt: skip
    """Passes until nothing gets better, `max_iter` at most.

    Parameters
    ----------
    run : callable
        See `Pass`.
    start : State
    progress : Progress
        Of earlier fits that this one goes on from.
    schedule : Schedule
    max_iter, tol, n_iter_no_change : scikit-learn's
    n_rows : int
        Of a pass.
    n_met : int, default=0
        Rows met in earlier fits.
    score : callable, optional
        ``score(w)`` of the rows held out; judges passes in place of the loss, and the best
        parameters are kept.
    tell : callable, optional
        Is told what scikit-learn prints.

    Raises
    ------
    Diverged
        With what there was before in `trained`.
    """
    loop, history = run.shards.loop(), tuple[Round, ...]()
    begin = (start, progress, 0, history, n_met, False)
    state, progress, n_iter, history, n_met, stopped = loop.latest(begin)
    run.skip(n_iter)
    memory = Memory()
    say = tell or (lambda line: None)
    try:
        while n_iter < max_iter and not stopped and not (n_iter and run.shards.time_is_up):
            state, loss, rounds, memory = run(state, n_iter, memory)
            n_iter, n_met, history = n_iter + 1, n_met + n_rows, history + rounds
            say(f"Iteration {n_iter}, loss = {loss:.8f}")
            if any(round.n_late for round in rounds):  # passes of all rows alone are judged
                progress = progress.unjudged(loss)
            elif score is None:
                progress = progress.after_loss(loss, tol)
            else:
                progress = progress.after_score(loss, score(state.w), state.w, tol)
                say(f"Validation score: {progress.scores[-1]:f}")
                run.shards.note(state.w, loss=float(loss), score=float(progress.scores[-1]))
            state = schedule.after_pass(state, n_met)
            if progress.stale > n_iter_no_change:
                slower = schedule.when_stuck(state)
                stopped = slower is None
                say(_why_stuck(score is None, tol, n_iter_no_change, slower))
                if slower is not None:
                    state, progress = slower, replace(progress, stale=0)
            if memory.begins:  # nothing is owed: a fit can go on from the state alone
                loop.keep((state, progress, n_iter, history, n_met, stopped))
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=level_of_caller())
        stopped = True
    except Diverged as error:
        error.trained = Trained(state, progress, n_iter, history, True)
        raise
    return Trained(state, progress, n_iter, history, stopped)


def _why_stuck(by_loss: bool, tol: float, patience: float, slower: State | None) -> str:
    what = "Training loss" if by_loss else "Validation score"
    then = "Stopping." if slower is None else f"Setting learning rate to {slower.rate:f}"
    return f"{what} did not improve more than tol={tol:f} for {patience} consecutive epochs. {then}"
