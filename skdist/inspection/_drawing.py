# SPDX-License-Identifier: BSD-3-Clause
"""What the displays share: matplotlib when it is needed, colours, and reports of estimators."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted

# Okabe and Ito (2008): told apart by people who see colours in any of the usual ways.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#F0E442", "#999999")
ALARM = "#D55E00"


def new_axes(display: Any, ax: Any) -> tuple[Any, Any]:
    """The axes to draw on, and their figure; new ones where there are none.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    pyplot = _pyplot(type(display).__name__)
    if ax is None:
        _, ax = pyplot.subplots(layout="constrained")
    return ax, ax.figure


def _pyplot(what: str) -> Any:
    try:
        import matplotlib.pyplot as pyplot
    except ImportError as error:
        raise ImportError(
            f'{what} draws with matplotlib, which is not installed: pip install "skdist[plot]".'
        ) from error
    return pyplot


def report_of(estimator: Any) -> Any:
    """The report of a fitted estimator.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    """
    check_is_fitted(estimator, "report_")
    return estimator.report_


def colour(k: int) -> str:
    """The k-th colour; all beyond the last are grey."""
    return COLOURS[min(k, len(COLOURS) - 1)]
