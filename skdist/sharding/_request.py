# SPDX-License-Identifier: BSD-3-Clause
"""What a fit is asked for: two fits of the same request have the same rounds."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from skdist.sharding._digest import digest

FORMAT = 1  # of journals; another number makes all of them strangers


@dataclass(frozen=True)
class Request:
    """Who fits what.

    Parameters
    ----------
    estimator : str
        Name of the class, with its module.
    method : str
        ``"fit"``, ``"fit_shard"``, ``"partial_fit"``.
    parameters : mapping of str to JSON's values
        Those that the model depends on; a digest stands for what is no number or text.
    data : mapping of str to str
        A digest of each of X, y, ...
    versions : mapping of str to str
    settings : mapping of str to JSON's values
        Those of :func:`skdist.config_context` that the model depends on.
    """

    estimator: str
    method: str
    parameters: Mapping[str, Any]
    data: Mapping[str, str]
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def name(self) -> str:
        """A name for its folder."""
        plain = self.estimator.rpartition(".")[2]
        return f"{plain}-{digest(json.dumps(asdict(self), sort_keys=True))[:16]}"

    def differences(self, other: "Request") -> list[str]:
        """What another request has otherwise, in words."""
        ours, theirs = dict(self._said()), dict(other._said())
        return [
            f"{what} {_brief(ours.get(what))} -> {_brief(theirs.get(what))}"
            for what in {**ours, **theirs}
            if ours.get(what) != theirs.get(what)
        ]

    def _said(self) -> Iterator[tuple[str, Any]]:
        yield "method", self.method
        yield "format", self.format
        for kind, values in (
            ("parameter", self.parameters),
            ("data", self.data),
            ("version of", self.versions),
            ("setting", self.settings),
        ):
            for name, value in values.items():
                yield f"{kind} {name}", value


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
