# SPDX-License-Identifier: BSD-3-Clause
"""Kernel machines fitted at different places become one, through their support vectors.

One level of a cascade: the support vectors of all models, with their labels and weights, are
optimised over together. Approximate, as a row that its own shard dropped may have become a support
vector. What was kept is put together in order, so that merging is associative. Regression models
that kept no targets are averaged as functions.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from importlib import import_module
from operator import add, attrgetter
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from skdist._estimator import Stopwatch
from skdist._merge_checks import check_columns, check_equal, check_kinds, take_columns
from skdist._report import FitReport
from skdist._rows import EncodedRows, default_n_shards
from skdist._sklearn import scikit_learns
from skdist.sharding import shard_rows
from skdist.solvers.kernel_expansion import KernelExpansion
from skdist.solvers.target_facts import target_facts
from skdist.summaries import EntryMoments, SupportVectors, dense, stacked
from skdist.svm._decide import BLOCK_KERNELS
from skdist.svm._expose import expose, table_of
from skdist.svm._gap import duality_gap_on
from skdist.svm._kernel_machine import Targets

# Which parameters must agree, besides those of the kernel.
KINDS: dict[type, tuple[str, ...]] = {
    SVC: ("C", "class_weight"),
    SVR: ("C", "epsilon"),
    NuSVC: ("nu",),
    NuSVR: ("C", "nu"),
    OneClassSVM: ("nu",),
}
OF_THE_KERNEL = ("kernel", "gamma", "degree", "coef0")
WHY = (
    "The support vectors of all models were optimised over together, without the rows that a shard "
    "has dropped: approximate."
)


def merge_machines(first: Any, models: list[Any], X: Any, y: Any, sample_weight: Any) -> Any:
    """One machine of the kind of `first`.

    Raises
    ------
    ValueError
        If the models do not fit together, or if rows are passed where no gap is known of them.
    """
    check_alike(models)
    kind = scikit_learns(first)
    if X is not None and kind not in (SVC, SVR):
        raise ValueError(
            f"merge got rows with models of {kind.__name__}; the duality gap on rows is computed "
            "for SVC and SVR. Leave X and y out."
        )
    kept = [kept_of(model) for model in models]
    merged = like(first)
    if None in kept:
        check_equal(models, "width of the kernel (gamma)", lambda m: float(m._gamma))
        merge_functions(merged, models)
    else:
        merge_vectors(merged, reduce(add, kept))
    if X is not None:
        gap = duality_gap_on(merged, X, y, sample_weight)
        merged.report_ = replace(
            merged.report_, certificate=gap, extra={**merged.report_.extra, "gap": gap}
        )
    return merged


def merge_vectors(merged: Any, vectors: SupportVectors) -> None:
    """Solve the problem of the support vectors of all."""
    watch = Stopwatch()
    n, d = vectors.X.shape
    asked = merged.n_shards or default_n_shards(n)
    shards = shard_rows(
        vectors.X, vectors.y, vectors.weight, n_shards=min(asked, n), n_jobs=merged.n_jobs
    )
    n_classes = 0 if vectors.classes is None else len(vectors.classes)
    facts = target_facts(shards, n_classes)
    dtype, is_sparse = np.dtype(np.float64), issparse(vectors.X)
    rows = EncodedRows(shards, d, dtype, is_sparse, vectors.classes, facts)
    targets = Targets(vectors.y, vectors.weight, vectors.mass, vectors.n_rows)
    merged._fit_rows(rows, targets, merged._width_of(vectors.entries, d), watch)
    merged._kept = vectors
    merged.shape_fit_ = (round(vectors.n_rows.sum()), d)
    of_these = {"violation", "converged", "passes"}
    merged.report_ = replace(
        merged.report_,
        method="merge",
        strategy="support vectors",
        exact=False,
        why=(WHY,),
        certificate=None,
        extra={
            **{key: value for key, value in merged.report_.extra.items() if key in of_these},
            "n_vectors": n,
            "kept_fraction": len(merged.support_) / max(n, 1),
            "support_fraction": len(merged.support_) / max(merged.shape_fit_[0], 1),
        },
    )


def merge_functions(merged: Any, models: list[Any]) -> None:
    """``f = sum_m n_m f_m / sum_m n_m`` of models with one function: a longer expansion."""
    n_rows = np.array([float(model.shape_fit_[0]) for model in models])
    share = n_rows / n_rows.sum()
    vectors = stacked([model.support_vectors_ for model in models])
    coef = [dense(m._dual_coef_) * part for m, part in zip(models, share, strict=True)]
    offset = -sum(float(m._intercept_[0]) * part for m, part in zip(models, share, strict=True))
    n = vectors.shape[0]
    every, total = np.arange(n), round(n_rows.sum())
    mean = KernelExpansion(
        every,
        np.hstack(coef)[0],
        offset,
        total,
        n_iter=max(model.n_iter_ for model in models),
        converged=not any(model.fit_status_ for model in models),
    )
    merged._gamma = models[0]._gamma
    expose(merged, table_of([mean], None, 0), vectors, [mean])
    merged.n_iter_, merged.shape_fit_ = mean.n_iter, (total, merged.n_features_in_)
    merged.n_shards_ = sum(vars(model).get("n_shards_", 1) for model in models)
    merged._kept = None
    merged.report_ = FitReport(
        method="merge",
        strategy="average",
        exact=False,
        why=(
            "Not all models kept their targets (fit_shard does), so that their functions were "
            "averaged by the number of their rows: approximate.",
        ),
        extra={"n_vectors": n},
    )


def check_alike(models: list[Any]) -> None:
    """Raise unless the models are machines of one kind, of one kernel and of the same features."""
    kind = check_kinds(models)
    for number, model in enumerate(models):
        if not (isinstance(model.kernel, str) and model.kernel in BLOCK_KERNELS):
            raise ValueError(
                f"Model {number} has kernel={model.kernel!r}. Models are merged whose kernel is "
                f"one of {', '.join(BLOCK_KERNELS)}: support vectors of others are not kept."
            )
    check_columns(models)
    for name in (*OF_THE_KERNEL, *KINDS[kind]):
        check_equal(models, name, attrgetter(name))


def like(first: Any) -> Any:
    """An estimator of skdist's class with the parameters of `first`, and its columns."""
    cls = getattr(import_module("skdist.svm"), f"Distributed{scikit_learns(first).__name__}")
    merged = cls(**first.get_params(deep=False))
    take_columns(merged, first)
    return merged


