# SPDX-License-Identifier: BSD-3-Clause
"""What `C`, `l1_ratio` and the deprecated `penalty` of a logistic regression mean."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from skdist._caller import level_of_caller


@dataclass(frozen=True)
class Penalty:
    """``scale * (sum of losses) + 1/2 l2 |W|^2 + l1 |W|_1``."""

    name: str | None
    scale: float
    l2: float
    l1: float


def resolve_penalty(penalty: str | None, C: float, l1_ratio: float | None) -> Penalty:
    """The strengths that scikit-learn's three parameters come to.

    Warns
    -----
    FutureWarning
        For `penalty` and for ``l1_ratio=None``, which scikit-learn 1.10 will not have.
    UserWarning
        Where `penalty` and `l1_ratio` contradict each other.
    """
    if penalty == "deprecated":
        if l1_ratio is None:
            _warn(
                "l1_ratio=None is deprecated since scikit-learn 1.8 and refused from 1.10 on; "
                "pass a number from 0 to 1.",
                FutureWarning,
            )
        name = "l2" if not l1_ratio else "l1" if l1_ratio == 1 else "elasticnet"
        return _strengths(None if np.isinf(C) else name, C, l1_ratio)
    _warn(
        "penalty is deprecated since scikit-learn 1.8 and gone from 1.10 on. Leave it out: "
        "l1_ratio=0 is 'l2', l1_ratio=1 is 'l1', a number between them is 'elasticnet', and "
        "C=np.inf is None.",
        FutureWarning,
    )
    _check_consistent(penalty, C, l1_ratio)
    return _strengths(penalty, C, l1_ratio)


def check_solver(solver: str, penalty: str | None, dual: bool) -> None:
    """Raise for what the solver cannot minimise, in scikit-learn's words."""
    if dual:
        raise ValueError(
            f"Solver {solver} supports only dual=False, got dual={dual}. "
            "The dual problem is solved by solver='liblinear'."
        )
    if penalty in ("l1", "elasticnet") and solver not in ("auto", "prox_newton"):
        raise ValueError(
            f"Solver {solver} supports only 'l2' or None penalties, got {penalty} penalty. "
            "Take solver='auto' or 'prox_newton', or l1_ratio=0."
        )


def _check_consistent(penalty: str | None, C: float, l1_ratio: float | None) -> None:
    if penalty == "elasticnet":
        if l1_ratio is None:
            raise ValueError("l1_ratio must be specified when penalty is elasticnet.")
    elif penalty is None:
        if C != 1.0 or l1_ratio:
            _warn("penalty=None ignores C and l1_ratio.", UserWarning)
    elif l1_ratio != {"l2": 0, "l1": 1}[penalty]:
        _warn(
            f"penalty={penalty!r} and l1_ratio={l1_ratio} contradict each other; penalty counts. "
            "Use l1_ratio alone.",
            UserWarning,
        )


def _strengths(name: str | None, C: float, l1_ratio: float | None) -> Penalty:
    if name is None or np.isinf(C):
        return Penalty(None, 1.0, 0.0, 0.0)
    share = {"l2": 0.0, "l1": 1.0}.get(name, l1_ratio)
    return Penalty(name, float(C), 1.0 - share, float(share))


def _warn(message: str, category: type[Warning]) -> None:
    warnings.warn(message, category, stacklevel=level_of_caller())
