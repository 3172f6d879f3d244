# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of a fit whose worker is killed, here and elsewhere, in each one's own words.

Every contestant fits the same rows on two worker processes of one machine, once undisturbed and
once while one of the two, always the first, is killed (SIGKILL) after half of the seconds that the
undisturbed fit took. Told are: how it ended, after how long, whether the model is that of the
undisturbed fit (its predictions agree to 1e-6), and what was said.

    python benchmarks/killed_workers.py                              what is installed here
    python benchmarks/killed_workers.py --python other/bin/python    peers that live elsewhere, too
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

ROWS, COLUMNS, PARTS = 100_000, 30, 8
LEAST_PATIENCE = 60.0  # seconds after which a fit that takes ten times as long as it should hangs


def rows() -> tuple[np.ndarray, np.ndarray]:
    """The rows that all of them fit."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, COLUMNS))
    z = X[:, 0] + X[:, 1] * X[:, 2] + np.sin(3.0 * X[:, 3])
    return X, (z + rng.normal(size=ROWS) > 0.0).astype(np.int64)


# -- one fit, in a process of its own --------------------------------------------------------------


@contextlib.contextmanager
def on_dask(job: Mapping[str, Any]) -> Iterator[Any]:
    """A cluster of two worker processes, the first of which dies where the job says so."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client, lambda: min(client.run(os.getpid).values())


@contextlib.contextmanager
def on_loky(job: Mapping[str, Any]) -> Iterator[Any]:
    """Two loky processes."""
    import joblib

    with joblib.parallel_config(backend="loky", n_jobs=2):
        pids = joblib.Parallel()(joblib.delayed(_pid)() for _ in range(8))
        yield None, lambda: min(set(pids))


def _pid() -> int:
    time.sleep(0.2)
    return os.getpid()


