# SPDX-License-Identifier: BSD-3-Clause
"""The forests that are compared, the data they are compared on, and one fit in its own process.

Run as a script this is the child: ``python _forests.py JOB``, where JOB is a :class:`Job` in JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _side_by_side import Figures, run_child

MODULES = {"skdist": "skdist", "sklearn": "sklearn.ensemble", "sklearnex": "sklearnex.ensemble"}
PEERS = ("sklearn", "sklearnex", "lightgbm")
WARM_UP_ROWS = 30_000  # enough for skdist to take the binned kernel, as it will for all rows
LEAST_PROBABILITY = 1e-3  # log-loss: a forest that is sure and wrong costs 6.9, not infinity
PARTS = ("X_train", "X_test", "y_train", "y_test")


@dataclass(frozen=True)
class Job:
    """One contestant's task: fit the training rows in `folder`, predict the test rows."""

    who: str
    folder: str
    regression: bool
    parameters: dict[str, Any] = field(default_factory=dict)
    warm_up: bool = True

    def run(self, **environment: str) -> Figures | None:
        """Do it in a fresh process."""
        return run_child(Path(__file__), asdict(self), **environment)


# -- data ----------------------------------------------------------------------------------------


def cheap_classes(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two classes, steps and products of the first six of d normal columns and noise; float32."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d), np.float32)
    score = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + (X[:, 3] > 0.5) * X[:, 4] + X[:, 5] / 2
    return X, (score + 0.5 * rng.standard_normal(n) > 0).astype(np.int64)


def add_data_options(parser: ArgumentParser) -> None:
    """Options for data of one's own."""
    parser.add_argument("--data", type=Path, metavar="FILE.npz", help="a file that holds X and y")
    parser.add_argument("--target", default="y", help="name of y in the file (default: y)")
    parser.add_argument("--regression", action="store_true", help="y of the file is a number")


def read_data(options: Namespace) -> tuple[np.ndarray, np.ndarray]:
    """X and y of the user's file."""
    with np.load(options.data) as arrays:
        return arrays["X"], arrays[options.target]


@contextmanager
def split_to_disk(X: np.ndarray, y: np.ndarray) -> Iterator[str]:
    """A folder with four fifths of the rows to fit and one fifth to predict, chosen at random.

    Children read it, so that all see the same rows and none pays for making them.
    """
    from sklearn.model_selection import train_test_split

    parts = train_test_split(X, y, test_size=0.2, random_state=0)
    with TemporaryDirectory() as folder:
        for name, part in zip(PARTS, parts, strict=True):
            np.save(Path(folder, name), np.ascontiguousarray(part))
        del parts
        yield folder


# -- contestants ---------------------------------------------------------------------------------


def contestants(asked: str | None) -> list[str]:
    """skdist and its peers: those asked for, or those of scikit-learn's face that are installed."""
    peers = asked.split(",") if asked else [p for p in PEERS[:2] if find_spec(p)]
    for peer in peers:
        if peer not in PEERS or not find_spec(peer):
            raise SystemExit(
                f"--peers named {peer!r}; known are {', '.join(PEERS)}, and it must be installed: "
                'pip install "skdist[bench]".'
            )
    return ["skdist", *peers]


def make_forest(job: Job, n_features: int) -> Any:
    """The contestant's forest on all cores; what is not in `parameters` is its default."""
    if job.who == "lightgbm":
        return _lightgbm(job, n_features)
    name = "RandomForest" + ("Regressor" if job.regression else "Classifier")
    name = f"Distributed{name}" if job.who == "skdist" else name
    return getattr(import_module(MODULES[job.who]), name)(
        random_state=0, n_jobs=-1, **job.parameters
    )


def _lightgbm(job: Job, n_features: int) -> Any:
    """LightGBM's nearest to a random forest: bagging without replacement, leaves without end."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    default = 1.0 if job.regression else n_features**-0.5
    return (LGBMRegressor if job.regression else LGBMClassifier)(
        boosting_type="rf",
        n_estimators=job.parameters.get("n_estimators", 100),
        num_leaves=16_384,
        min_child_samples=job.parameters.get("min_samples_leaf", 1),
        min_child_weight=0.0,
        subsample=0.632,
        subsample_freq=1,
        feature_fraction_bynode=job.parameters.get("max_features", default),
        random_state=0,
        n_jobs=-1,
        verbose=-1,
    )


# -- the child -----------------------------------------------------------------------------------


def measure(job: Job) -> Figures:
    """Seconds, peak memory and quality of one fit in this process.

    The first predict after a fit is timed: it is the one that unpacks the trees, in every library.
    """
    X_train, X_test, y_train, y_test = (np.load(Path(job.folder, f"{p}.npy")) for p in PARTS)
    imported = seconds(lambda: make_forest(job, X_train.shape[1]))
    figures = {"import s": imported, "start MB": memory("VmRSS")}
    if job.warm_up:
        few = slice(WARM_UP_ROWS)
        forest = make_forest(job, X_train.shape[1])
        figures["first s"] = seconds(
            lambda: forest.fit(X_train[few], y_train[few]).predict(X_test[:500])
        )
    forest = make_forest(job, X_train.shape[1])
    figures["fit s"] = seconds(lambda: forest.fit(X_train, y_train))
    figures["predict s"] = seconds(lambda: forest.predict(X_test))
    figures["peak MB"] = memory("VmHWM")
    if not job.warm_up:
        figures["again s"] = seconds(lambda: forest.fit(X_train, y_train))
    return {**figures, **quality(forest, X_test, y_test, job.regression)}


def seconds(call: Callable[[], object]) -> float:
    """Wall-clock time of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def memory(name: str) -> float:
    """MB of this process: "VmRSS" now, "VmHWM" at its peak.

    Linux's own account, because what `getrusage` says of a child includes its parent's memory.
    Elsewhere that is all there is.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines[name].split()[0]) / 1024
    per_mb = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mb


def quality(forest: Any, X: np.ndarray, y: np.ndarray, regression: bool) -> Figures:
    """RMSE; or accuracy, log-loss and, of two classes, AUC."""
    from sklearn.metrics import log_loss, roc_auc_score

    prediction = np.ravel(forest.predict(X))
    if regression:
        return {"RMSE": float(np.sqrt(np.mean(np.square(prediction - y))))}
    p = np.clip(forest.predict_proba(X), LEAST_PROBABILITY, 1.0)
    p /= p.sum(axis=1, keepdims=True)
    figures = {"accuracy": float(np.mean(prediction == y))}
    figures["log-loss"] = float(log_loss(y, p, labels=forest.classes_))
    if p.shape[1] == 2:
        figures["AUC"] = float(roc_auc_score(y, p[:, 1]))
    return figures


if __name__ == "__main__":
    print(json.dumps(measure(Job(**json.loads(sys.argv[1])))))
