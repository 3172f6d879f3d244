# SPDX-License-Identifier: BSD-3-Clause
"""Bad input: scikit-learn's error or a working model, nothing half-fitted, nothing left behind."""

import copy
import functools
import gc
import glob
import inspect
import os
import tempfile
import threading
import time

import joblib
import numpy as np
import psutil
import pytest
from bad_input import (
    COLUMNS,
    FLAWS_OF_WEIGHTS,
    FLAWS_OF_X,
    FLAWS_OF_Y,
    SHARDS,
    Case,
    data_of,
    good_rows,
    n_rows,
    outcome,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.preprocessing import StandardScaler

import skdist
from skdist.solvers.diverged import Diverged

OF_TORCH = {"DistributedNeuralNetClassifier", "DistributedNeuralNetRegressor"}
NAMES = [
    name
    for name in skdist.__all__
    if hasattr(getattr(skdist, name), "fit") and name not in OF_TORCH
]
METHODS = ("predict", "predict_proba", "decision_function", "transform")
SMALL = {"n_estimators": 2, "hidden_layer_sizes": (2,), "random_state": 0}
REFUSED_WEIGHTS = {"negative", "all negative", "zeros", "inf"}  # by every estimator of ours
# Sums of their squares are no float64, so that an estimator of sums may refuse them.
OVERFLOWING = {"huge", "all huge", "huge as float32", "denormal"}
# liblinear and libsvm never return from such rows.
ENDLESS = {"huge", "all huge", "huge as float32", "denormal"}


def twin_class(cls):
    """scikit-learn's own class, that ours is an heir of."""
    return next(
        base
        for base in cls.__mro__
        if base.__module__.startswith("sklearn.")
        and f"Distributed{base.__name__}" in skdist.__all__
    )


def small(cls, **parameters):
    """An estimator that is quick."""
    known = inspect.signature(cls).parameters
    given = {name: value for name, value in (SMALL | parameters).items() if name in known}
    if "transformers" in known:
        given["transformers"] = [("numbers", StandardScaler(), slice(0, None))]
        return cls(**given)
    if "MLP" in cls.__name__:
        given["max_iter"] = 5
    return cls(**given)


def fit(estimator, X, y, weight):
    """Fit, with the weights if there are any."""
    weighed = {} if weight is None else {"sample_weight": weight}
    return estimator.fit(X, y, **weighed)


def fit_twin(cls, case, X, y, weight):
    """Fit scikit-learn's class, where that ends."""
    twin = twin_class(cls)
    if twin.__module__.startswith("sklearn.svm") and ENDLESS & {case.X, case.y, case.weight}:
        raise RuntimeError("never ends")
    return fit(small(twin), X, y, weight)


def answers(estimator, X):
    """method -> the outcome of calling it with X, of what the estimator has."""
    return {
        name: outcome(getattr(estimator, name), X) for name in METHODS if hasattr(estimator, name)
    }


@functools.cache
def fitted(name):
    """An estimator that good rows were fitted with, and its answers to these."""
    cls = getattr(skdist, name)
    X, y = good_rows(is_classifier(small(cls)))
    model = small(cls, n_shards=2)
    model.fit(X, y)
    return model, answers(model, X)


def shape_of(value):
    """What scikit-learn's answer looks like; of several outputs there is one array each."""
    return [part.shape for part in value] if isinstance(value, list) else value.shape


def plain(value):
    """Without the zeros being left out."""
    return value.toarray() if issparse(value) else np.asarray(value)


def is_finite(value):
    values = plain(value)
    return values.dtype.kind not in "fc" or bool(np.isfinite(values).all())


def all_finite(model, X):
    """Whether all that it answers is."""
    return all(is_finite(answer.value) for answer in answers(model, X).values() if answer.works)


def check_answers(ours, theirs):
    """Right shapes; finite where scikit-learn's are, or where it has none."""
    assert set(ours) == set(theirs)
    for method, mine in ours.items():
        its = theirs[method]
        if not its.works:
            assert mine.works or type(mine.error) is type(its.error) or is_proper(mine.error)
            continue
        assert mine.works, (method, mine.error)
        assert shape_of(mine.value) == shape_of(its.value), method
        assert is_finite(mine.value) or not is_finite(its.value), method


def is_proper(error):
    return isinstance(error, ValueError | TypeError) and bool(str(error))


def may_refuse(case, model, theirs, X):
    """Whether ours may refuse what scikit-learn takes."""
    if getattr(model, "n_shards", None) is not None and model.n_shards > n_rows(X):
        return True
    overflows = OVERFLOWING & {case.X, case.y, case.weight}
    if overflows or case.y == "with None":  # which is NaN to libsvm
        return True
    return case.weight in REFUSED_WEIGHTS or not all_finite(theirs.value, X)


def check(name, case):
    """One fit of one case, on whatever backend is configured."""
    cls = getattr(skdist, name)
    X, y, weight, n_shards = data_of(case)
    if "sample_weight" not in inspect.signature(cls.fit).parameters:
        weight = None
    theirs = outcome(fit_twin, cls, case, X, y, weight)
    check_fresh(small(cls, n_shards=n_shards), (X, y, weight), theirs, case)
    check_again(name, (X, y, weight), n_shards)


def check_fresh(model, data, theirs, case):
    X = data[0]
    before = dict(vars(model))
    ours = outcome(fit, model, *data)
    if ours.works:
        check_model(model, X, theirs, case.classify)
        return
    if isinstance(ours.error, Diverged):  # it leaves the last good parameters, on purpose
        assert not vars(model).keys() - before.keys() or all_finite(model, good_rows(False)[0])
        return
    assert unchanged(vars(model), before), "half-fitted"
    same = not theirs.works and type(ours.error) is type(theirs.error)
    assert same or is_proper(ours.error), repr(ours.error)
    assert str(ours.error)
    if theirs.works:
        assert may_refuse(case, model, theirs, X), repr(ours.error)


def check_model(model, X, theirs, classify):
    """Of what scikit-learn's class was not fitted with, the good rows are asked."""
    if theirs.works:
        check_answers(answers(model, X), answers(theirs.value, X))
        return
    seen = getattr(model, "n_features_in_", None)
    rows = good_rows(classify)[0] if seen == COLUMNS else X
    for method, answer in answers(model, rows).items():
        assert answer.works, (method, answer.error, theirs.error)
        assert is_finite(answer.value), (method, theirs.error)


def check_again(name, data, n_shards):
    """After a good fit: an error leaves the model as it was."""
    good, expected = fitted(name)
    model = copy.copy(good)
    if "n_shards" in model.get_params(deep=False):
        model.set_params(n_shards=n_shards)
    before = dict(vars(model))
    answers(model, data[0])  # raises or not: it changes nothing
    assert unchanged(vars(model), before)
    again = outcome(fit, model, *data)
    if again.works or isinstance(again.error, Diverged):
        return
    assert unchanged(vars(model), before), "half-fitted"
    X, _ = good_rows(False)
    for method, answer in answers(model, X).items():
        np.testing.assert_array_equal(plain(answer.value), plain(expected[method].value))


def unchanged(now, before):
    return list(now) == list(before) and all(now[key] is before[key] for key in now)


def cases(name):
    """Any combination of flaws; half of everything is good."""
    return st.builds(
        Case,
        X=st.just("good") | st.sampled_from(list(FLAWS_OF_X)),
        y=st.just("good") | st.sampled_from(list(FLAWS_OF_Y)),
        weight=st.just("none") | st.sampled_from(list(FLAWS_OF_WEIGHTS)),
        shards=st.sampled_from(list(SHARDS)),
        classify=st.just(is_classifier(small(getattr(skdist, name)))),
    )


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind(cluster_of_two, tmp_path_factory):
    """No file, process or thread of these fits is there after them."""
    cluster_of_two.client()  # shared by all tests, as loky's pool is
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("left")
        patch.setattr(tempfile, "tempdir", str(folder))
        before = processes(), threads()
        yield
        fitted.cache_clear()
        gc.collect()
        assert not list(folder.glob("skdist-*"))
    assert not glob.glob(f"/dev/shm/skdist-{os.getpid()}-*")
    assert not processes() - before[0]
    deadline = time.monotonic() + 5.0  # a pool's threads end after the call that they served
    while threads() - before[1] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not threads() - before[1]


def processes():
    """Children, but for those of loky's pool."""
    children = psutil.Process().children(recursive=True)
    return {child.pid for child in children if not is_of_loky(child)}


def is_of_loky(process):
    try:
        command = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return True
    return "loky" in command or "resource_tracker" in command


def threads():
    """Names of threads, but for those of loky's pool, of the cluster, and of our pool of two."""
    shared = (
        "skdist_0",
        "skdist_1",
        "AsyncProcess",
        "Dask-",
        "IO loop",
        "Profile",
        "ExecutorManager",
        "QueueFeeder",
        "TCP-",
    )
    names = {thread: thread.name for thread in threading.enumerate()}
    return {name for name in names.values() if not name.startswith(shared)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_on_threads(name):
    @settings(max_examples=12)
    @given(case=cases(name))
    def run(case):
        with joblib.parallel_config(backend="threading", n_jobs=2):
            check(name, case)

    run()


def each_alone(classify):
    """One flaw at a time, whatever chance brings in the test above."""
    yield from (Case(X=flaw, classify=classify) for flaw in FLAWS_OF_X)
    yield from (Case(y=flaw, classify=classify) for flaw in FLAWS_OF_Y)
    yield from (Case(weight=flaw, classify=classify) for flaw in FLAWS_OF_WEIGHTS)
    yield from (Case(shards=size, classify=classify) for size in SHARDS)
    yield from (Case(X="one row", shards=size, classify=classify) for size in SHARDS)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_each_flaw_alone(name):
    for case in each_alone(is_classifier(small(getattr(skdist, name)))):
        print(case)  # which one failed
        with joblib.parallel_config(backend="threading", n_jobs=2):
            check(name, case)


# One error on the workers' side of each family, and rows that are good.
ON_PROCESSES = [
    ("DistributedRidge", Case(y="huge", shards="2")),
    ("DistributedStandardScaler", Case(X="inf", shards="some")),
    ("DistributedSVR", Case(X="all huge", shards="2")),
    ("DistributedSGDRegressor", Case(X="huge as float32", shards="2")),
    ("DistributedMLPRegressor", Case(y="huge", shards="2")),
]


@pytest.mark.parametrize(("name", "case"), ON_PROCESSES)
@pytest.mark.filterwarnings("ignore")
def test_on_processes(name, case, process_backend):
    check(name, case)