def kept_of(model: Any) -> SupportVectors | None:
    """What a model brings into a merge; None for a regression model that kept no targets.

    Of a model of scikit-learn, labels and the fewest weights that its coefficients allow are told
    by what it has learned; the rows it has dropped are taken to weigh 1 each.
    """
    kept: SupportVectors | None = vars(model).get("_kept")
    kind = scikit_learns(model)
    if kept is not None or kind in (SVR, NuSVR):
        return kept
    if kind is NuSVC:
        raise ValueError(
            "A NuSVC does not tell how much its classes weighed, which nu is a share of. Fit the "
            "shards with DistributedNuSVC.fit_shard to merge them."
        )
    return _class_vectors(model) if kind is SVC else _one_class_vectors(model)


def _class_vectors(model: Any) -> SupportVectors:
    k, n = len(model.classes_), model.shape_fit_[0]
    y = np.repeat(np.arange(k), model.n_support_)
    bound = np.abs(dense(model.dual_coef_)).max(axis=0, initial=0.0) / model.C
    weight = np.maximum(1.0, bound / model.class_weight_[y])
    # "balanced" is n / (K n_k), which tells n_k.
    n_rows = (
        n / (k * model.class_weight_) if model.class_weight == "balanced" else np.full(k, n / k)
    )
    return SupportVectors(
        model.support_vectors_,
        y.astype(np.float64),
        weight,
        model.classes_,
        n_rows,
        n_rows,
        entries_behind(model),
    )


def _one_class_vectors(model: Any) -> SupportVectors:
    coef = dense(model.dual_coef_)[0]
    mass = np.array([coef.sum() / model.nu])
    return SupportVectors(
        model.support_vectors_,
        np.zeros(len(coef)),
        np.maximum(1.0, coef),
        None,
        mass,
        np.array([float(model.shape_fit_[0])]),
        entries_behind(model),
    )


def entries_behind(model: Any) -> EntryMoments:
    """The variance of all entries that ``gamma="scale"`` tells; not their mean, taken to be 0."""
    n, d = model.shape_fit_
    if model.gamma != "scale":
        return EntryMoments.empty()
    return EntryMoments(n * d, 0.0, n / float(model._gamma))
