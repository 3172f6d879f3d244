# SPDX-License-Identifier: BSD-3-Clause
"""What transformers say of a fit before it runs."""

from __future__ import annotations

from typing import Any

from sklearn.decomposition import PCA

from skdist._plan import Shape, Sketch, sketch_of
from skdist._transformer import ShardedTransformer
from skdist.sharding import Place


@sketch_of.register(ShardedTransformer)
def of_transformer(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """One round of sums over the columns."""
    why = "" if shape.is_collection else estimator._why_alone(X, None, False)
    d, of_products = shape.n_features, isinstance(estimator, PCA)
    sums = 8.0 * d * (d if of_products else 6)
    operations = shape.entries * (2.0 * d if of_products else 6.0)
    if why:
        return Sketch(
            "scikit-learn", "local", 1, (0, 0), (why,), operations=operations,
            driver=shape.x_bytes, local=True,
        )  # fmt: skip
    m = len(shape.partitions) or estimator.n_shards or estimator._default_n_shards(X)
    rounds = (1, estimator._most_rounds)
    return Sketch(
        estimator._method, "sums", m, rounds, ("Sums over the columns are merged.",),
        up=sums, data=shape.x_bytes, driver=3 * sums, worker=2 * sums, operations=operations,
    )  # fmt: skip