def swapped(name: str, **parameters: Any) -> Callable[..., np.ndarray]:
    """A fit by an estimator of skdist."""

    def fit(client: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        import joblib

        import skdist

        where = {} if client is None else {"backend": "dask"}
        with joblib.parallel_config(**where) if where else contextlib.nullcontext():
            model = getattr(skdist, name)(**parameters).fit(X, y)
        return model.predict_proba(X[:500])[:, 1]

    return fit


def sklearn_forest(client: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """scikit-learn's forest on whatever joblib backend there is."""
    import joblib
    from sklearn.ensemble import RandomForestClassifier

    with contextlib.nullcontext() if client is None else joblib.parallel_config(backend="dask"):
        model = RandomForestClassifier(24, max_depth=10, n_jobs=2, random_state=0).fit(X, y)
    return model.predict_proba(X[:500])[:, 1]


def parts(client: Any, X: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
    """The rows as Dask arrays that are on the workers."""
    import dask.array as da

    chunk = ROWS // PARTS
    return client.persist([da.from_array(X, (chunk, COLUMNS)), da.from_array(y, chunk)])


def dask_ml_logistic(client: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """dask-ml's logistic regression, ADMM as it comes."""
    from dask_ml.linear_model import LogisticRegression

    model = LogisticRegression().fit(*parts(client, X, y))
    return model.predict_proba(X[:500])[:, 1]


def dask_ml_incremental(client: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """dask-ml's Incremental around scikit-learn's SGD."""
    from dask_ml.wrappers import Incremental
    from sklearn.linear_model import SGDClassifier

    model = Incremental(SGDClassifier(loss="log_loss", random_state=0), shuffle_blocks=False)
    A, b = parts(client, X, y)
    for _ in range(10):
        model.partial_fit(A, b, classes=[0, 1])
    return model.estimator_.predict_proba(X[:500])[:, 1]


def xgboost_dask(client: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """XGBoost's estimator for Dask."""
    from xgboost.dask import DaskXGBClassifier

    model = DaskXGBClassifier(n_estimators=100, max_depth=8, random_state=0)
    model.client = client
    model.fit(*parts(client, X, y))
    return np.asarray(model.get_booster().inplace_predict(X[:500]))


def lightgbm_dask(client: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """LightGBM's estimator for Dask."""
    from lightgbm import DaskLGBMClassifier

    model = DaskLGBMClassifier(
        n_estimators=100, num_leaves=127, random_state=0, client=client, verbose=-1
    ).fit(*parts(client, X, y))
    return model.to_local().predict_proba(X[:500])[:, 1]


FOREST = swapped("DistributedRandomForestClassifier", n_estimators=100, random_state=0)
LOGISTIC = swapped("DistributedLogisticRegression", solver="gradient_descent", max_iter=100)
CONTESTANTS: dict[str, tuple[Any, Callable[..., np.ndarray]]] = {
    "skdist forest on Dask": (on_dask, FOREST),
    "skdist forest on loky": (on_loky, FOREST),
    "skdist logistic on Dask": (on_dask, LOGISTIC),
    "scikit-learn forest on loky": (on_loky, sklearn_forest),
    "scikit-learn forest on Dask": (on_dask, sklearn_forest),
    "dask-ml logistic": (on_dask, dask_ml_logistic),
    "dask-ml Incremental SGD": (on_dask, dask_ml_incremental),
    "xgboost.dask": (on_dask, xgboost_dask),
    "lightgbm.dask": (on_dask, lightgbm_dask),
}


def fit_once(job: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds of a fit, and predictions; a worker is killed on the way where the job says when."""
    where, fit = CONTESTANTS[job["who"]]
    X, y = rows()
    with where(job) as (client, victim):
        timer = None
        if job["kill_after"] is not None:
            timer = threading.Timer(job["kill_after"], os.kill, (victim(), signal.SIGKILL))
            timer.start()
        begun = time.perf_counter()
        try:
            predicted = fit(client, X, y)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}", "seconds": _since(begun)}
        finally:
            if timer is not None:
                timer.cancel()
        return {"seconds": _since(begun), "predicted": predicted.tolist()}


def _since(begun: float) -> float:
    return time.perf_counter() - begun


# -- the table -------------------------------------------------------------------------------------


def run(python: str, who: str, kill_after: float | None, patience: float) -> dict[str, Any]:
    """What a fresh process says of one fit."""
    job = json.dumps({"who": who, "kill_after": kill_after})
    # Files, not pipes: workers that outlive the process would hold these open.
    with TemporaryFile("w+") as out_file, TemporaryFile("w+") as err_file:
        child = subprocess.Popen(
            [python, "-W", "ignore", str(Path(__file__)), "--job", job],
            stdout=out_file,
            stderr=err_file,
            start_new_session=True,
        )
        try:
            child.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            return {"hangs": True}
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        out_file.seek(0)
        err_file.seek(0)
        out, err = out_file.read(), err_file.read()
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if not lines:
        return {"status": child.returncode, "error": (err.strip().splitlines() or ["nothing"])[-1]}
    return json.loads(lines[-1])


def compared(python: str, who: str) -> dict[str, str]:
    """One line of the table."""
    calm = run(python, who, None, 600.0)
    if "predicted" not in calm:
        return {"who": who, "ends": "not run", "said": calm.get("error", "hangs")}
    seconds = calm["seconds"]
    patience = max(LEAST_PATIENCE, 10.0 * seconds) + 60.0
    struck = run(python, who, 0.5 * seconds, patience)
    line = {"who": who, "calm": f"{seconds:.1f}"}
    if struck.get("hangs"):
        return {**line, "ends": "hangs", "said": f"nothing within {patience:.0f} s"}
    line["struck"] = f"{struck['seconds']:.1f}" if "seconds" in struck else ""
    if "error" in struck:
        return {**line, "ends": "error", "said": " ".join(struck["error"].split())[:160]}
    same = np.allclose(struck["predicted"], calm["predicted"], rtol=1e-6, atol=1e-9)
    return {**line, "ends": "model", "same": "yes" if same else "no", "said": ""}


def main() -> None:
    """Parse arguments, run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--python", default=None, help="interpreter that has the peers")
    parser.add_argument("--only", default="", help="part of the names of contestants")
    options = parser.parse_args()
    if options.job:
        warnings.simplefilter("ignore")
        print(json.dumps(fit_once(json.loads(options.job))), flush=True)
        # What hangs after the model is there is not what is asked.
        os._exit(0)
    columns = {"who": 30, "ends": 9, "calm": 8, "struck": 8, "same": 6, "said": 0}
    print("".join(f"{name:<{width}}" for name, width in columns.items()))
    for who in CONTESTANTS:
        if options.only in who:
            ours = who.startswith(("skdist", "scikit-learn"))
            line = compared(sys.executable if ours else options.python or sys.executable, who)
            print("".join(f"{line.get(n, ''):<{w}}" for n, w in columns.items()), flush=True)


if __name__ == "__main__":
    main()
