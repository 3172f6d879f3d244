# SPDX-License-Identifier: BSD-3-Clause
"""Settings that go with an estimator to the process where somebody else fits it.

A grid search sends unfitted estimators to loky's processes and Dask's workers, where the user's
``with skdist.config_context(...)`` is not open. joblib carries its own settings there, and
scikit-learn its own; ours go with the estimator, until it is fitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skdist._config import DEFAULTS, Settings, has_own, holding, settings
from skdist._sklearn import clone_parametrized

_NAME = "_carried_settings"


class CarriesSettings:
    """Mixin in front of scikit-learn's BaseEstimator."""

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop(_NAME, None)
        to_carry = _settings_for(self)
        if to_carry != DEFAULTS and not is_fitted(self):
            state[_NAME] = to_carry
        return state

    def __sklearn_clone__(self):
        copy = clone_parametrized(self)
        if _NAME in vars(self):
            vars(copy)[_NAME] = vars(self)[_NAME]
        return copy


@contextmanager
def carried_settings(estimator: Any) -> Iterator[None]:
    """Hold the settings that an estimator was sent with; it lets go of them when the block ends."""
    with holding(_settings_for(estimator)):
        yield
    vars(estimator).pop(_NAME, None)


def is_fitted(estimator: Any) -> bool:
    """Whether it has learned attributes."""
    return any(name.endswith("_") and not name.startswith("_") for name in vars(estimator))


def _settings_for(estimator: Any) -> Settings:
    """Those opened in this thread, else those it was sent with, else those open elsewhere."""
    carried = vars(estimator).get(_NAME)
    return settings() if carried is None or has_own() else carried
