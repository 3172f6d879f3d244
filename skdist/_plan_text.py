# SPDX-License-Identifier: BSD-3-Clause
"""A plan, to be read."""

from __future__ import annotations

from typing import Any

from skdist._report_text import in_bytes


def as_text(plan: Any) -> str:
    """A few lines, each saying one thing."""
    shape, place = plan.shape, plan.place
    rows = (
        f"{shape.n_samples:,} rows of {shape.n_features:,} features, {in_bytes(shape.data_bytes)}"
    )
    source = f", in {len(shape.partitions)} partitions" if shape.is_collection else ", in memory"
    few, many = plan.rounds
    rounds = f"{few:,}" if few == many else f"{few:,} to {many:,}"
    lines = [
        f"{plan.estimator}: {plan.method}, {plan.strategy}",
        f"  rows     {rows}{source}",
        f"  where    {_where(plan)}",
        f"  shards   {plan.n_shards:,}",
        f"  rounds   {rounds}",
        f"  moves    {_moves(plan)}",
        f"  memory   {in_bytes(plan.worker_memory)} of {in_bytes(place.memory)} {_of_whom(place)}",
    ]
    if place.kind != "threads":
        lines.append(
            f"           {in_bytes(plan.driver_memory)} of {in_bytes(place.driver_memory)} here"
        )
    lines += [f"  why      {sentence}" for sentence in plan.why]
    return "\n".join([*lines, f"  so       {verdict(plan)}"])


def parts_as_text(plan: Any) -> str:
    """The parts, one after the other, and what they come to."""
    few, many = plan.rounds
    bytes_moved = in_bytes(plan.bytes_moved[0])
    total = (
        f"{plan.estimator}: {len(plan.parts)} parts, {few:,} to {many:,} rounds, {bytes_moved} or "
        f"more moved, {in_bytes(plan.worker_memory)} at the fullest worker"
    )
    each = [f"{name}: {part}" for name, part in plan.parts.items()]
    return "\n".join([total, *each])


def verdict(plan: Any) -> str:
    """Whether to do it."""
    if not plan.fits:
        return (
            "This does not fit into memory. Take smaller partitions, fewer tasks at once (n_jobs), "
            "another strategy or solver, float32, or workers with more memory."
        )
    if plan.sketch.local:
        return "One process does it: scikit-learn's own fit."
    alone, here = plan.seconds
    guess = f"about {_seconds(here)}, against {_seconds(alone)} on one core"
    if here < alone:
        return f"Spreading it pays: {guess}."
    if plan.shape.is_collection:
        return f"It is spread because the rows are: {guess}."
    return f"Spreading it does not pay: {guess}. n_jobs=1 is enough."


def _where(plan: Any) -> str:
    place = plan.place
    if place.kind == "cluster":
        return f"a Dask cluster of {place.processes} workers, {place.workers} tasks at once"
    streamed = ", streamed from where the rows are" if plan.shape.is_collection else ""
    return f"{place.workers} {place.kind} of this machine{streamed}"


def _moves(plan: Any) -> str:
    few, many = plan.bytes_moved
    if many == 0:
        return "nothing: threads share memory"
    return in_bytes(few) if few == many else f"{in_bytes(few)} to {in_bytes(many)}"


def _of_whom(place: Any) -> str:
    return "in this process" if place.kind == "threads" else "at the fullest worker"


def _seconds(seconds: float) -> str:
    return f"{1e3 * seconds:.2g} ms" if seconds < 0.1 else f"{seconds:.3g} s"
